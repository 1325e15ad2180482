package google_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

// These tests speak the vendor's JSON to the driver word by word: what a
// simulator answers rarely, or at all, is answered here.

const (
	wireZone    = "europe-west3-a"
	wireProject = "acme-prod"
	wireNetwork = "acme-" + wireZone
	wireWall    = "web-" + wireZone
)

type object = map[string]any

// wire answers requests of one project by "<method> <path>"; a path has no
// query, and `{z}` stands for zones/<zone>.
type wire struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string]func(request *http.Request, body object) (status int, answer object)
	seen    []string
	bodies  map[string]object
}

func newWire(t *testing.T) *wire {
	w := &wire{t: t, answers: map[string]func(*http.Request, object) (int, object){}, bodies: map[string]object{}}
	w.say("GET ", object{"name": wireProject, "commonInstanceMetadata": object{"fingerprint": "f", "items": []object{
		{"key": "holdfast-ssh-key-alice", "value": `{"public_key":"ssh-ed25519 AAAA alice"}`}}}})
	w.say("GET aggregated/subnetworks", object{"items": object{"regions/europe-west3": object{"subnetworks": []object{
		{"name": "s2", "network": "global/networks/" + wireNetwork, "region": "regions/europe-west3", "ipCidrRange": "10.1.1.0/24"},
		{"name": "s1", "network": "global/networks/" + wireNetwork, "region": "regions/europe-west3", "ipCidrRange": "10.1.0.0/24"}}}}})
	w.say("GET global/firewalls", object{"items": []object{{"name": wireWall, "network": "global/networks/" + wireNetwork, "direction": "INGRESS",
		"targetTags": []string{wireWall}, "sourceRanges": []string{"0.0.0.0/0"}, "allowed": []object{{"IPProtocol": "tcp", "ports": []string{"443"}}},
		"description": `{"holdfast-deployment":"acme-eu","holdfast-name":"web","holdfast-location":"` + wireZone + `"}`}}})
	return w
}

// on answers with a function.
func (w *wire) on(route string, answer func(*http.Request, object) (int, object)) {
	w.answers[strings.ReplaceAll(route, "{z}", "zones/"+wireZone)] = answer
}

// say answers with an object.
func (w *wire) say(route string, answer object) {
	w.on(route, func(*http.Request, object) (int, object) { return 200, answer })
}

// refuse answers with the vendor's error body.
func (w *wire) refuse(route string, status int, reason, message string) {
	w.on(route, func(*http.Request, object) (int, object) { return status, refusal(status, reason, message) })
}

func refusal(status int, reason, message string) object {
	return object{"error": object{"code": status, "message": message, "errors": []object{{"message": message, "domain": "global", "reason": reason}}}}
}

// work answers a write with an operation that is running, and its poll with
// one that has ended, with these errors.
func (w *wire) work(route, operation string, failures ...object) {
	running := object{"name": operation, "status": "RUNNING", "zone": "zones/" + wireZone, "operationType": "x", "targetLink": "zones/z/instances/i"}
	done := object{"name": operation, "status": "DONE", "progress": 100, "zone": "zones/" + wireZone}
	if len(failures) > 0 {
		done["error"] = object{"errors": failures}
	}
	w.say(route, running)
	w.say("GET {z}/operations/"+operation, done)
}

var query = regexp.MustCompile(`\?.*`)

func (w *wire) ServeHTTP(rw http.ResponseWriter, request *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(request.URL.Path, "/compute/v1/projects/"+wireProject), "/")
	route := request.Method + " " + query.ReplaceAllString(path, "")
	body := object{}
	if text, err := io.ReadAll(request.Body); err == nil && len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil {
			w.t.Errorf("%s: %v", route, err)
		}
	}
	w.mu.Lock()
	answer := w.answers[route]
	w.seen = append(w.seen, strings.ReplaceAll(route, "zones/"+wireZone, "{z}"))
	w.bodies[strings.ReplaceAll(route, "zones/"+wireZone, "{z}")] = body
	w.mu.Unlock()
	if request.Method != http.MethodGet && request.URL.Query().Get("requestId") == "" {
		w.t.Errorf("%s has no request id", route)
	}
	status, content := 404, refusal(404, "notFound", "The resource '"+path+"' was not found")
	if answer != nil {
		status, content = answer(request, body)
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	if err := json.NewEncoder(rw).Encode(content); err != nil {
		w.t.Error(err)
	}
}

