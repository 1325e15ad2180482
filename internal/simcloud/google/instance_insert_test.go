package google_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// vmBody is the JSON of vm("d"), changed.
func vmBody(t *testing.T, change map[string]any) map[string]any {
	t.Helper()
	b, err := protojson.Marshal(vm("d"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for k, v := range change {
		out[k] = v
	}
	return out
}

func TestInstanceRefusals(t *testing.T) {
	c := newCloud(t, google.Options{Limits: map[string]float64{"CPUS": 6, "IN_USE_ADDRESSES": 1}})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("taken")))
	c.disk("blank", 10)
	type (
		m = map[string]any
		l = []any
	)
	boot := func(change m) l {
		p := m{"sourceImage": debian}
		for k, v := range change {
			p[k] = v
		}
		return l{m{"boot": true, "initializeParams": p}}
	}
	nic := func(change m) m {
		n := m{"subnetwork": subnet}
		for k, v := range change {
			n[k] = v
		}
		return m{"networkInterfaces": l{n}}
	}
	tests := map[string]struct {
		change  m
		status  int
		reason  string
		message string
	}{
		"no name":              {m{"name": ""}, 400, "required", "resource.name"},
		"bad name":             {m{"name": "-d"}, 400, "invalid", "resource.name"},
		"taken name":           {m{"name": "taken"}, 409, "alreadyExists", "instances/taken"},
		"no machine type":      {m{"machineType": ""}, 400, "invalid", "machineType"},
		"unknown machine type": {m{"machineType": zoneOf + "/machineTypes/e2-huge"}, 400, "invalid", "does not exist in zone"},
		"type of elsewhere":    {m{"machineType": "zones/us-central1-a/machineTypes/e2-medium"}, 400, "invalid", "resource.machineType"},
		"no disks":             {m{"disks": l{}}, 400, "invalid", "No disks"},
		"no boot disk":         {m{"disks": l{m{"initializeParams": m{"sourceImage": debian}}}}, 400, "invalid", "Boot disk must be the first"},
		"two boot disks":       {m{"disks": append(boot(nil), boot(m{"diskName": "d-2"})...)}, 400, "invalid", "Only one boot disk"},
		"neither":              {m{"disks": l{m{"boot": true}}}, 400, "invalid", "Either source or initializeParams"},
		"both":                 {m{"disks": l{m{"boot": true, "source": zoneOf + "/disks/blank", "initializeParams": m{"sourceImage": debian}}}}, 400, "invalid", "both"},
		"blank boot disk":      {m{"disks": l{m{"boot": true, "source": zoneOf + "/disks/blank"}}}, 400, "invalid", "no operating system"},
		"no image":             {m{"disks": l{m{"boot": true, "initializeParams": m{"diskSizeGb": "10"}}}}, 400, "invalid", "source image"},
		"unknown image":        {m{"disks": boot(m{"sourceImage": "projects/debian-cloud/global/images/none"})}, 404, "notFound", "images/none"},
		"unknown source":       {m{"disks": append(boot(nil), m{"source": zoneOf + "/disks/none"})}, 400, "invalid", "referenced disk"},
		"disk name taken":      {m{"disks": boot(m{"diskName": "blank"})}, 409, "alreadyExists", "disks/blank"},
		"disk too small":       {m{"disks": boot(m{"diskSizeGb": "5"})}, 400, "invalid", "resource.disks[0].initializeParams.diskSizeGb"},
		"other architecture":   {m{"disks": boot(m{"sourceImage": debianARM})}, 400, "invalidResourceUsage", "(ARM64) is not compatible with machine type architecture (X86_64)"},
		"local SSD":            {m{"disks": append(boot(nil), m{"type": "SCRATCH", "autoDelete": true, "initializeParams": m{"diskType": zoneOf + "/diskTypes/local-ssd"}})}, 400, "badRequest", "[e2-medium, local-ssd] features are not compatible"},
		"device name twice":    {m{"disks": append(l{m{"boot": true, "deviceName": "a", "initializeParams": m{"sourceImage": debian}}}, m{"deviceName": "a", "source": zoneOf + "/disks/blank"})}, 400, "invalid", "deviceName"},
		"no interface":         {m{"networkInterfaces": l{}}, 400, "invalid", "network interface is required"},
		"no subnetwork":        {m{"networkInterfaces": l{m{"network": "global/networks/blue"}}}, 400, "invalid", "Subnetwork should be specified for custom subnetmode network"},
		"no default network":   {m{"networkInterfaces": l{m{}}}, 400, "invalid", "referenced network"},
		"unknown subnetwork":   {nic(m{"subnetwork": "regions/" + testRegion + "/subnetworks/none"}), 400, "invalid", "referenced subnetwork"},
		"address outside":      {nic(m{"networkIP": "10.1.0.5"}), 400, "invalid", "outside the subnetwork CIDR range"},
		"address reserved":     {nic(m{"networkIP": "10.0.0.254"}), 400, "invalid", "reserved"},
		"no address":           {nic(m{"networkIP": "ten"}), 400, "invalid", "networkIP"},
		"two access configs":   {nic(m{"accessConfigs": l{m{}, m{}}}), 400, "invalid", "Multiple access configs"},
		"foreign address":      {nic(m{"accessConfigs": l{m{"natIP": "203.0.113.1"}}}), 400, "invalid", "was not found in region"},
		"IPv6 only":            {nic(m{"stackType": "IPV6_ONLY"}), 400, "invalid", "stackType"},
		"IPv6 without stack":   {nic(m{"stackType": "IPV4_ONLY", "ipv6AccessConfigs": l{m{}}}), 400, "invalid", "ipv6AccessConfigs"},
		"bad tag":              {m{"tags": m{"items": l{"A"}}}, 400, "invalid", "resource.tags.items[0]"},
		"tag twice":            {m{"tags": m{"items": l{"a", "a"}}}, 400, "invalid", "Duplicate"},
		"bad label":            {m{"labels": m{"a": "B"}}, 400, "invalid", "Label value 'B' violates"},
		"bad metadata":         {m{"metadata": m{"items": l{m{"key": "a", "value": "1"}, m{"key": "a", "value": "2"}}}}, 400, "invalid", "Duplicate"},
		"bad hostname":         {m{"hostname": "web"}, 400, "invalid", "resource.hostname"},
		"two accounts":         {m{"serviceAccounts": l{m{"email": "a@b"}, m{"email": "c@d"}}}, 400, "invalid", "Only one service account"},
		"bad scope":            {m{"serviceAccounts": l{m{"email": "default", "scopes": l{"storage-ro"}}}}, 400, "invalid", "scopes[0]"},
		"bad scheduling":       {m{"scheduling": m{"preemptible": true, "automaticRestart": true}}, 400, "invalid", "automaticRestart"},
		"integrity without":    {m{"shieldedInstanceConfig": m{"enableVtpm": false, "enableIntegrityMonitoring": true}}, 400, "invalid", "Integrity monitoring"},
		"unknown platform":     {m{"minCpuPlatform": "Intel 8086"}, 400, "invalid", "Intel 8086"},
		"accelerator":          {m{"guestAccelerators": l{m{"acceleratorType": "x", "acceleratorCount": 1}}}, 400, "invalid", "acceleratortype"},
		"vCPUs":                {m{"machineType": zoneOf + "/machineTypes/e2-standard-8"}, 403, "quotaExceeded", "Quota 'CPUS' exceeded.  Limit: 6.0 in region " + testRegion},
		"wrong type":           {m{"disks": "all"}, 400, "invalid", "disks"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.wantReason(http.MethodPost, "/"+zoneOf+"/instances", vmBody(t, tt.change), tt.status, tt.reason); !strings.Contains(got, tt.message) {
				t.Errorf("%s", got)
			}
		})
	}
	c.wantReason(http.MethodPost, "/"+zoneOf+"/instances?sourceInstanceTemplate=global/instanceTemplates/t", vmBody(t, nil), 400, "invalid")
	public := vm("public")
	public.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{}}
	c.done(c.insertVM(public))
	public = vm("public-2")
	public.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{}}
	_, err := c.insertVM(public)
	c.refused(err, http.StatusForbidden, "quotaExceeded")
	if n := len(c.eng.Records("google_instance")) + len(c.eng.Records("google_disk")); n != 2+3 {
		t.Errorf("refusals left something behind: %d records", n)
	}
}

