package hetzner_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

// machine is the one machine that there should be.
func (c *cloud) machine() machines.Machine {
	c.t.Helper()
	all, _, err := c.WantedMachines()
	if err != nil || len(all) != 1 {
		c.t.Fatalf("%d machines, %v", len(all), err)
	}
	return all[0]
}

// fetch asks a machine's metadata service.
func fetch(m machines.Machine, path string) (int, string) {
	w := httptest.NewRecorder()
	m.Metadata.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMachineOfAServer(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	key := must[*hcloud.SSHKey](c)(c.client.SSHKey.Create(c.ctx, hcloud.SSHKeyCreateOpts{Name: "admin", PublicKey: testKey}))
	network := must[*hcloud.Network](c)(c.client.Network.Create(c.ctx, hcloud.NetworkCreateOpts{Name: "n", IPRange: cidr(t, "10.1.0.0/16"),
		Subnets: []hcloud.NetworkSubnet{{Type: hcloud.NetworkSubnetTypeCloud, IPRange: cidr(t, "10.1.1.0/24"), NetworkZone: hcloud.NetworkZoneEUCentral}}}))
	volume := must[hcloud.VolumeCreateResult](c)(c.client.Volume.Create(c.ctx, hcloud.VolumeCreateOpts{Name: "v", Size: 10, Location: &hcloud.Location{Name: "fsn1"}}))
	wall := must[hcloud.FirewallCreateResult](c)(c.client.Firewall.Create(c.ctx, hcloud.FirewallCreateOpts{Name: "f", Rules: []hcloud.FirewallRule{
		{Direction: hcloud.FirewallRuleDirectionIn, Protocol: hcloud.FirewallRuleProtocolTCP, Port: hcloud.Ptr("8000-8010"), SourceIPs: []net.IPNet{*cidr(t, "198.51.100.0/24")}},
		{Direction: hcloud.FirewallRuleDirectionOut, Protocol: hcloud.FirewallRuleProtocolTCP, Port: hcloud.Ptr("443"), DestinationIPs: []net.IPNet{*cidr(t, "0.0.0.0/0")}}}}))
	c.settle()
	s := c.testServer("acme", func(o *hcloud.ServerCreateOpts) {
		o.SSHKeys, o.Networks, o.Volumes = []*hcloud.SSHKey{key}, []*hcloud.Network{network}, []*hcloud.Volume{volume.Volume}
		o.Firewalls = []*hcloud.ServerCreateFirewall{{Firewall: *wall.Firewall}}
		o.UserData = "#cloud-config\nhostname: acme\n"
	})
	m := c.machine()
	if !m.On || m.Name != "acme" || m.Image != "debian-13" || m.CPUs != 2 || m.MemoryMB != 4096 || m.RootGB != 40 || m.UEFI {
		t.Errorf("%+v", m)
	}
	if m.Open || len(m.Inbound) != 1 || m.Inbound[0].From != 8000 || m.Inbound[0].To != 8010 || m.Inbound[0].Sources[0].String() != "198.51.100.0/24" {
		t.Errorf("the firewall lets in %+v, open: %v", m.Inbound, m.Open)
	}
	if want := []machines.Disk{{Key: hetzner.VolumeKey(volume.Volume.ID), SizeGB: 10, Vendor: "HC", Product: "Volume", Serial: strings.TrimPrefix(volume.Volume.LinuxDevice, "/dev/disk/by-id/scsi-0HC_Volume_")}}; !reflect.DeepEqual(m.Disks, want) {
		t.Errorf("disks %+v, want %+v", m.Disks, want)
	}
	if len(m.Cards) != 2 || m.Cards[0].Public.String() != s.PublicNet.IPv4.IP.String() || !m.Cards[0].Filtered || m.Cards[1].Filtered ||
		m.Cards[1].Address.String() != s.PrivateNet[0].IP.String() || m.Cards[1].Gateway.String() != "10.1.0.1" || m.Cards[1].Public.IsValid() {
		t.Errorf("cards %+v", m.Cards)
	}
	if code, text := fetch(m, "/hetzner/v1/userdata"); code != 200 || text != "#cloud-config\nhostname: acme\n" {
		t.Errorf("user data %d %q", code, text)
	}
	code, text := fetch(m, "/hetzner/v1/metadata")
	var told map[string]any
	if err := json.Unmarshal([]byte(text), &told); err != nil || code != 200 {
		t.Fatal(code, text, err)
	}
	// What cloud-init's data source takes from it.
	if told["instance-id"] != float64(s.ID) || told["hostname"] != "acme" || !reflect.DeepEqual(told["public-keys"], []any{testKey}) || told["network-config"] == nil {
		t.Errorf("metadata %v", told)
	}
	if _, text := fetch(m, "/hetzner/v1/metadata/hostname"); text != "acme" {
		t.Errorf("host name %q", text)
	}
	if code, _ := fetch(m, "/hetzner/v1/metadata/password"); code != 404 {
		t.Errorf("%d for what is not there", code)
	}
}

// What power actions are to a machine: which ask its system, and which cut.
func TestMachinePower(t *testing.T) {
	c := newCloud(t, simcloud.Options{DurationScale: 1})
	s := c.testServer("acme")
	first := c.machine()
	act := func(do func() (*hcloud.Action, *hcloud.Response, error)) machines.Machine {
		t.Helper()
		if _, _, err := do(); err != nil {
			t.Fatal(err)
		}
		c.settle()
		return c.machine()
	}
	on := func() (*hcloud.Action, *hcloud.Response, error) { return c.client.Server.Poweron(c.ctx, s) }
	if m := act(func() (*hcloud.Action, *hcloud.Response, error) { return c.client.Server.Reboot(c.ctx, s) }); !m.On || !m.Asked || m.Boots == first.Boots || m.Root != first.Root {
		t.Errorf("after a reboot %+v", m)
	}
	if m := act(func() (*hcloud.Action, *hcloud.Response, error) { return c.client.Server.Reset(c.ctx, s) }); !m.On || m.Asked {
		t.Errorf("after a reset %+v", m)
	}
	if m := act(func() (*hcloud.Action, *hcloud.Response, error) { return c.client.Server.Poweroff(c.ctx, s) }); m.On || m.Asked {
		t.Errorf("after a power cut %+v", m)
	}
	act(on)
	if m := act(func() (*hcloud.Action, *hcloud.Response, error) { return c.client.Server.Shutdown(c.ctx, s) }); m.On || !m.Asked {
		t.Errorf("after a shutdown %+v", m)
	}
	act(on)
	if _, err := c.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: simcloud.Hetzner, Location: "fsn1"}); err != nil {
		t.Fatal(err)
	}
	if m := c.machine(); m.On {
		t.Error("a machine in a lost location has power")
	}
}
