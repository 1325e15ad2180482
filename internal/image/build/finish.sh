#!/bin/sh
# Runs in the tree at the end: what needs the installed packages but is the
# image's business, not the profile's. $1 is the UUID of /, $2 that of /boot.
set -eu
export LC_ALL=C.UTF-8

# The initial ram disk knows the profile's settings.
update-initramfs -u -k all

kernel=$(ls /boot/vmlinuz-* | sort -V | tail -n 1)
version=${kernel#/boot/vmlinuz-}

# BIOS: GRUB's core, with what finds /boot by its UUID, and the modules.
install -d -m 0700 /boot/grub/i386-pc
printf 'search.fs_uuid %s root\nset prefix=($root)/grub\n' "$2" >/boot/grub/embedded.cfg
grub-mkimage --format i386-pc --directory /usr/lib/grub/i386-pc --prefix /grub --config /boot/grub/embedded.cfg \
    --output /boot/grub/i386-pc/core.img biosdisk part_gpt ext2 search_fs_uuid normal configfile
cp /usr/lib/grub/i386-pc/*.mod /usr/lib/grub/i386-pc/*.lst /usr/lib/grub/i386-pc/boot.img /boot/grub/i386-pc/
rm /boot/grub/embedded.cfg

# UEFI: Debian's signed shim and GRUB, as grub-install with a removable path
# would lay them; their configuration leads to the one below.
install -d /boot/efi/EFI/BOOT /boot/efi/EFI/debian
cp /usr/lib/shim/shimx64.efi.signed /boot/efi/EFI/BOOT/BOOTX64.EFI
cp /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed /boot/efi/EFI/BOOT/grubx64.efi
cp /usr/lib/shim/shimx64.efi.signed /boot/efi/EFI/debian/shimx64.efi
cp /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed /boot/efi/EFI/debian/grubx64.efi
printf 'search.fs_uuid %s root\nset prefix=($root)/grub\nconfigfile $prefix/grub.cfg\n' "$2" |
    tee /boot/efi/EFI/BOOT/grub.cfg >/boot/efi/EFI/debian/grub.cfg

# The menu, until update-grub writes it in the machine at the first new kernel.
. /etc/default/grub
{
    sh /etc/grub.d/01_users
    cat <<END
set default=0
set timeout=0
if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output console serial
fi
insmod part_gpt
insmod ext2
search --no-floppy --fs-uuid --set=root $2
menuentry 'Debian' --class debian --unrestricted {
    linux /vmlinuz-$version root=UUID=$1 ro $GRUB_CMDLINE_LINUX
    initrd /initrd.img-$version
}
END
} >/boot/grub/grub.cfg
chmod 0600 /boot/grub/grub.cfg

# From now on updates of the boot loader install it (package grub-cloud-amd64).
: >/etc/grub.d/enable_cloud