func TestInstanceOfOtherSeries(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	arm := vm("arm")
	arm.MachineType = ptr(zoneOf + "/machineTypes/c4a-standard-2")
	arm.Disks[0].InitializeParams.SourceImage = ptr(debianARM)
	_, err := c.insertVM(arm)
	c.refused(err, http.StatusBadRequest, "badRequest") // pd-balanced
	arm.Disks[0].InitializeParams.DiskType = ptr(zoneOf + "/diskTypes/hyperdisk-balanced")
	c.done(c.insertVM(arm))
	if v := c.getVM("arm"); v.GetCpuPlatform() != "Google Axion" || v.GetDisks()[0].GetArchitecture() != "ARM64" {
		t.Errorf("%v", v)
	}
	ssd := vm("ssd")
	ssd.MachineType = ptr(zoneOf + "/machineTypes/n2-standard-2")
	ssd.Disks = append(ssd.Disks, &computepb.AttachedDisk{Type: ptr("SCRATCH"), AutoDelete: ptr(true),
		InitializeParams: &computepb.AttachedDiskInitializeParams{DiskType: ptr(zoneOf + "/diskTypes/local-ssd")}})
	c.done(c.insertVM(ssd))
	if d := c.getVM("ssd").GetDisks()[1]; d.GetType() != "SCRATCH" || d.GetDiskSizeGb() != 375 {
		t.Errorf("%v", d)
	}
}

