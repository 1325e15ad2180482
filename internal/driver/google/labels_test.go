package google

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestDescriptionsHoldLabels(t *testing.T) {
	meta := at("acme", "europe-west3-a")
	meta.Tenant, meta.Tier, meta.Labels = "acme", cloud.TierPaid, map[string]string{"team": "a<b>&c"}
	labels := labelsOf(cloud.KindNetwork, meta)
	text, err := describe(labels)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "\n") || strings.Contains(text, `\u00`) {
		t.Errorf("the description is not compact: %s", text)
	}
	if diff := cmp.Diff(labels, described(text)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(meta, metaOf("acme-europe-west3-a", "", described(text), false)); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "made by hand", "{broken", "[1]", `{"number": 1}`} {
		if pairs := described(text); pairs != nil {
			t.Errorf("%q is read as %v", text, pairs)
		}
	}
	labels["long"] = strings.Repeat("x", maxDescription)
	if _, err := describe(labels); cloud.CodeOf(err) != cloud.CodeInvalid {
		t.Errorf("labels that do not fit: %v", err)
	}
}

func TestAStrangersObjectHasItsOwnName(t *testing.T) {
	meta := metaOf("web-1", "", nil, false)
	if meta.Name != "web-1" || meta.Deployment != "" || meta.Location.Name != "" {
		t.Errorf("%+v", meta)
	}
	if zone := metaOf("web-europe-west3-b", "", nil, false).Location.Name; zone != "europe-west3-b" {
		t.Errorf("%q", zone)
	}
}

func TestFilters(t *testing.T) {
	for want, filter := range map[string]cloud.Filter{
		"":                                      {},
		`(labels.holdfast-deployment = "acme")`: {Deployment: "acme"},
		`labels.holdfast-key eq "a|b"`:          {Deployment: "acme", Keys: []string{"a", "b"}},
		`(labels.holdfast-deployment = "acme") AND (labels.x = "1")`: {Deployment: "acme", Labels: map[string]string{"x": "1"}},
	} {
		if got := labelFilter(filter); got != want {
			t.Errorf("%+v: %s", filter, got)
		}
	}
	labels := map[string]string{cloud.LabelDeployment: "acme", cloud.LabelKey: "k", "x": "1"}
	for _, filter := range []cloud.Filter{{}, {Deployment: "acme"}, {Keys: []string{"j", "k"}}, {Labels: map[string]string{"x": "1"}}} {
		if !matches(filter, labels) {
			t.Errorf("%+v does not match", filter)
		}
	}
	for _, filter := range []cloud.Filter{{Deployment: "other"}, {Keys: []string{"j"}}, {Labels: map[string]string{"x": "2"}}, {Labels: map[string]string{"y": ""}}} {
		if matches(filter, labels) {
			t.Errorf("%+v matches", filter)
		}
	}
}
