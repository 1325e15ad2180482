package google_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const (
	project = "acme-prod"
	zone    = "europe-west3-a"
	region  = "europe-west3"
	// smallType and largeType are of one family, with the same disks.
	smallType = "e2-small"
	largeType = "e2-standard-2"
)

// speed is how many simulated seconds pass in a real one.
const speed = 1000

// pollPause is the tests' pause between two polls, in real time.
const pollPause = 5 * time.Millisecond

// world is an embedded cloud, reached over HTTP.
type world struct {
	sim *simcloud.Sim
	url string
}

// newWorld opens one whose operations take as long as the vendor's, times
// scale; with scale 0 each has ended when it is first looked at.
func newWorld(t *testing.T, scale float64) *world {
	t.Helper()
	sim, err := simcloud.New(simcloud.Options{Clock: simcloud.NewClock(time.Time{}, speed), DurationScale: scale, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.GoogleHandler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{sim: sim, url: server.URL}
}

// signed adds an access token to each request, as an authenticated client does.
type signed struct{ base http.RoundTripper }

func (s signed) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer conformance")
	return s.base.RoundTrip(request)
}

// client makes connections of its own.
func client(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: signed{transport}}
}

// connect makes a driver with connections of its own.
func (w *world) connect(t *testing.T) *google.Driver {
	t.Helper()
	return w.connectOver(t, client(t))
}

func (w *world) connectOver(t *testing.T, client *http.Client) *google.Driver {
	t.Helper()
	return w.connectWith(t, func(options *google.Options) { options.HTTPClient = client })
}

// connectWith makes a driver with other options than usual.
func (w *world) connectWith(t *testing.T, change func(*google.Options)) *google.Driver {
	t.Helper()
	options := google.Options{
		Project: project, Endpoint: w.url, Version: "test", HTTPClient: client(t),
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: poller, Pause: pollPause}
		},
		Sleep: w.sim.Clock().Wait,
	}
	change(&options)
	driver, err := google.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return driver
}

// options make a client of somebody who does not use Holdfast.
func (w *world) options(t *testing.T) []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(w.url), option.WithHTTPClient(client(t))}
}

// connectThrifty makes a driver that polls as the provider does, for all
// callers at once: with hundreds of them, polling is most of the work.
func (w *world) connectThrifty(t *testing.T) *google.Driver {
	t.Helper()
	return w.connectWith(t, func(options *google.Options) { options.NewWaiter = w.sharedPolls })
}

// sharedPolls is the provider's own waiter, on the cloud's clock.
func (w *world) sharedPolls(poller cloud.OperationPoller) cloud.Waiter {
	return budget.NewWaiter(poller, fastClock{w.sim.Clock()}, func() budget.Pressure { return budget.Pressure{Full: 1} })
}

// creations are the paths of the requests that make the kinds.
var creations = map[cloud.Kind]string{
	cloud.KindSSHKey: "/setCommonInstanceMetadata$", cloud.KindNetwork: "/global/networks$", cloud.KindFirewall: "/global/firewalls$",
	cloud.KindVolume: "/disks$", cloud.KindVM: "/instances$", cloud.KindImage: "/global/images$",
}

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
			Connect:    func() cloud.Driver { return w.connectThrifty(t) },
			Location:   cloud.Location{Cloud: google.Name, Name: zone},
			Standby:    cloud.Location{Cloud: google.Name, Name: "europe-west3-b"},
			ServerType: smallType, LargerType: largeType, Image: "debian-12",
			PageSize: 500,
			Stranger: func(kind cloud.Kind, name string) string { return w.intrude(t, kind, name) },
			LoseAnswer: func(kind cloud.Kind) {
				w.fault(t, simcloud.Fault{Kind: simcloud.FaultDropAfter, Method: "POST", Path: creations[kind], Count: 1})
			},
			FailCreation: func() {
				w.fault(t, simcloud.Fault{Kind: simcloud.FaultActionFailed, Command: "instances.insert", Count: 1})
			},
		}
	}})
}

const strangersKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeYYpOX3XHPHbWZ4JIG8PPXzUTJ0YbZFmZ5kdyVKkpA stranger"

// intrude makes an object without any label of Holdfast's.
func (w *world) intrude(t *testing.T, kind cloud.Kind, name string) string {
	t.Helper()
	var (
		op  *compute.Operation
		err error
		ctx = t.Context()
	)
	switch kind {
	case cloud.KindSSHKey:
		projects := must(compute.NewProjectsRESTClient(ctx, w.options(t)...))
		have := must(projects.Get(ctx, &computepb.GetProjectRequest{Project: project}))
		op, err = projects.SetCommonInstanceMetadata(ctx, &computepb.SetCommonInstanceMetadataProjectRequest{Project: project, MetadataResource: &computepb.Metadata{
			Fingerprint: have.GetCommonInstanceMetadata().Fingerprint,
			Items:       append(have.GetCommonInstanceMetadata().GetItems(), &computepb.Items{Key: new("holdfast-ssh-key-" + name), Value: new(strangersKey)})}})
	case cloud.KindNetwork:
		op, err = must(compute.NewNetworksRESTClient(ctx, w.options(t)...)).Insert(ctx, &computepb.InsertNetworkRequest{Project: project,
			NetworkResource: &computepb.Network{Name: &name, AutoCreateSubnetworks: new(false)}})
	case cloud.KindFirewall:
		var made *compute.Operation
		made, err = must(compute.NewNetworksRESTClient(ctx, w.options(t)...)).Insert(ctx, &computepb.InsertNetworkRequest{Project: project,
			NetworkResource: &computepb.Network{Name: new("by-hand"), AutoCreateSubnetworks: new(false)}})
		if err == nil {
			err = made.Wait(ctx)
		}
		if err == nil {
			op, err = must(compute.NewFirewallsRESTClient(ctx, w.options(t)...)).Insert(ctx, &computepb.InsertFirewallRequest{Project: project,
				FirewallResource: &computepb.Firewall{Name: &name, Network: new("global/networks/by-hand"), SourceRanges: []string{"0.0.0.0/0"},
					Allowed: []*computepb.Allowed{{IPProtocol: new("tcp"), Ports: []string{"22"}}}}})
		}
	case cloud.KindVolume:
		op, err = must(compute.NewDisksRESTClient(ctx, w.options(t)...)).Insert(ctx, &computepb.InsertDiskRequest{Project: project, Zone: zone,
			DiskResource: &computepb.Disk{Name: &name, SizeGb: new(int64(10))}})
	case cloud.KindVM:
		// Some network is there: the suite has made one before.
		subnets := must(compute.NewSubnetworksRESTClient(ctx, w.options(t)...))
		subnet := must(subnets.List(ctx, &computepb.ListSubnetworksRequest{Project: project, Region: region}).Next())
		op, err = must(compute.NewInstancesRESTClient(ctx, w.options(t)...)).Insert(ctx, &computepb.InsertInstanceRequest{Project: project, Zone: zone,
			InstanceResource: &computepb.Instance{Name: &name, MachineType: new("zones/" + zone + "/machineTypes/" + smallType),
				Disks: []*computepb.AttachedDisk{{Boot: new(true), AutoDelete: new(true), InitializeParams: &computepb.AttachedDiskInitializeParams{
					SourceImage: new("projects/debian-cloud/global/images/family/debian-12")}}},
				NetworkInterfaces: []*computepb.NetworkInterface{{Subnetwork: subnet.SelfLink}}}})
	}
	if err == nil {
		err = op.Wait(ctx)
	}
	if err != nil {
		t.Fatalf("the stranger's %s: %v", kind, err)
	}
	return name
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
