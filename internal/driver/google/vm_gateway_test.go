package google_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// A VM to which a route of its network leads has to be a gateway: the vendor
// makes it without a word, and drops what it is sent.
func TestAGatewayForwards(t *testing.T) {
	w := newWorld(t, 0)
	d := w.connect(t)
	network := tenantNetwork("one")
	network.Routes = []cloud.Route{{Destination: netip.MustParsePrefix("192.168.0.0/16"), Gateway: netip.MustParseAddr("10.1.0.9")}}
	for _, err := range []error{create(t, d.SSHKeys(), keySpec()), create(t, d.Networks(), network), create(t, d.Firewalls(), tenantFirewall("one", "one-"+zone))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	spec := tenantVM("one")
	spec.Volumes, spec.PrivateIP = nil, netip.MustParseAddr("10.1.0.9")
	later := w.connect(t)
	if _, err := later.Networks().List(t.Context(), cloud.Filter{Deployment: "acme-eu"}); err != nil {
		t.Fatal(err)
	}
	for name, driver := range map[string]cloud.Driver{"the run that made the route": d, "one that has read it": later} {
		err := create(t, driver.VMs(), spec)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != "google.ip_forwarding" || !strings.Contains(failed.Message, "192.168.0.0/16") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(w.sim.Objects("google_instance")); n != 0 {
		t.Errorf("%d VMs", n)
	}
	other := spec
	other.Meta.Name, other.PrivateIP = "other", netip.MustParseAddr("10.1.0.10")
	spec.Options = map[string]string{"ip_forwarding": "true"}
	for _, fine := range []cloud.VMSpec{spec, other} {
		if err := create(t, d.VMs(), fine); err != nil {
			t.Errorf("%s: %v", fine.Name, err)
		}
	}
}
