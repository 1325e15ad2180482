package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// harm is what somebody does to a bucket behind Terraform's back, through the
// vendor's own API.
type harm struct {
	what string
	do   func(ctx context.Context, name string) error
	// shows are attributes as the next refresh finds them.
	shows map[string]string
	// proof, if set, looks at the vendor, from outside, while it is done
	// (repaired is false) and after the apply.
	proof func(ctx context.Context, name string, repaired bool) error
}

// all attributes of a bucket that hold when nothing is wrong with it, of those
// that a harm shows in.
func whole(harms []harm, holds map[string]string) (map[string]string, error) {
	for _, h := range harms {
		for name := range h.shows {
			if _, ok := holds[name]; !ok {
				return nil, fmt.Errorf("%s shows in %s, of which nobody says what it should be", h.what, name)
			}
		}
	}
	return holds, nil
}

func attributes(address string, wanted map[string]string) resource.TestCheckFunc {
	var checks []resource.TestCheckFunc
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[name] == "" {
			checks = append(checks, resource.TestCheckNoResourceAttr(address, name))
			continue
		}
		checks = append(checks, resource.TestCheckResourceAttr(address, name, wanted[name]))
	}
	return resource.ComposeAggregateTestCheckFunc(checks...)
}

// drifts makes a bucket and does one harm after the other to it: each shows in
// the state as what it is and in the plan as an update in place, is repaired by
// the apply, and the plan after that is empty. holds is what all attributes are
// while nothing is wrong; what a harm does not show in has to stay so.
func drifts(t *testing.T, v vaults, config string, holds map[string]string, harms []harm) {
	t.Helper()
	holds, err := whole(harms, holds)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	updates := []plancheck.PlanCheck{plancheck.ExpectResourceAction(bucketName, plancheck.ResourceActionUpdate)}
	steps := []resource.TestStep{{Config: config, Check: resource.ComposeAggregateTestCheckFunc(attributes(bucketName, holds),
		resource.TestCheckResourceAttrWith(bucketName, "bucket", func(value string) error {
			name = value
			return nil
		}))}}
	for _, h := range harms {
		looks := func(repaired bool) resource.TestCheckFunc {
			return func(*terraform.State) error {
				if h.proof == nil {
					return nil
				}
				return h.proof(t.Context(), name, repaired)
			}
		}
		found := maps.Clone(holds)
		maps.Copy(found, h.shows)
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				t.Log(h.what)
				if err := h.do(t.Context(), name); err != nil {
					t.Fatalf("%s: %v", h.what, err)
				}
			},
			RefreshState: true, ExpectNonEmptyPlan: true,
			RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: updates},
			Check:             resource.ComposeAggregateTestCheckFunc(attributes(bucketName, found), looks(false)),
		}, resource.TestStep{
			Config:           config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: updates},
			Check:            resource.ComposeAggregateTestCheckFunc(attributes(bucketName, holds), looks(true)),
		})
	}
	v.test(t, steps...)
}

// intact is what a bucket of a place shows while nothing is wrong with it.
func intact(place string, immutableDays int) map[string]string {
	holds := map[string]string{
		"immutable_days": fmt.Sprint(immutableDays), "old_version_days": "93", "labels.team": "db",
		"protections.private": "true", "protections.versioned": "true", "protections.retention": "true", "protections.lifecycle": "true",
		"protections.encrypted": "", "protections.tls_only": "true",
	}
	if strings.HasPrefix(place, "google/") {
		holds["protections.encrypted"], holds["protections.tls_only"] = "true", ""
	}
	return holds
}
