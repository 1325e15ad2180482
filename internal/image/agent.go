package image

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// WithAgent adds what works in the machine: the agent's files, the packages whose
// programs it uses, and its units. They are no concern of the profile, since the
// agent also travels to machines that were not made from an image.
func (p Plan) WithAgent() (Plan, error) {
	agent := Concern{
		Name: "agent", Reason: "What works in the machine: settings of its own, encrypted volumes, backups, restores and reports.",
		Promises: []string{"ENC-1", "ENC-2", "BAK-1", "BAK-3", "BAK-4", "BAK-5"},
		Packages: guest.AgentPackages(), Units: Units{Enable: guest.AgentUnits()},
	}
	for _, f := range guest.AgentFiles() {
		agent.Files = append(agent.Files, File{
			Path: f.Path, Mode: fmt.Sprintf("%04o", f.Mode.Perm()), Owner: "root:root",
			Reason: "Part of the agent; its first lines say which.", Promises: agent.Promises, Content: string(f.Content),
		})
	}
	return p.With(agent)
}
