package acceptance

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// planned wants one action on one resource in the plan that is applied.
func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// nothingPlanned wants an empty plan before the apply.
func nothingPlanned() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

// says matches texts in this order, however the command line breaks its lines
// and whatever stands between them.
func says(texts ...string) *regexp.Regexp {
	var parts []string
	for _, text := range texts {
		var words []string
		for _, word := range strings.Fields(text) {
			words = append(words, regexp.QuoteMeta(word))
		}
		parts = append(parts, strings.Join(words, `[\s│]+`))
	}
	return regexp.MustCompile("(?s)" + strings.Join(parts, ".*"))
}

// holds wants attributes of one resource.
func holds(address string, attributes map[string]string) resource.TestCheckFunc {
	var checks []resource.TestCheckFunc
	for name, value := range attributes {
		checks = append(checks, resource.TestCheckResourceAttr(address, name, value))
	}
	return resource.ComposeAggregateTestCheckFunc(checks...)
}

// absent wants attributes of one resource to be null.
func absent(address string, names ...string) resource.TestCheckFunc {
	var checks []resource.TestCheckFunc
	for _, name := range names {
		checks = append(checks, resource.TestCheckNoResourceAttr(address, name))
	}
	return resource.ComposeAggregateTestCheckFunc(checks...)
}

// remember keeps the id of a resource.
func remember(address string, id *string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttrWith(address, "id", func(value string) error {
		*id = value
		return nil
	})
}

// stays wants the id that remember kept; moved wants another one.
func stays(address string, id *string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttrWith(address, "id", func(value string) error {
		if value != *id {
			return fmt.Errorf("the object %s was replaced by %s", *id, value)
		}
		return nil
	})
}

func moved(address string, id *string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttrWith(address, "id", func(value string) error {
		if value == *id {
			return fmt.Errorf("the object %s was not replaced", *id)
		}
		return nil
	})
}

// asked wants exactly these requests since the last w.ResetRequests, such as
// "GET /v1/ssh_keys": 1. The polls of actions are left out, since their number
// is a matter of time.
func (w *world) asked(want map[string]int) resource.TestCheckFunc {
	return func(*terraform.State) error {
		made := w.Counts().Routes
		delete(made, "GET /v1/actions")
		if diff := cmp.Diff(want, made); diff != "" {
			return fmt.Errorf("the requests (- wanted, + made):\n%s", diff)
		}
		return nil
	}
}

// cloudHolds wants n objects of a kind.
func (w *world) cloudHolds(kind string, n int) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got := w.Inventory()[kind]; got != n {
			return fmt.Errorf("the cloud holds %d objects of kind %s, want %d", got, kind, n)
		}
		return nil
	}
}

// refusal is a configuration that no plan accepts.
type refusal struct {
	config string
	// error holds texts of the message in their order: its summary with the
	// promise, the line of the attribute, the remedy.
	error []string
}

// refused runs every configuration and wants its message; nothing is asked of
// the cloud for any of them.
func (w *world) refused(t *testing.T, refusals map[string]refusal) {
	t.Helper()
	var steps []resource.TestStep
	for name, one := range refusals {
		steps = append(steps, resource.TestStep{
			PreConfig:   func() { t.Log(name) },
			Config:      w.config(one.config),
			PlanOnly:    true,
			ExpectError: says(one.error...),
		})
	}
	w.ResetRequests()
	w.test(t, steps...)
	if counts := w.Counts(); counts.Total != 0 {
		t.Errorf("refusing bad input took requests: %v", counts.Routes)
	}
}

// labelled gives the labels of an object with some changed; an empty value
// takes the label off.
func labelled(labels, change map[string]string) map[string]string {
	labels = maps.Clone(labels)
	for key, value := range change {
		if value == "" {
			delete(labels, key)
			continue
		}
		labels[key] = value
	}
	return labels
}
