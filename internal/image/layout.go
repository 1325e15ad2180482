package image

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Partition is one of the image's disk.
type Partition struct {
	// Name is the GPT label, and the name of the file system.
	Name string
	// Type is the GPT type GUID.
	Type string
	// MiB is the size; 0 takes what the others leave: the last one only.
	MiB int64
	// Mount is where it is mounted; empty for none.
	Mount string
	// FS is "ext4", "vfat", or empty for none.
	FS string
	// Options are those of its mount.
	Options string
}

// GPT partition types (UEFI specification 2.10 section 5.3.3, and the
// Discoverable Partitions Specification).
const (
	typeBIOS  = "21686148-6449-6E6F-744E-656564454649"
	typeESP   = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	typeLinux = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
)

// Layout is the disk of an image: separate file systems, so that one that is
// full or writable for many harms no other, with the options that ANSSI BP-028
// (R28, R29) asks for. /tmp is in memory. /var is last: it grows to the end of
// the cloud's disk. It alone of the writable ones allows programs, since dpkg
// runs packages' scripts there.
func Layout() []Partition {
	const strict = "nodev,nosuid,noexec"
	return []Partition{
		{Name: "bios", Type: typeBIOS, MiB: 1},
		{Name: "esp", Type: typeESP, MiB: 64, FS: "vfat", Mount: "/boot/efi", Options: "umask=0077,noauto,x-systemd.automount,x-systemd.idle-timeout=1min," + strict},
		{Name: "boot", Type: typeLinux, MiB: 256, FS: "ext4", Mount: "/boot", Options: strict},
		{Name: "root", Type: typeLinux, MiB: 384, FS: "ext4", Mount: "/", Options: "errors=remount-ro"},
		{Name: "usr", Type: typeLinux, MiB: 1664, FS: "ext4", Mount: "/usr", Options: "nodev"},
		{Name: "home", Type: typeLinux, MiB: 192, FS: "ext4", Mount: "/home", Options: strict},
		{Name: "opt", Type: typeLinux, MiB: 16, FS: "ext4", Mount: "/opt", Options: "nodev,nosuid"},
		{Name: "srv", Type: typeLinux, MiB: 16, FS: "ext4", Mount: "/srv", Options: strict},
		{Name: "vartmp", Type: typeLinux, MiB: 256, FS: "ext4", Mount: "/var/tmp", Options: strict},
		{Name: "varlog", Type: typeLinux, MiB: 512, FS: "ext4", Mount: "/var/log", Options: strict},
		{Name: "audit", Type: typeLinux, MiB: 256, FS: "ext4", Mount: "/var/log/audit", Options: strict},
		{Name: "var", Type: typeLinux, FS: "ext4", Mount: "/var", Options: "nodev,nosuid"},
	}
}

// Identifiers derives the identifiers of an image's disk and file systems from
// its inputs: the same inputs give the same ones, others give others.
type Identifiers struct{ seed [sha256.Size]byte }

// NewIdentifiers takes what describes all inputs.
func NewIdentifiers(inputs []byte) Identifiers { return Identifiers{sha256.Sum256(inputs)} }

// UUID is that of the named thing, in the form of RFC 9562 version 8.
func (i Identifiers) UUID(name string) string {
	h := sha256.Sum256(append(i.seed[:], name...))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Serial is the volume number of a FAT file system, eight hexadecimal digits.
func (i Identifiers) Serial(name string) string {
	h := sha256.Sum256(append(i.seed[:], name...))
	return fmt.Sprintf("%X", h[0:4])
}

// Source is how /etc/fstab names the partition's file system.
func (i Identifiers) Source(p Partition) string {
	if p.FS == "vfat" {
		serial := i.Serial(p.Name)
		return "UUID=" + serial[:4] + "-" + serial[4:]
	}
	return "UUID=" + i.UUID(p.Name)
}

// Fstab is /etc/fstab of a layout. /proc hides processes from all but root and
// group adm, which systemd's session manager is in.
func Fstab(layout []Partition, ids Identifiers) string {
	var s strings.Builder
	s.WriteString("# Made with the image; data volumes are added by the agent.\n")
	for _, p := range layout {
		if p.Mount == "" {
			continue
		}
		pass := 2
		switch {
		case p.Mount == "/":
			pass = 1
		case p.FS == "vfat":
			pass = 0
		}
		fmt.Fprintf(&s, "%s %s %s %s 0 %d\n", ids.Source(p), p.Mount, p.FS, p.Options, pass)
	}
	s.WriteString("proc /proc proc nodev,nosuid,noexec,hidepid=2,gid=adm 0 0\n")
	s.WriteString("tmpfs /dev/shm tmpfs nodev,nosuid,noexec 0 0\n")
	return s.String()
}