func TestInstanceAddresses(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/29") // 8 addresses, 4 of them the vendor's
	fixed := vm("fixed")
	fixed.NetworkInterfaces[0].NetworkIP = ptr("10.0.0.3")
	c.done(c.insertVM(fixed))
	twice := proto.CloneOf(fixed)
	twice.Name = ptr("twice")
	op, err := c.insertVM(twice)
	c.failed(op, err, "IP_IN_USE_BY_ANOTHER_RESOURCE")
	for i := range 3 {
		c.done(c.insertVM(vm(fmt.Sprintf("vm-%d", i))))
	}
	op, err = c.insertVM(vm("vm-3"))
	c.failed(op, err, "IP_SPACE_EXHAUSTED_WITH_DETAILS")
	if status := op.Proto().GetHttpErrorStatusCode(); status != http.StatusBadRequest {
		t.Errorf("HTTP status %d", status)
	}
	for _, name := range []string{"twice", "vm-3"} {
		_, err = c.vms().Get(c.ctx, &computepb.GetInstanceRequest{Project: testProject, Zone: testZone, Instance: name})
		c.refused(err, http.StatusNotFound, "notFound")
		_, err = c.disks().Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: name})
		c.refused(err, http.StatusNotFound, "notFound")
	}
}

func TestInstanceCapacity(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.disk("data", 10)
	fault := func(code string) int64 {
		id, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultCapacity, Cloud: google.Cloud, ServerType: "e2-medium", Location: testZone, Code: code})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for _, code := range []string{"", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"} {
		id := fault(code)
		if code == "" {
			code = "ZONE_RESOURCE_POOL_EXHAUSTED"
		}
		i := vm("web")
		i.Disks = append(i.Disks, &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/data")})
		op, err := c.insertVM(i)
		c.failed(op, err, code)
		if e := op.Proto(); e.GetHttpErrorStatusCode() != 503 || !strings.Contains(e.GetError().GetErrors()[0].GetMessage(), "The zone 'projects/acme-prod/zones/europe-west3-a' does not have enough resources") {
			t.Errorf("%v", e)
		}
		info := op.Proto().GetError().GetErrors()[0].GetErrorDetails()
		if len(info) != 3 || info[2].GetErrorInfo().GetReason() != "resource_availability" || info[2].GetErrorInfo().GetMetadatas()["vmType"] != "e2-medium" {
			t.Errorf("details %v", info)
		}
		_, err = c.vms().Get(c.ctx, &computepb.GetInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
		c.refused(err, http.StatusNotFound, "notFound")
		if d := c.getDisk("data"); len(d.GetUsers()) > 0 {
			t.Errorf("%v", d)
		}
		c.eng.Faults.Remove(id)
	}
	small := vm("web")
	small.MachineType = ptr(zoneOf + "/machineTypes/e2-small")
	id := fault("")
	c.done(c.insertVM(small)) // another type
	c.eng.Faults.Remove(id)
	c.done(c.insertVM(vm("db")))
	c.done(c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "db"}))
	fault("")
	op, err := c.vms().Start(c.ctx, &computepb.StartInstanceRequest{Project: testProject, Zone: testZone, Instance: "db"})
	c.failed(op, err, "ZONE_RESOURCE_POOL_EXHAUSTED")
	c.wantStatus("db", "TERMINATED")
}

func TestInstanceShieldedNeedsUEFI(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	// A disk without any image's features, from which nothing could boot, does
	// not do; one that is a copy of a system disk does.
	c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone, DiskResource: &computepb.Disk{Name: ptr("blank"), SizeGb: ptr(int64(10))}}))
	c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone, DiskResource: &computepb.Disk{Name: ptr("copy"), SourceDisk: ptr(zoneOf + "/disks/blank")}}))
	i := vm("web")
	i.Disks[0] = &computepb.AttachedDisk{Boot: ptr(true), Source: ptr(zoneOf + "/disks/copy")}
	i.ShieldedInstanceConfig = &computepb.ShieldedInstanceConfig{EnableVtpm: ptr(true)}
	_, err := c.insertVM(i)
	c.refused(err, http.StatusBadRequest, "invalid")
	if err == nil || !strings.Contains(err.Error(), "UEFI-compatible") {
		t.Errorf("got %v", err)
	}
	i.ShieldedInstanceConfig = nil
	c.done(c.insertVM(i))
	if s := c.getVM("web").GetShieldedInstanceConfig(); s != nil {
		t.Errorf("%v", s)
	}
}

