package site

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// fallBack chooses among the living locations, in their order of preference,
// by what can be had there. A location in which the deployment has VMs is
// kept: a running region does not move because a server type sold out, nor
// back because it is sold again. The answer is zero after an error.
func (s *site) fallBack(ctx context.Context, living []cloud.Location, size cloud.Size, diags *diag.Diagnostics) cloud.Location {
	preferred := living[0]
	if len(living) == 1 {
		return preferred // there is nothing to fall back to, and nothing to ask
	}
	ctx, cancel := context.WithTimeout(cloud.WithPriority(ctx, cloud.PriorityRefresh), s.env.Timeouts.Read)
	defer cancel()
	kept := s.occupied(ctx, living, diags)
	if diags.HasError() {
		return cloud.Location{}
	}
	if !kept.IsZero() {
		if kept != preferred {
			diags.AddAttributeWarning(path.Root("location"), fmt.Sprintf("The site stays in %s", kept),
				fmt.Sprintf("The deployment has VMs in %s and none in %s, which comes first in the list. With capacity_fallback a site stays where VMs run. "+
					"To make it permanent, put %[1]s first; to go to %[2]s, set capacity_fallback = false.", kept, preferred))
		}
		return kept
	}
	return s.selling(ctx, living, size, diags)
}

// occupied gives the first location in which the deployment has VMs; zero if
// there is none. All machines of a cloud are one list, which the refresh of
// the VMs shares; a cloud is asked only when nothing was found in those before
// it. Of stand-by clouds that let us in no longer nothing is known: if VMs of
// ours ran there, their own refresh would fail.
func (s *site) occupied(ctx context.Context, living []cloud.Location, diags *diag.Diagnostics) cloud.Location {
	asked := map[string][]cloud.VM{}
	for i, location := range living {
		vms, known := asked[location.Cloud]
		if !known {
			driver, err := s.env.Clouds.Driver(location.Cloud)
			if err != nil {
				if i == 0 {
					s.noAccess(location, err, diags)
					return cloud.Location{}
				}
				asked[location.Cloud] = nil // without access nothing of ours runs there
				continue
			}
			vms, err = driver.VMs().List(ctx, cloud.Filter{Deployment: s.env.Deployment})
			if err != nil && (i == 0 || cloud.CodeOf(err) != cloud.CodeUnauthorized) {
				diags.Append(service.Explain(err, fmt.Sprintf("find out whether VMs run in %s", location), nil))
				return cloud.Location{}
			}
			asked[location.Cloud] = vms
		}
		if slices.ContainsFunc(vms, func(vm cloud.VM) bool { return vm.Location == location }) {
			return location
		}
	}
	return cloud.Location{}
}

// selling gives the first location that sells a server type of the size, with
// a warning if it is not the preferred one. If none does, the preferred one is
// the answer: the VMs' own plan says what is missing.
func (s *site) selling(ctx context.Context, living []cloud.Location, size cloud.Size, diags *diag.Diagnostics) cloud.Location {
	var passed []string
	for i, location := range living {
		driver, err := s.env.Clouds.Driver(location.Cloud)
		if err != nil {
			if i == 0 {
				s.noAccess(location, err, diags)
				return cloud.Location{}
			}
			passed = append(passed, fmt.Sprintf("%s cannot be asked: %s", location, err))
			continue
		}
		types, err := driver.ServerTypes(ctx, location)
		if err != nil && i > 0 && cloud.CodeOf(err) == cloud.CodeUnauthorized {
			passed = append(passed, fmt.Sprintf("%s cannot be asked: %s", location, err))
			continue
		}
		if err != nil {
			diags.Append(service.Explain(err, fmt.Sprintf("find out what %s sells", location), nil))
			return cloud.Location{}
		}
		if len(cloud.Fitting(types, size)) > 0 {
			if i > 0 {
				diags.AddAttributeWarning(path.Root("location"), fmt.Sprintf("The site falls back to %s for want of capacity", location),
					sentences(passed)+fmt.Sprintf("\n\nWhat is made from here on stands in %s, and stays there.", location))
			}
			return location
		}
		passed = append(passed, refusal(types, size, location))
	}
	diags.AddAttributeWarning(path.Root("location"), "No location of the site sells the size now",
		sentences(passed)+fmt.Sprintf("\n\nThe site stays with %s. Ask for less, or add a location.", living[0]))
	return living[0]
}

// refusal says what a location lacks, in a sentence without its full stop.
func refusal(types []cloud.ServerType, size cloud.Size, location cloud.Location) string {
	err := cloud.NoFit(types, size, location)
	if e, ok := err.(*cloud.Error); ok { //nolint:errorlint // NoFit answers with a bare Error.
		return e.Message
	}
	return err.Error()
}

func sentences(texts []string) string { return strings.Join(texts, ". ") + "." }

func (s *site) noAccess(location cloud.Location, err error, diags *diag.Diagnostics) {
	why := service.Explain(err, "find out what "+location.String()+" sells", nil)
	diags.AddAttributeError(path.Root("capacity_fallback"), why.Summary(), why.Detail())
}
