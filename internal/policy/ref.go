package policy

import (
	"fmt"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Ref is a reference to another object.
type Ref struct {
	// ID is the object's identity as the configuration gives it.
	ID Opt[string]
	// Tenant is the tenant of the object referred to, empty if it has none.
	Tenant Opt[string]
}

// checkRef judges the id of an object that a subject ("machine") refers to: it
// must be one, and reachable from the subject's location, which is zero while
// it is unknown.
func checkRef(field, subject string, kind cloud.Kind, text string, here cloud.Location, capabilities cloud.Capabilities) []Finding {
	id, err := cloud.ParseID(text)
	if err != nil {
		return []Finding{{Field: field, Summary: "Not an object's id", Detail: fmt.Sprintf("%q is not written <cloud>/<location>/<native id>, as in \"hetzner/fsn1/4711\".", clip(text)),
			Remedy: fmt.Sprintf("Use the id attribute of a holdfast_%s, not its name or native id.", kind)}}
	}
	if here.IsZero() {
		return nil
	}
	what := strings.ReplaceAll(string(kind), "_", " ")
	switch {
	case id.Location.Cloud != here.Cloud:
		return []Finding{{Field: field, Summary: "Object of another cloud",
			Detail: fmt.Sprintf("The %s stands in %s, but the %s %s is on %s.", subject, here, what, id, id.Location.Cloud),
			Remedy: fmt.Sprintf("Declare a holdfast_%s with the %s's location.", kind, subject)}}
	case local(kind, capabilities) && id.Location != here:
		return []Finding{{Field: field, Summary: "Object of another location",
			Detail: fmt.Sprintf("The %s stands in %s, but the %s is in %s.", subject, here, what, id.Location),
			Remedy: fmt.Sprintf("Declare the holdfast_%s with the %s's location.", kind, subject)}}
	}
	return nil
}

// local tells whether an object must stand in the location of what refers to
// it. Keys and firewalls are only copied or attached by the vendor's control
// plane; a volume is a disk, and a network is declared where its machines are.
func local(kind cloud.Kind, capabilities cloud.Capabilities) bool {
	return (kind == cloud.KindVolume || kind == cloud.KindNetwork) && !capabilities.Global[kind]
}

func quote(text string) string { return fmt.Sprintf("%q", clip(text)) }
