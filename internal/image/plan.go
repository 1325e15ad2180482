package image

import (
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// Plan is a profile with its parameters filled in: what a machine gets.
type Plan struct {
	Params   Params
	Concerns []Concern
	// Packages are sorted, without duplicates.
	Packages []string
	Remove   []string
	// Files are sorted by path; their content is final.
	Files []File
}

// Render selects the concerns that the parameters ask for and fills them in.
func Render(concerns []Concern, params Params) (Plan, error) {
	if err := params.Check(concerns); err != nil {
		return Plan{}, err
	}
	plan := Plan{Params: params}
	for _, c := range concerns {
		if c.Role != "" && !slices.Contains(params.Roles, c.Role) {
			continue
		}
		plan.Concerns = append(plan.Concerns, c)
		plan.Packages = append(plan.Packages, c.Packages...)
		plan.Remove = append(plan.Remove, c.Remove...)
		for _, f := range c.Files {
			content, err := fill(f, params)
			if err != nil {
				return Plan{}, fmt.Errorf("concern %s: %w", c.Name, err)
			}
			f.Content = content
			plan.Files = append(plan.Files, f)
		}
	}
	slices.Sort(plan.Packages)
	plan.Packages = slices.Compact(plan.Packages)
	slices.SortFunc(plan.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, name := range plan.Remove {
		if slices.Contains(plan.Packages, name) {
			return Plan{}, fmt.Errorf("package %s is installed by one concern and removed by another", name)
		}
	}
	return plan, nil
}

func fill(f File, params Params) (string, error) {
	t, err := template.New(f.Path).Option("missingkey=error").Parse(f.Content)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := t.Execute(&text, params); err != nil {
		return "", err
	}
	return text.String(), nil
}

// With adds files that come with the image but are no concern of the profile: the
// agent's. units are those of its systemd units that start with the machine.
func (p Plan) With(files []File, units []string) (Plan, error) {
	if len(files) == 0 && len(units) == 0 {
		return p, nil
	}
	extra := Concern{Name: "agent", Reason: "What works in the machine: volumes, backups, restores and reports.", Promises: []string{"ENC-1", "BAK-1"}, Files: files, Units: Units{Enable: units}}
	if err := check(append(slices.Clone(p.Concerns), extra)); err != nil {
		return Plan{}, err
	}
	p.Concerns = append(slices.Clone(p.Concerns), extra)
	p.Files = append(slices.Clone(p.Files), files...)
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return p, nil
}
