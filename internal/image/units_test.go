package image

import (
	"regexp"
	"strings"
	"testing"
)

// Units of the profile that run before basic.target's requirements are met would
// make an ordering cycle, which systemd breaks by leaving out some unit: once it
// was cloud-init.service, and the machine had no engineers.
func TestUnitsMakeNoCycle(t *testing.T) {
	early := regexp.MustCompile(`(?m)^Before=.*\b(cloud-init(-local)?\.service|sysinit\.target|local-fs\.target|network-pre\.target)`)
	for _, f := range rendered(t, "postgresql").Files {
		if !strings.HasPrefix(f.Path, "/usr/lib/systemd/system/") && !strings.HasPrefix(f.Path, "/etc/systemd/system/") || strings.Contains(f.Path, ".d/") {
			continue
		}
		if early.MatchString(f.Content) && !strings.Contains(f.Content, "DefaultDependencies=no") {
			t.Errorf("%s is ordered before what its default dependencies wait for:\n%s", f.Path, f.Content)
		}
	}
}

// Hetzner and Google give a machine its address with a prefix of /32, so that its
// router's address is in no network of the machine's. With arp_ignore = 2 the kernel
// answers only who is in the same network (Linux, ip-sysctl): the router would never
// learn where the machine is, and nobody could log in.
func TestMachinesAnswerTheirRouter(t *testing.T) {
	setting := regexp.MustCompile(`(?m)^\s*net\.ipv4\.conf\.\w+\.arp_ignore\s*=\s*(\d+)`)
	found := 0
	for _, f := range rendered(t, "postgresql").Files {
		for _, match := range setting.FindAllStringSubmatch(f.Content, -1) {
			if found++; match[1] != "0" && match[1] != "1" {
				t.Errorf("%s has %s", f.Path, strings.TrimSpace(match[0]))
			}
		}
	}
	if found == 0 {
		t.Error("arp_ignore is set nowhere")
	}
}
