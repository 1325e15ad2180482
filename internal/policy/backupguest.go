package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// BackupGuest is what is judged of a machine that writes into a backup bucket.
type BackupGuest struct {
	Tenant string
	// Principal is whom the vendor knows by the machine's credentials.
	Principal Opt[string]
}

// CheckBackupGuests judges a bucket's guests: each is a tenant's, and no two have
// the same credentials, since whoever breaks into one machine would read and
// write the other tenant's backups (ISO-2). Fields: guests["tenant"] and
// guests["tenant"].principal. The form of a principal is its vendor's business.
func CheckBackupGuests(guests []BackupGuest) []Finding {
	var findings []Finding
	guests = slices.Clone(guests)
	slices.SortFunc(guests, func(a, b BackupGuest) int { return strings.Compare(a.Tenant, b.Tenant) })
	owner := map[string]string{}
	for _, guest := range guests {
		field := mapKey("guests", guest.Tenant)
		if err := cloud.CheckName(guest.Tenant); err != nil {
			findings = append(findings, Finding{Field: field, Summary: "Invalid tenant", Detail: sentence(err.Error()),
				Remedy: "The keys of guests are the tenants' names, as in the attribute tenant of their machines."})
		}
		principal, known := guest.Principal.Get()
		other, taken := owner[principal]
		switch {
		case !known:
			continue
		case principal == "":
			findings = append(findings, Finding{Field: field + ".principal", Summary: "Principal missing", Detail: "It is empty.",
				Remedy: "Write whom the vendor knows by the machine's credentials, or leave the guest out."})
		case taken:
			findings = append(findings, Finding{Promise: ISO2, Field: field + ".principal", Summary: "Two tenants with the same credentials",
				Detail: fmt.Sprintf("The machines of %q and %q would each read and write the other's backups.", other, guest.Tenant),
				Remedy: "Give each tenant credentials of its own."})
		default:
			owner[principal] = guest.Tenant
		}
	}
	return findings
}
