package google

import (
	"hash/fnv"
	"net/http"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Project is what is stored of a project: nothing until somebody sets metadata.
type Project struct {
	engine.Meta
	Metadata *Metadata `json:"metadata,omitempty"`
}

var projects = engine.NewKind[Project]("google_project")

// Links let a project be found.
func (p *Project) Links() []engine.Ref { return []engine.Ref{named("projects", "", p.Name)} }

// projectNumber is the number behind a project's name: 12 digits.
func projectNumber(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return 100_000_000_000 + h.Sum64()%900_000_000_000
}

// storedProject is the record of the request's project, or nil.
func storedProject(tx *engine.Tx, name string) *Project {
	if rows := projects.To(tx, name, named("projects", "", name)); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// projectMetadata is the project's common instance metadata, never nil.
func (c *call) projectMetadata() *Metadata {
	if p := storedProject(c.tx, c.project); p != nil {
		return p.Metadata.shown()
	}
	return (*Metadata)(nil).shown()
}

func projectModule() module {
	return module{
		kinds: []engine.AnyKind{projects},
		routes: []*route{
			{method: http.MethodGet, path: "projects/{project}", group: groupRead, do: getProject},
			{method: http.MethodPost, path: "projects/{project}/setCommonInstanceMetadata", do: setCommonInstanceMetadata},
		},
		completions: map[string]engine.Completion{"projects.setCommonInstanceMetadata": {}},
		// Assumed: see module.
		durations: map[string]time.Duration{"projects.setCommonInstanceMetadata": 4 * time.Second},
	}
}

func getProject(c *call) (any, error) {
	return map[string]any{
		"kind": "compute#project", "id": uintString(projectNumber(c.project)), "name": c.project,
		"creationTimestamp": "2026-01-01T00:00:00.000-00:00", "commonInstanceMetadata": c.projectMetadata(),
		"quotas": c.quotaViews(""), "selfLink": base + "projects/" + c.project,
		"defaultServiceAccount": uintString(projectNumber(c.project)) + "-compute@developer.gserviceaccount.com",
		"xpnProjectStatus":      "UNSPECIFIED_XPN_PROJECT_STATUS", "defaultNetworkTier": "PREMIUM",
		"vmDnsSetting": "ZONAL_ONLY", "cloudArmorTier": "CA_STANDARD",
	}, nil
}

// setCommonInstanceMetadata replaces all items. The new ones are there at once;
// the operation tells when all machines have seen them.
func setCommonInstanceMetadata(c *call) (any, error) {
	var in Metadata
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := in.check("metadata"); err != nil {
		return nil, err
	}
	if in.Fingerprint != c.projectMetadata().Fingerprint {
		return nil, conditionNotMet("Supplied fingerprint does not match current metadata fingerprint.")
	}
	p := storedProject(c.tx, c.project)
	if p == nil {
		p = &Project{}
		p.Project, p.Name = c.project, c.project
		projects.Insert(c.tx, p)
	} else {
		p = projects.Edit(c.tx, c.project, p.ID)
	}
	p.Metadata = &Metadata{Items: in.Items}
	return c.operate(opSpec{Command: "projects.setCommonInstanceMetadata", Type: "compute.projects.setCommonInstanceMetadata",
		Scope: global, Target: "projects/" + c.project, TargetID: projectNumber(c.project),
		Resource: engine.Ref{Type: projects.KindName(), ID: p.ID}}), nil
}