// take gives the requests since the last take.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

func (w *wire) driver() *google.Driver {
	w.t.Helper()
	server := httptest.NewServer(w)
	w.t.Cleanup(server.Close)
	d, err := google.New(google.Options{Project: wireProject, Endpoint: server.URL, Version: "test", HTTPClient: server.Client(),
		NewWaiter: func(p cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: p, Pause: time.Millisecond}
		},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func wireMeta(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: cloud.Location{Cloud: google.Name, Name: wireZone}, Deployment: "acme-eu", Tenant: "acme", Tier: cloud.TierPaid}
}

func wireVM() cloud.VMSpec {
	return cloud.VMSpec{Meta: wireMeta("db"), ServerType: "e2-standard-2", Image: "debian-12", SSHKeys: []string{"alice"}, Network: wireNetwork,
		Firewalls: []string{wireWall}, Power: cloud.PowerRunning}
}

func TestACreateIsOneWrite(t *testing.T) {
	w := newWire(t)
	w.work("POST {z}/instances", "op-insert")
	d := w.driver()
	if _, err := d.VMs().Create(t.Context(), wireVM(), func(cloud.VM) {}); err != nil {
		t.Fatal(err)
	}
	// What the run does not know yet is read, once.
	first := w.take()
	slices.Sort(first)
	want := []string{"GET ", "GET aggregated/subnetworks", "GET global/firewalls", "GET {z}/operations/op-insert", "POST {z}/instances"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the first VM takes (-want +got):\n%s", diff)
	}
	spec := wireVM()
	spec.Name, spec.PrivateIP = "other", netip.MustParseAddr("10.1.1.7")
	if _, err := d.VMs().Create(t.Context(), spec, func(cloud.VM) {}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST {z}/instances", "GET {z}/operations/op-insert"}, w.take()); diff != "" {
		t.Errorf("the second VM takes (-want +got):\n%s", diff)
	}
	nic := w.bodies["POST {z}/instances"]["networkInterfaces"].([]any)[0].(object)
	if nic["subnetwork"] != "projects/acme-prod/regions/europe-west3/subnetworks/s2" || nic["networkIP"] != "10.1.1.7" || nic["accessConfigs"] != nil {
		t.Errorf("the interface is %v", nic)
	}
}

// A zone without room says so in an operation that is done: nothing is left,
// and the type counts as sold out in this zone.
func TestExhaustedCapacity(t *testing.T) {
	for _, code := range []string{"ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"} {
		w := newWire(t)
		w.work("POST {z}/instances", "op-insert", object{"code": code, "message": "The zone does not have enough resources available to fulfill the request."})
		w.say("GET aggregated/operations", object{"items": object{}})
		types := []object{{"name": "e2-standard-2", "guestCpus": 2, "memoryMb": 8192, "architecture": "X86_64"}, {"name": "n2-standard-2", "guestCpus": 2, "memoryMb": 8192}}
		w.say("GET {z}/machineTypes", object{"items": types})
		d := w.driver()
		_, err := d.VMs().Create(t.Context(), wireVM(), func(cloud.VM) {})
		if cloud.CodeOf(err) != cloud.CodeCapacity {
			t.Fatalf("%s: got %v", code, err)
		}
		sold, err := d.ServerTypes(t.Context(), wireMeta("").Location)
		if err != nil || len(sold) != 2 {
			t.Fatalf("%v, %v", sold, err)
		}
		for _, offered := range sold {
			if offered.Available != (offered.Name != "e2-standard-2") {
				t.Errorf("%s: %s is available: %v", code, offered.Name, offered.Available)
			}
		}
	}
}

func TestMachineTypesAreListedOnceAZone(t *testing.T) {
	w := newWire(t)
	w.say("GET {z}/machineTypes", object{"items": []object{{"name": "e2-standard-2", "guestCpus": 2, "memoryMb": 8192}, {"name": "x9-nobody-knows", "guestCpus": 1, "memoryMb": 1024}}})
	d := w.driver()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if types, err := d.ServerTypes(t.Context(), wireMeta("").Location); err != nil || len(types) != 1 {
				t.Errorf("%v, %v", types, err)
			}
		})
	}
	group.Wait()
	if seen := w.take(); len(seen) != 1 {
		t.Errorf("asked %v", seen)
	}
	if types, err := d.ServerTypes(t.Context(), cloud.Location{Cloud: google.Name, Name: "nowhere"}); err != nil || len(types) != 0 || len(w.take()) != 0 {
		t.Errorf("%v, %v", types, err)
	}
}