func TestInstanceBulkInsert(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	bulk := func(count, least int64, pattern string) (*compute.Operation, error) {
		p := vm("")
		return c.vms().BulkInsert(c.ctx, &computepb.BulkInsertInstanceRequest{Project: testProject, Zone: testZone,
			BulkInsertInstanceResourceResource: &computepb.BulkInsertInstanceResource{Count: &count, MinCount: &least, NamePattern: &pattern,
				InstanceProperties: &computepb.InstanceProperties{MachineType: ptr("e2-medium"), NetworkInterfaces: p.NetworkInterfaces,
					Disks: []*computepb.AttachedDisk{{Boot: ptr(true), AutoDelete: ptr(true),
						InitializeParams: &computepb.AttachedDiskInitializeParams{SourceImage: ptr(debian), DiskType: ptr("pd-balanced")}}}}}})
	}
	c.done(bulk(3, 3, "web-##"))
	c.wantStatus("web-03", "RUNNING")
	c.done(bulk(2, 2, "web-##"))
	c.wantStatus("web-05", "RUNNING")
	if n := c.getVM("web-05").GetNetworkInterfaces()[0].GetNetworkIP(); n != "10.0.0.6" {
		t.Errorf("%s", n)
	}
	_, err := bulk(1, 2, "web-##")
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = bulk(1, 1, "web")
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = bulk(10, 1, "x-#")
	c.refused(err, http.StatusBadRequest, "invalid")
	add := func(after int) {
		t.Helper()
		c.eng.Faults.Clear()
		if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultCapacity, Cloud: google.Cloud, After: after}); err != nil {
			t.Fatal(err)
		}
	}
	add(2)
	c.done(bulk(3, 2, "db-#"))
	c.wantStatus("db-2", "RUNNING")
	add(2)
	op, err := bulk(4, 3, "app-#")
	c.failed(op, err, "ZONE_RESOURCE_POOL_EXHAUSTED")
	_, err = c.vms().Get(c.ctx, &computepb.GetInstanceRequest{Project: testProject, Zone: testZone, Instance: "app-1"})
	c.refused(err, http.StatusNotFound, "notFound")
}

func TestInstanceConcurrency(t *testing.T) {
	c := newCloudOn(t, google.Options{}, engine.Options{})
	c.vmSubnet("10.0.0.0/20")
	vms := c.vms()
	var wg sync.WaitGroup
	for k := range 40 {
		wg.Go(func() {
			op, err := vms.Insert(c.ctx, &computepb.InsertInstanceRequest{Project: testProject, Zone: testZone, InstanceResource: vm(fmt.Sprintf("vm-%d", k))})
			if err != nil {
				t.Error(err)
				return
			}
			if err := op.Poll(c.ctx); err != nil || op.Proto().GetError() != nil {
				t.Errorf("%v, %v", op.Proto(), err)
			}
		})
	}
	wg.Wait()
	ips := map[string]bool{}
	for k := range 40 {
		ips[c.getVM(fmt.Sprintf("vm-%d", k)).GetNetworkInterfaces()[0].GetNetworkIP()] = true
	}
	if len(ips) != 40 {
		t.Errorf("%d addresses of 40 instances", len(ips))
	}
}

func TestInstanceRepeatedRequest(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	request := &computepb.InsertInstanceRequest{Project: testProject, Zone: testZone, InstanceResource: vm("web"), RequestId: ptr("2b6f5a0e-7a53-4c55-9a8e-9d3d4a8b2c11")}
	first, err := c.vms().Insert(c.ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.vms().Insert(c.ctx, request)
	if err != nil || again.Name() != first.Name() {
		t.Errorf("%v, %v", again, err)
	}
	c.done(first, nil)
}

func TestInstanceSurvivesRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sim.db")
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	open := func(t *testing.T) *cloud {
		return newCloudOn(t, google.Options{}, engine.Options{DataFile: file, DurationScale: 1, Clock: engine.NewClock(start, 0)})
	}
	var before *computepb.Instance
	t.Run("before", func(t *testing.T) {
		c := open(t)
		c.vmSubnet("10.0.0.0/24")
		c.done(c.insertVM(vm("web")))
		before = c.getVM("web")
		if _, err := c.insertVM(vm("half")); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("after", func(t *testing.T) {
		c := open(t)
		if after := c.getVM("web"); !proto.Equal(before, after) {
			t.Errorf("before %v\nafter %v", before, after)
		}
		c.settle()
		c.wantStatus("half", "RUNNING")
	})
}
