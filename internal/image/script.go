package image

import (
	"fmt"
	"strings"
)

// Script is the shell script that brings packages' states to what the plan says,
// once packages and files are there: owners, systemd units, commands. It runs as
// root, in the machine or in its tree under chroot, and may run again.
func (p Plan) Script() string {
	var s strings.Builder
	s.WriteString("#!/bin/sh\n# Applies the hardening profile after packages and files are in place.\nset -eu\nexport LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive\n")
	for _, c := range p.Concerns {
		fmt.Fprintf(&s, "\n### %s\n", c.Name)
		for _, f := range c.Files {
			if f.Owner != "root:root" {
				// chown takes away nothing but special bits, which files do not have.
				fmt.Fprintf(&s, "chown %s %s\n", f.Owner, quote(f.Path))
			}
		}
		units(&s, "mask", c.Units.Mask)
		units(&s, "disable", c.Units.Disable)
		units(&s, "enable", c.Units.Enable)
		for _, command := range c.Commands {
			fmt.Fprintf(&s, "# %s\n", strings.ReplaceAll(strings.TrimSpace(command.Reason), "\n", " "))
			// Each in a shell of its own: none can change another's variables.
			fmt.Fprintf(&s, "(\n%s\n)\n", strings.TrimSpace(command.Run))
		}
	}
	return s.String()
}

func units(s *strings.Builder, verb string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(s, "systemctl --quiet %s %s\n", verb, strings.Join(names, " "))
	}
}

// quote makes one word of the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