// instanceOn is a VM as the API shows it, with these disks.
func instanceOn(disks ...object) object {
	return object{"name": "db-" + wireZone, "zone": "zones/" + wireZone, "status": "RUNNING", "machineType": "e2-standard-2", "labelFingerprint": "lf",
		"disks": append([]object{{"boot": true, "deviceName": "persistent-disk-0", "source": "zones/z/disks/boot"}}, disks...)}
}

// A volume that somebody attached under another device name is found.
func TestDetachingFindsTheDevice(t *testing.T) {
	w := newWire(t)
	const data = "data-" + wireZone
	w.say("GET {z}/instances/db-"+wireZone, instanceOn(object{"deviceName": "persistent-disk-1", "source": "zones/z/disks/" + data}))
	var devices []string
	w.on("POST {z}/instances/db-"+wireZone+"/detachDisk", func(r *http.Request, _ object) (int, object) {
		device := r.URL.Query().Get("deviceName")
		if devices = append(devices, device); device != "persistent-disk-1" {
			return 400, refusal(400, "invalid", "Invalid value for field 'disk': '"+device+"'. No attached disk found with device name '"+device+"'")
		}
		return 200, object{"name": "op-detach", "status": "DONE", "zone": "zones/" + wireZone}
	})
	d := w.driver()
	current := cloud.VM{VMSpec: wireVM()}
	current.ID = cloud.ID{Location: current.Location, Native: "db-" + wireZone}
	current.Volumes = []string{data}
	got, err := d.VMs().Update(t.Context(), current, wireVM())
	if err != nil || len(got.Volumes) > 0 || !slices.Equal(devices, []string{data, "persistent-disk-1"}) {
		t.Errorf("%v, devices %v, %v", got.Volumes, devices, err)
	}
}

