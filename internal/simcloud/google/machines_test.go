package google_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

func (c *cloud) machine() machines.Machine {
	c.t.Helper()
	all, _, err := c.api.Machines()
	if err != nil || len(all) != 1 {
		c.t.Fatalf("%d machines, %v", len(all), err)
	}
	return all[0]
}

// fetch asks a machine's metadata server.
func fetch(m machines.Machine, path string, headers ...string) (int, string) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	m.Metadata.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestMachineOfAnInstance(t *testing.T) {
	const guest = "guest@acme-prod.iam.gserviceaccount.com"
	c := newCloud(t, google.Options{ServiceAccounts: map[string]string{"ya29.guest": guest}})
	c.vmSubnet("10.1.0.0/24")
	rule := func(name, direction string, priority int32, allowed, denied string, ranges ...string) {
		f := &computepb.Firewall{Name: &name, Network: ptr("global/networks/blue"), Direction: &direction, Priority: &priority, TargetTags: []string{"web"}, SourceRanges: ranges}
		if allowed != "" {
			f.Allowed = []*computepb.Allowed{{IPProtocol: ptr("tcp"), Ports: []string{allowed}}}
		}
		if denied != "" {
			f.Denied = []*computepb.Denied{{IPProtocol: ptr("all")}}
		}
		c.done(client(c, compute.NewFirewallsRESTClient).Insert(c.ctx, &computepb.InsertFirewallRequest{Project: testProject, FirewallResource: f}))
	}
	rule("allow", "INGRESS", 1000, "22", "", "0.0.0.0/0")
	rule("deny", "INGRESS", 900, "", "all", "198.51.100.9/32")
	i := vm("acme")
	i.Tags = &computepb.Tags{Items: []string{"web"}}
	i.Metadata = &computepb.Metadata{Items: []*computepb.Items{{Key: ptr("user-data"), Value: ptr("#cloud-config\n")}, {Key: ptr("ssh-keys"), Value: ptr("ada:ssh-ed25519 AAAA ada")}}}
	i.ServiceAccounts = []*computepb.ServiceAccount{{Email: ptr(guest), Scopes: []string{"https://www.googleapis.com/auth/devstorage.read_write"}}}
	i.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{Type: ptr("ONE_TO_ONE_NAT")}}
	i.Disks = append(i.Disks, &computepb.AttachedDisk{DeviceName: ptr("data"), InitializeParams: &computepb.AttachedDiskInitializeParams{DiskSizeGb: ptr(int64(20))}})
	c.done(c.insertVM(i))
	m := c.machine()
	if !m.On || m.Name != "acme" || m.CPUs != 2 || m.MemoryMB != 4096 || m.RootGB != 10 || !m.UEFI || m.Identity.Product != "Google Compute Engine" || m.Image == "" || m.Root == "" {
		t.Errorf("%+v", m)
	}
	if len(m.Disks) != 1 || m.Disks[0].SizeGB != 20 || m.Disks[0].Serial != "data" || m.Disks[0].Product != "PersistentDisk" {
		t.Errorf("disks %+v", m.Disks)
	}
	if len(m.Cards) != 1 || !m.Cards[0].Public.IsValid() || m.Cards[0].Address.String()[:5] != "10.1." || m.Cards[0].Gateway.String() != "10.1.0.1" || !m.Cards[0].Filtered {
		t.Errorf("cards %+v", m.Cards)
	}
	everywhere, one := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, []netip.Prefix{netip.MustParsePrefix("198.51.100.9/32")}
	if want := []machines.Rule{{From: 1, To: 65535, Sources: one, Deny: true}, {From: 22, To: 22, Sources: everywhere}}; m.Open || !reflect.DeepEqual(m.Inbound, want) {
		t.Errorf("the firewall has %+v, want %+v", m.Inbound, want)
	}

	flavor := []string{"Metadata-Flavor", "Google"}
	if code, _ := fetch(m, "/computeMetadata/v1/instance/id"); code != http.StatusForbidden {
		t.Errorf("%d without the header", code)
	}
	if code, _ := fetch(m, "/computeMetadata/v1/instance/id", "Metadata-Flavor", "Google", "X-Forwarded-For", "10.0.0.1"); code != http.StatusForbidden {
		t.Errorf("%d for who is forwarded", code)
	}
	for path, want := range map[string]string{
		"/computeMetadata/v1/instance/attributes/user-data":           "#cloud-config\n",
		"/computeMetadata/v1/instance/name":                           "acme",
		"/computeMetadata/v1/project/project-id":                      testProject,
		"/computeMetadata/v1/instance/id":                             fmt.Sprint(c.getVM("acme").GetId()),
		"/computeMetadata/v1/instance/service-accounts/default/email": guest,
	} {
		if code, text := fetch(m, path, flavor...); code != 200 || text != want {
			t.Errorf("%s: %d %q, want %q", path, code, text, want)
		}
	}
	// What cloud-init and Google's libraries ask for.
	_, text := fetch(m, "/computeMetadata/v1/instance/?recursive=True", flavor...)
	var tree struct {
		Attributes        map[string]string
		NetworkInterfaces map[string]any `json:"networkInterfaces"`
	}
	if err := json.Unmarshal([]byte(text), &tree); err != nil || tree.Attributes["ssh-keys"] == "" || tree.NetworkInterfaces == nil {
		t.Errorf("recursive: %s, %v", text, err)
	}
	_, text = fetch(m, "/computeMetadata/v1/instance/service-accounts/default/token", flavor...)
	var token struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &token); err != nil || token.Token != "ya29.guest" {
		t.Errorf("token %s, %v", text, err)
	}
	if code, _ := fetch(m, "/computeMetadata/v1/instance/attributes/none", flavor...); code != 404 {
		t.Errorf("%d for what is not there", code)
	}
}

func TestMachinePower(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.1.0.0/24")
	c.done(c.insertVM(vm("acme")))
	first := c.machine()
	c.done(c.vms().Reset(c.ctx, &computepb.ResetInstanceRequest{Project: testProject, Zone: testZone, Instance: "acme"}))
	if m := c.machine(); !m.On || m.Asked || m.Boots == first.Boots || m.Root != first.Root {
		t.Errorf("after a reset %+v", m)
	}
	c.done(c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "acme"}))
	if m := c.machine(); m.On || !m.Asked {
		t.Errorf("after a stop %+v", m)
	}
	c.done(c.vms().Start(c.ctx, &computepb.StartInstanceRequest{Project: testProject, Zone: testZone, Instance: "acme"}))
	again := c.machine()
	if !again.On {
		t.Fatalf("after a start %+v", again)
	}
	if err := c.api.MachineStopped(again.Key, first.Boots); err != nil {
		t.Fatal(err)
	}
	c.wantStatus("acme", "RUNNING") // it was an earlier boot that ended
	if err := c.api.MachineStopped(again.Key, again.Boots); err != nil {
		t.Fatal(err)
	}
	c.wantStatus("acme", "TERMINATED")
}
