package image

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

const userData = `#cloud-config
users:
  - name: ada
    groups: [ssh-users]
    lock_passwd: true
    shell: /bin/bash
    ssh_authorized_keys: [%q]
`

// The machine boots, lets its engineer in and nobody else, and is inside what
// the profile says.
func TestMachine(t *testing.T) {
	image := requireE2E(t)
	signer, public, _ := newKey(t)
	m := start(t, image, settings{}, fmt.Sprintf(userData, public), signer)

	stranger, _, _ := newKey(t)
	for name, try := range map[string]struct {
		user   string
		method ssh.AuthMethod
	}{
		"root with the engineer's key": {"root", ssh.PublicKeys(signer)},
		"a wrong key":                  {"ada", ssh.PublicKeys(stranger)},
		"a password":                   {"ada", ssh.Password("ada")},
		"keyboard-interactive": {"ada", ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			return make([]string, len(questions)), nil
		})},
		"another account": {"postgres", ssh.PublicKeys(signer)},
	} {
		if client, err := m.dial(try.user, try.method); err == nil {
			client.Close()
			t.Errorf("%s gets in", name)
		}
	}

	t.Run("listens on SSH only", func(t *testing.T) {
		// DHCP's client holds port 68 of its address while it has a lease.
		out := m.sh(`ss -Hlntup | awk '{ print $1, $5 }' | grep -v ':68$' | sed 's/.*[:]//' | sort -u`)
		if got := strings.Fields(out); !slices.Equal(got, []string{"22"}) {
			t.Errorf("it listens on %q:\n%s", got, m.sh("ss -lntup"))
		}
	})
	t.Run("no failed units", func(t *testing.T) {
		if out := m.sh("systemctl list-units --failed --plain --no-legend"); strings.TrimSpace(out) != "" {
			t.Errorf("failed:\n%s%s", out, m.sh("journalctl -b -p err --no-pager | tail -n 60"))
		}
	})
	t.Run("few packages", func(t *testing.T) {
		n, err := strconv.Atoi(strings.TrimSpace(m.sh("dpkg-query -f '.\n' -W | wc -l")))
		if err != nil || n > 300 {
			t.Errorf("%d packages (%v)", n, err)
		}
		t.Logf("%d packages", n)
	})
	t.Run("settings are in force", func(t *testing.T) {
		for script, want := range map[string]string{
			"swapon --show | wc -l":                                       `^0$`,
			"sysctl -n kernel.kptr_restrict":                              `^2$`,
			"sysctl -n kernel.unprivileged_bpf_disabled":                  `^[12]$`,
			"sysctl -n net.ipv4.conf.all.rp_filter":                       `^1$`,
			"cat /sys/module/apparmor/parameters/enabled":                 `^Y$`,
			"aa-status --complaining":                                     `^0$`,
			"auditctl -s | grep enabled":                                  `enabled 2`,
			"auditctl -l | wc -l":                                         `^[1-9][0-9]{1,2}$`,
			"findmnt -no OPTIONS /tmp":                                    `noexec`,
			"findmnt -no OPTIONS /var/tmp":                                `noexec`,
			"findmnt -no OPTIONS /home":                                   `noexec`,
			"findmnt -no OPTIONS /proc":                                   `hidepid=(2|invisible)`,
			"nft list chain inet holdfast input | grep -c 'policy drop'":  `^1$`,
			"nft list chain inet holdfast output | grep -c 'policy drop'": `^1$`,
			"fail2ban-client status sshd | grep -c 'Banned IP list'":      `^1$`,
			"chronyc -h 127.0.0.1 tracking >/dev/null 2>&1; echo $?":      `^[^0]`,
			"ls /etc/ssh/ssh_host_*_key | wc -l":                          `^1$`,
			"getent shadow root | cut -d: -f2":                            `^[!*]`,
			"df --output=size -B1G /var | tail -n 1":                      `^ *1[5-9]$`,
			"systemctl is-system-running || true":                         `^(running|starting)$`,
			"modprobe -n -v dccp":                                         `/bin/false`,
			"cat /proc/cmdline":                                           `slab_nomerge`,
		} {
			out := strings.TrimSpace(m.sh(script))
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%s: got %q, want %s", script, out, want)
			}
		}
	})
	t.Run("the metadata address is root's", func(t *testing.T) {
		if out := m.sh("runuser -u nobody -- curl -sS -m 5 http://169.254.169.254/ 2>&1; echo $?"); !strings.Contains(out, "7\n") {
			t.Errorf("nobody's request is not refused at once: %s", out)
		}
	})
	t.Run("a new kernel's menu boots unasked", func(t *testing.T) {
		out := m.sh("update-grub 2>&1; grep -c 'menuentry .*--unrestricted' /boot/grub/grub.cfg; grep -c password_pbkdf2 /boot/grub/grub.cfg")
		if !regexp.MustCompile(`(?s)\n[1-9]\n1\n?$`).MatchString(out) {
			t.Errorf("update-grub: %s", out)
		}
	})
}

// The same disk boots by UEFI's firmware.
func TestMachineUEFI(t *testing.T) {
	image := requireE2E(t)
	signer, public, _ := newKey(t)
	m := start(t, image, settings{uefi: true}, fmt.Sprintf(userData, public), signer)
	if out := m.sh("ls /sys/firmware/efi >/dev/null && echo uefi"); out != "uefi\n" {
		t.Errorf("it did not boot by UEFI: %s", out)
	}
}
