package image

import (
	"regexp"
	"strings"
	"testing"
)

func TestIdentifiersDependOnInputsAndName(t *testing.T) {
	a, b := NewIdentifiers([]byte("a")), NewIdentifiers([]byte("b"))
	if a.UUID("root") != NewIdentifiers([]byte("a")).UUID("root") {
		t.Error("the same inputs give another identifier")
	}
	if a.UUID("root") == a.UUID("boot") || a.UUID("root") == b.UUID("root") {
		t.Error("other inputs, or another name, give the same identifier")
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(a.UUID("x")) {
		t.Errorf("%s is no UUID of version 8", a.UUID("x"))
	}
}

func TestFstab(t *testing.T) {
	ids := NewIdentifiers([]byte("a"))
	text := Fstab(Layout(), ids)
	for mount, options := range map[string][]string{
		"/":              {"errors=remount-ro"},
		"/boot":          {"nodev", "nosuid", "noexec"},
		"/boot/efi":      {"nodev", "nosuid", "noexec", "umask=0077"},
		"/home":          {"nodev", "nosuid", "noexec"},
		"/var":           {"nodev", "nosuid"},
		"/var/tmp":       {"nodev", "nosuid", "noexec"},
		"/var/log":       {"nodev", "nosuid", "noexec"},
		"/var/log/audit": {"nodev", "nosuid", "noexec"},
		"/dev/shm":       {"nodev", "nosuid", "noexec"},
		"/proc":          {"hidepid=2"},
	} {
		found := regexp.MustCompile(`(?m)^\S+ ` + mount + ` \S+ (\S+) 0 [012]$`).FindStringSubmatch(text)
		if found == nil {
			t.Errorf("%s is not mounted:\n%s", mount, text)
			continue
		}
		for _, option := range options {
			if !strings.Contains(","+found[1]+",", ","+option+",") {
				t.Errorf("%s has not %s: %s", mount, option, found[1])
			}
		}
	}
}

func TestLayoutGrowsAtItsEnd(t *testing.T) {
	layout, names := Layout(), map[string]bool{}
	for i, p := range layout {
		if names[p.Name] {
			t.Errorf("two partitions are named %s", p.Name)
		}
		names[p.Name] = true
		if p.MiB == 0 && i != len(layout)-1 {
			t.Errorf("%s takes the rest, and is not the last", p.Name)
		}
	}
	if last := layout[len(layout)-1]; last.Mount != "/var" || last.MiB != 0 {
		t.Errorf("the last partition is %+v, and has to be /var", last)
	}
}
