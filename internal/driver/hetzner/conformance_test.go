package hetzner_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const token = "conformance"

// speed is how many simulated seconds pass in a real one.
const speed = 1000

// pollPause is the tests' pause between two polls, in real time.
const pollPause = 2 * time.Millisecond

// world is an embedded cloud, reached over HTTP.
type world struct {
	sim *simcloud.Sim
	url string
}

// newWorld opens one whose actions take as long as the vendor's, times scale;
// with scale 0 each has ended when it is first looked at.
func newWorld(t *testing.T, scale float64) *world {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(time.Time{}, speed), DurationScale: scale, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{sim: sim, url: server.URL + "/v1"}
}

// connect makes a driver with connections of its own.
func (w *world) connect(t *testing.T) *hetzner.Driver {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	driver, err := hetzner.New(hetzner.Options{
		Token: token, Endpoint: w.url, Version: "test",
		HTTPClient: &http.Client{Transport: transport},
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: poller, Pause: pollPause}
		},
		Sleep: w.sim.Clock().Wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	return driver
}

// stranger is a client of somebody who does not use Holdfast.
func (w *world) stranger() *hcloud.Client {
	return hcloud.NewClient(hcloud.WithEndpoint(w.url), hcloud.WithToken(token))
}

// paths are the collections of the kinds.
var paths = map[cloud.Kind]string{cloud.KindSSHKey: "ssh_keys", cloud.KindNetwork: "networks", cloud.KindFirewall: "firewalls",
	cloud.KindVolume: "volumes", cloud.KindVM: "servers", cloud.KindImage: "servers/[0-9]+/actions/create_image"}

func (w *world) fault(t *testing.T, fault simcloud.Fault) {
	t.Helper()
	if _, err := w.sim.AddFault(fault); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	cloudtest.Run(t, cloudtest.Harness{New: func(t *testing.T) cloudtest.Account {
		w := newWorld(t, 1)
		return cloudtest.Account{
			Connect:    func() cloud.Driver { return w.connect(t) },
			Location:   cloud.Location{Cloud: hetzner.Name, Name: "fsn1"},
			Standby:    cloud.Location{Cloud: hetzner.Name, Name: "hel1"},
			ServerType: smallType, LargerType: largeType, Image: "debian-13",
			PageSize: 50,
			Stranger: func(kind cloud.Kind, name string) string { return w.intrude(t, kind, name) },
			LoseAnswer: func(kind cloud.Kind) {
				w.fault(t, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: "/v1/" + paths[kind] + "$", Count: 1})
			},
			FailCreation: func() {
				w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "create_server", Count: 1})
			},
		}
	}})
}

// Two server types of one line, with disks that allow the way back.
const (
	smallType = "cx23"
	largeType = "cx33"
)

// intrude makes an object without any label of Holdfast's.
func (w *world) intrude(t *testing.T, kind cloud.Kind, name string) string {
	t.Helper()
	client, ctx := w.stranger(), t.Context()
	var (
		id  int64
		err error
	)
	switch kind {
	case cloud.KindSSHKey:
		var made *hcloud.SSHKey
		made, _, err = client.SSHKey.Create(ctx, hcloud.SSHKeyCreateOpts{Name: name, PublicKey: strangersKey})
		if err == nil {
			id = made.ID
		}
	case cloud.KindNetwork:
		var made *hcloud.Network
		made, _, err = client.Network.Create(ctx, hcloud.NetworkCreateOpts{Name: name, IPRange: hcloudRange("10.0.0.0/16")})
		if err == nil {
			id = made.ID
		}
	case cloud.KindFirewall:
		var made hcloud.FirewallCreateResult
		made, _, err = client.Firewall.Create(ctx, hcloud.FirewallCreateOpts{Name: name})
		if err == nil {
			id = made.Firewall.ID
		}
	case cloud.KindVolume:
		var made hcloud.VolumeCreateResult
		made, _, err = client.Volume.Create(ctx, hcloud.VolumeCreateOpts{Name: name, Size: 10, Location: &hcloud.Location{Name: "fsn1"}})
		if err == nil {
			id = made.Volume.ID
			err = client.Action.WaitFor(ctx, made.Action)
		}
	case cloud.KindVM:
		var made hcloud.ServerCreateResult
		made, _, err = client.Server.Create(ctx, hcloud.ServerCreateOpts{Name: name, ServerType: &hcloud.ServerType{Name: smallType},
			Image: &hcloud.Image{Name: "debian-13"}, Location: &hcloud.Location{Name: "fsn1"}})
		if err == nil {
			id = made.Server.ID
			err = client.Action.WaitFor(ctx, append(made.NextActions, made.Action)...)
		}
	}
	if err != nil {
		t.Fatalf("the stranger's %s: %v", kind, err)
	}
	return strconv.FormatInt(id, 10)
}

const strangersKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeYYpOX3XHPHbWZ4JIG8PPXzUTJ0YbZFmZ5kdyVKkpA stranger"

// spent gives the requests since the last reset by method and path, without
// the version.
func (w *world) spent() map[string]int {
	counts := map[string]int{}
	for route, n := range w.sim.Requests().Routes {
		route = strings.Replace(route, " /v1", " ", 1)
		counts[route] += n
	}
	return counts
}
