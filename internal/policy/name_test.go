package policy

import (
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	expect(t, CheckName("name", "acme-web-1"))
	expect(t, CheckName("deployment", "Acme"), `- deployment | Invalid name | "Acme" is not a name | valid on every cloud`)
	expect(t, CheckName("name", strings.Repeat("a", 51)), `- name | Invalid name | has 51 characters, at most 50`)
}

func TestCheckTenant(t *testing.T) {
	expect(t, CheckTenant("acme"))
	expect(t, CheckTenant(""), "ISO-1 tenant | Tenant missing | virtual machines of its own | Set tenant")
	expect(t, CheckTenant("acme inc"), `ISO-1 tenant | Invalid tenant | "acme inc" is not a name`)
}

func TestCheckTier(t *testing.T) {
	for _, good := range []string{"", "paid", "free"} {
		expect(t, CheckTier(good))
	}
	expect(t, CheckTier("gold"), `- tier | Unknown tier | "gold" is not a tier | Write "paid" or "free"`)
}

func TestCheckLabels(t *testing.T) {
	expect(t, CheckLabels(nil))
	expect(t, CheckLabels(map[string]string{"env": "prod", "cost_centre": "4711", "empty": ""}))
	expect(t, CheckLabels(map[string]string{"z": "Prod", "Env": "prod", "holdfast-key": "x"}),
		`- labels["Env"] | Invalid label | label key "Env" | the rule that all clouds share`,
		`- labels["holdfast-key"] | Invalid label | is reserved for Holdfast's own labels`,
		`- labels["z"] | Invalid label | has the value "Prod"`)
}
