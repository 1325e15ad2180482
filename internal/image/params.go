package image

import (
	"fmt"
	"regexp"
	"slices"
)

// Suite is the Debian release of the images: bookworm (12) is the newest one for
// which SCAP content of ANSSI BP-028 exists (package ssg-debian 0.1.76), so what
// is claimed of the image can be audited.
const Suite = "bookworm"

// Params fill in the profile: what is the same for every machine of an image.
type Params struct {
	// Suite is the Debian release.
	Suite string `json:"suite"`
	// Arch is Debian's name of the architecture: amd64.
	Arch string `json:"arch"`
	// Roles are the optional roles, such as "postgresql".
	Roles []string `json:"roles"`
	// UpdateAt and RebootAt are times of day, "HH:MM" UTC, until the agent sets
	// those of the machine's region.
	UpdateAt string `json:"update_at"`
	RebootAt string `json:"reboot_at"`
	// Attempts within WindowSeconds lead to a block of CoolDownSeconds, until the
	// agent sets the tenant's limits.
	Attempts        int `json:"attempts"`
	WindowSeconds   int `json:"window_seconds"`
	CoolDownSeconds int `json:"cool_down_seconds"`
}

// Defaults are the parameters of an ordinary image.
func Defaults() Params {
	return Params{
		Suite: Suite, Arch: "amd64",
		UpdateAt: "02:00", RebootAt: "03:00",
		Attempts: 5, WindowSeconds: 600, CoolDownSeconds: 900,
	}
}

// Check says what is wrong with the parameters; concerns are the profile, which
// knows the roles.
func (p Params) Check(concerns []Concern) error {
	clock := regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	switch {
	case p.Suite != Suite:
		return fmt.Errorf("the profile is for Debian %s, not for %q", Suite, p.Suite)
	case p.Arch != "amd64":
		return fmt.Errorf("architecture %q: images are made for amd64 only", p.Arch)
	case !clock.MatchString(p.UpdateAt) || !clock.MatchString(p.RebootAt):
		return fmt.Errorf("quiet hours %q and %q: want times of day such as 02:00", p.UpdateAt, p.RebootAt)
	case p.Attempts < 1 || p.WindowSeconds < 1 || p.CoolDownSeconds < 1:
		return fmt.Errorf("%d attempts in %d s, blocked for %d s: all have to be 1 or more", p.Attempts, p.WindowSeconds, p.CoolDownSeconds)
	}
	known := Roles(concerns)
	for _, role := range p.Roles {
		if !slices.Contains(known, role) {
			return fmt.Errorf("role %q is none of %q", role, known)
		}
	}
	return nil
}

// Roles are the optional roles that a profile knows, sorted.
func Roles(concerns []Concern) []string {
	var roles []string
	for _, c := range concerns {
		if c.Role != "" {
			roles = append(roles, c.Role)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}