// A volume that another VM holds, and does not let go, is never taken away.
func TestAHeldVolumeIsNamed(t *testing.T) {
	w := newWire(t)
	const data = "data-" + wireZone
	w.work("POST {z}/instances/db-"+wireZone+"/attachDisk", "op-attach", object{"code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "message": "The disk resource '" + data + "' is already being used by 'zones/z/instances/other'"})
	w.say("GET {z}/disks/"+data, object{"name": data, "zone": "zones/" + wireZone, "users": []string{"zones/z/instances/other"}})
	now := instanceOn()
	now["labels"] = object{cloud.LabelDeployment: "acme-eu", cloud.LabelName: "db", cloud.LabelTenant: "acme", cloud.LabelTier: "paid"}
	now["tags"] = object{"items": []string{wireWall}}
	now["networkInterfaces"] = []object{{"name": "nic0", "network": "global/networks/" + wireNetwork}}
	w.say("GET {z}/instances/db-"+wireZone, now)
	w.say("GET aggregated/operations", object{"items": object{}})
	current := cloud.VM{VMSpec: wireVM()}
	current.ID = cloud.ID{Location: current.Location, Native: "db-" + wireZone}
	want := wireVM()
	want.Volumes = []string{data}
	_, err := w.driver().VMs().Update(t.Context(), current, want)
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Code != cloud.CodeInUse || !strings.Contains(failed.Message, "VM other holds") || failed.Field != "volume_ids" {
		t.Errorf("got %v", err)
	}
}

// Somebody else changes the labels between the read and the write.
func TestAStaleFingerprintIsReadAgain(t *testing.T) {
	w := newWire(t)
	reads := 0
	w.on("GET {z}/instances/db-"+wireZone, func(*http.Request, object) (int, object) {
		reads++
		vm := instanceOn()
		vm["labelFingerprint"] = fmt.Sprintf("lf%d", reads)
		return 200, vm
	})
	w.on("POST {z}/instances/db-"+wireZone+"/setLabels", func(_ *http.Request, body object) (int, object) {
		if body["labelFingerprint"] != "lf2" {
			return 412, refusal(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")
		}
		return 200, object{"name": "op-labels", "status": "DONE", "zone": "zones/" + wireZone}
	})
	current := cloud.VM{VMSpec: wireVM()}
	current.ID, current.NativeName = cloud.ID{Location: current.Location, Native: "db-" + wireZone}, "db-"+wireZone
	want := wireVM()
	want.Labels = map[string]string{"team": "blue"}
	if _, err := w.driver().VMs().Update(t.Context(), current, want); err != nil || reads != 2 {
		t.Errorf("%d reads, %v", reads, err)
	}
	labels := w.bodies["POST {z}/instances/db-"+wireZone+"/setLabels"]["labels"].(object)
	if labels["team"] != "blue" || labels["holdfast-deployment"] != "acme-eu" || labels["holdfast-origin"] == nil {
		t.Errorf("the labels are %v", labels)
	}
}

// A missing permission on the key is told with the grant that is needed.
func TestAKeyThatComputeEngineMayNotUse(t *testing.T) {
	w := newWire(t)
	const key = "projects/keys/locations/europe-west3/keyRings/ring/cryptoKeys/disks"
	w.refuse("POST {z}/disks", 400, "invalid", "Cloud KMS error when using key "+key+": Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '"+key+"' (or it may not exist).")
	spec := cloud.VolumeSpec{Meta: wireMeta("data"), SizeGB: 20, Options: map[string]string{"kms_key": key}}
	_, err := w.driver().Volumes().Create(t.Context(), spec, func(cloud.Volume) { t.Error("saved") })
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Code != cloud.CodeUnauthorized || !strings.Contains(failed.Remedy, "gcloud kms keys add-iam-policy-binding disks") {
		t.Errorf("got %+v", failed)
	}
}

func TestAnIPv6SubnetworkIsWidenedOnce(t *testing.T) {
	w := newWire(t)
	const subnet = "regions/europe-west3/subnetworks/s1"
	w.say("GET "+subnet, object{"name": "s1", "network": "global/networks/" + wireNetwork, "region": "regions/europe-west3", "ipCidrRange": "10.1.0.0/24", "stackType": "IPV4_ONLY", "fingerprint": "sf"})
	w.say("PATCH "+subnet, object{"name": "op-patch", "status": "DONE", "region": "regions/europe-west3"})
	w.say("POST {z}/instances", object{"name": "op-insert", "status": "DONE", "zone": "zones/" + wireZone})
	d := w.driver()
	for _, name := range []string{"one", "two"} {
		spec := wireVM()
		spec.Name, spec.PublicIPv6 = name, true
		if _, err := d.VMs().Create(t.Context(), spec, func(cloud.VM) {}); err != nil {
			t.Fatal(err)
		}
	}
	patches := slices.DeleteFunc(w.take(), func(route string) bool { return !strings.HasPrefix(route, "PATCH") })
	if body := w.bodies["PATCH "+subnet]; len(patches) != 1 || body["stackType"] != "IPV4_IPV6" || body["ipv6AccessType"] != "EXTERNAL" || body["fingerprint"] != "sf" {
		t.Errorf("%v with %v", patches, body)
	}
}
