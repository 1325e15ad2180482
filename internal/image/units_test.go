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
