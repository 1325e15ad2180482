package policy_test

import (
	"slices"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

func TestCheckBackupGuests(t *testing.T) {
	guest := func(tenant, principal string) policy.BackupGuest {
		return policy.BackupGuest{Tenant: tenant, Principal: policy.Known(principal)}
	}
	unknown := func(tenant string) policy.BackupGuest { return policy.BackupGuest{Tenant: tenant} }
	for _, test := range []struct {
		name   string
		guests []policy.BackupGuest
		fields []string
	}{
		{"none", nil, nil},
		{"two", []policy.BackupGuest{guest("acme", "p1:A"), guest("zoo", "p1:B")}, nil},
		{"not known yet", []policy.BackupGuest{unknown("acme"), unknown("zoo")}, nil},
		{"one for two", []policy.BackupGuest{guest("zoo", "p1:A"), guest("acme", "p1:A"), unknown("bee")}, []string{`guests["zoo"].principal`}},
		{"one for three", []policy.BackupGuest{guest("zoo", "p1:A"), guest("acme", "p1:A"), guest("bee", "p1:A")}, []string{`guests["bee"].principal`, `guests["zoo"].principal`}},
		{"empty", []policy.BackupGuest{guest("acme", ""), guest("zoo", "")}, []string{`guests["acme"].principal`, `guests["zoo"].principal`}},
		{"no tenant", []policy.BackupGuest{guest("Acme/x", "p1:A"), unknown("")}, []string{`guests[""]`, `guests["Acme/x"]`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var fields []string
			for _, f := range policy.CheckBackupGuests(test.guests) {
				fields = append(fields, f.Field)
				if f.Detail == "" || f.Remedy == "" || f.Summary == "" {
					t.Errorf("%+v", f)
				}
				if _, err := policy.ParseField(f.Field); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(fields, test.fields) {
				t.Errorf("found on %q, want %q", fields, test.fields)
			}
		})
	}
}
