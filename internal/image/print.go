package image

import (
	"fmt"
	"io"
	"strings"
)

// WriteProfile prints a plan for a person: concern by concern, what it does and
// why.
func WriteProfile(to io.Writer, plan Plan) error {
	var s strings.Builder
	for _, c := range plan.Concerns {
		title := c.Name
		if c.Role != "" {
			title += " (role)"
		}
		fmt.Fprintf(&s, "%s  [%s]\n  %s\n", title, strings.Join(c.Promises, ", "), oneLine(c.Reason))
		if len(c.Packages) > 0 {
			fmt.Fprintf(&s, "  packages: %s\n", strings.Join(c.Packages, " "))
		}
		if len(c.Remove) > 0 {
			fmt.Fprintf(&s, "  never: %s\n", strings.Join(c.Remove, " "))
		}
		for _, f := range c.Files {
			fmt.Fprintf(&s, "  %s %s\n      %s\n", f.Mode, f.Path, oneLine(f.Reason))
		}
		for _, command := range c.Commands {
			fmt.Fprintf(&s, "  runs: %s\n", oneLine(command.Reason))
		}
		s.WriteString("\n")
	}
	_, err := io.WriteString(to, s.String())
	return err
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
