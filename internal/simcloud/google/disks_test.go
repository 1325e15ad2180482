package google_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

const (
	zoneOf     = "zones/" + testZone
	debian     = "projects/debian-cloud/global/images/family/debian-12"
	debianARM  = "projects/debian-cloud/global/images/family/debian-12-arm64"
	vendorBase = "https://www.googleapis.com/compute/v1/projects/" + testProject + "/"
	goodKey    = "projects/acme-keys/locations/" + testRegion + "/keyRings/disks/cryptoKeys/tenants"
)

func (c *cloud) disks() *compute.DisksClient {
	c.t.Helper()
	return client(c, compute.NewDisksRESTClient)
}

// disk makes an empty disk and waits for it.
func (c *cloud) disk(name string, gb int64) {
	c.t.Helper()
	c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone,
		DiskResource: &computepb.Disk{Name: &name, SizeGb: &gb, Type: ptr(zoneOf + "/diskTypes/pd-balanced")}}))
}

func (c *cloud) getDisk(name string) *computepb.Disk {
	c.t.Helper()
	d, err := c.disks().Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: name})
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

func TestDiskLifecycle(t *testing.T) {
	c := newCloud(t, google.Options{})
	disks := c.disks()
	op, err := disks.Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone, DiskResource: &computepb.Disk{
		Name: ptr("data"), SizeGb: ptr(int64(20)), Type: ptr(vendorBase + zoneOf + "/diskTypes/pd-balanced"),
		Labels: map[string]string{"tenant": "acme"}, DiskEncryptionKey: &computepb.CustomerEncryptionKey{KmsKeyName: ptr(goodKey)}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := c.getDisk("data"); d.GetStatus() != "CREATING" {
		t.Errorf("a new disk is %s", d.GetStatus())
	}
	_, err = disks.Delete(c.ctx, &computepb.DeleteDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
	d := c.getDisk("data")
	if d.GetStatus() != "READY" || d.GetSizeGb() != 20 || d.GetId() != op.Proto().GetTargetId() || d.GetType() != vendorBase+zoneOf+"/diskTypes/pd-balanced" ||
		d.GetDiskEncryptionKey().GetKmsKeyName() != goodKey+"/cryptoKeyVersions/1" || d.GetLabels()["tenant"] != "acme" ||
		d.GetPhysicalBlockSizeBytes() != 4096 || len(d.GetUsers()) > 0 {
		t.Errorf("%v", d)
	}

	_, err = disks.Resize(c.ctx, &computepb.ResizeDiskRequest{Project: testProject, Zone: testZone, Disk: "data",
		DisksResizeRequestResource: &computepb.DisksResizeRequest{SizeGb: ptr(int64(20))}})
	c.refused(err, http.StatusBadRequest, "invalid")
	c.done(disks.Resize(c.ctx, &computepb.ResizeDiskRequest{Project: testProject, Zone: testZone, Disk: "data",
		DisksResizeRequestResource: &computepb.DisksResizeRequest{SizeGb: ptr(int64(30))}}))

	label := func(fingerprint, value string) (*compute.Operation, error) {
		return disks.SetLabels(c.ctx, &computepb.SetLabelsDiskRequest{Project: testProject, Zone: testZone, Resource: "data",
			ZoneSetLabelsRequestResource: &computepb.ZoneSetLabelsRequest{LabelFingerprint: &fingerprint, Labels: map[string]string{"tenant": value}}})
	}
	c.done(label(d.GetLabelFingerprint(), "beta"))
	_, err = label(d.GetLabelFingerprint(), "gamma")
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	_, err = label(c.getDisk("data").GetLabelFingerprint(), "Gamma")
	c.refused(err, http.StatusBadRequest, "invalid")

	c.done(disks.Update(c.ctx, &computepb.UpdateDiskRequest{Project: testProject, Zone: testZone, Disk: "data", Paths: ptr("sizeGb"),
		DiskResource: &computepb.Disk{SizeGb: ptr(int64(40)), Labels: map[string]string{"not": "asked"}}}))
	c.done(disks.UpdateKmsKey(c.ctx, &computepb.UpdateKmsKeyDiskRequest{Project: testProject, Zone: testZone, Disk: "data",
		DiskUpdateKmsKeyRequestResource: &computepb.DiskUpdateKmsKeyRequest{KmsKeyName: ptr(goodKey + "/cryptoKeyVersions/2")}}))
	if d = c.getDisk("data"); d.GetSizeGb() != 40 || d.GetLabels()["tenant"] != "beta" || d.GetDiskEncryptionKey().GetKmsKeyName() != goodKey+"/cryptoKeyVersions/2" {
		t.Errorf("%v", d)
	}

	op, err = disks.Delete(c.ctx, &computepb.DeleteDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	if err != nil {
		t.Fatal(err)
	}
	if s := c.getDisk("data").GetStatus(); s != "DELETING" {
		t.Errorf("a disk that is being deleted is %s", s)
	}
	c.done(op, nil)
	_, err = disks.Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusNotFound, "notFound")
	_, err = disks.Delete(c.ctx, &computepb.DeleteDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusNotFound, "notFound")
}

func TestDiskDefaults(t *testing.T) {
	c := newCloud(t, google.Options{})
	insert := func(d *computepb.Disk) *computepb.Disk {
		t.Helper()
		c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone, DiskResource: d}))
		return c.getDisk(d.GetName())
	}
	if d := insert(&computepb.Disk{Name: ptr("plain")}); d.GetSizeGb() != 500 || !strings.HasSuffix(d.GetType(), "/pd-standard") {
		t.Errorf("%v", d)
	}
	d := insert(&computepb.Disk{Name: ptr("boot"), SourceImage: ptr(debian)})
	if d.GetSizeGb() != 10 || d.GetArchitecture() != "X86_64" || !strings.Contains(d.GetSourceImage(), "/images/debian-12-bookworm-v") || d.GetSourceImageId() == "" ||
		!slices.ContainsFunc(d.GetGuestOsFeatures(), func(f *computepb.GuestOsFeature) bool { return f.GetType() == "UEFI_COMPATIBLE" }) {
		t.Errorf("%v", d)
	}
	if d := insert(&computepb.Disk{Name: ptr("copy"), SourceDisk: ptr(zoneOf + "/disks/boot"), SizeGb: ptr(int64(12))}); d.GetSourceDisk() != vendorBase+zoneOf+"/disks/boot" ||
		d.GetArchitecture() != "X86_64" || d.GetSourceImage() == "" {
		t.Errorf("%v", d)
	}
	if d := insert(&computepb.Disk{Name: ptr("fast"), Type: ptr(zoneOf + "/diskTypes/hyperdisk-balanced")}); d.GetProvisionedIops() != 3600 || d.GetProvisionedThroughput() != 290 {
		t.Errorf("%v", d)
	}
	raw := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	d = insert(&computepb.Disk{Name: ptr("csek"), DiskEncryptionKey: &computepb.CustomerEncryptionKey{RawKey: &raw}})
	if k := d.GetDiskEncryptionKey(); k.GetSha256() == "" || k.RawKey != nil {
		t.Errorf("a customer-supplied key is shown as %v", k)
	}
}

func TestDiskRefusals(t *testing.T) {
	c := newCloud(t, google.Options{Limits: map[string]float64{"SSD_TOTAL_GB": 100, "DISKS_TOTAL_GB": 1000}})
	c.disk("taken", 60)
	ssd := zoneOf + "/diskTypes/pd-ssd"
	tests := map[string]struct {
		body    any
		status  int
		reason  string
		message string // part of it
	}{
		"no name":               {map[string]any{}, 400, "required", "resource.name"},
		"bad name":              {map[string]any{"name": "Data"}, 400, "invalid", "resource.name"},
		"taken name":            {map[string]any{"name": "taken"}, 409, "alreadyExists", "disks/taken"},
		"bad label":             {map[string]any{"name": "d", "labels": map[string]string{"A": "b"}}, 400, "invalid", "Label key 'A'"},
		"too small":             {map[string]any{"name": "d", "sizeGb": "5"}, 400, "invalid", "10 GB"},
		"too large":             {map[string]any{"name": "d", "sizeGb": 70000}, 400, "invalid", "65536 GB"},
		"smaller than image":    {map[string]any{"name": "d", "sizeGb": "4", "sourceImage": debian, "type": zoneOf + "/diskTypes/hyperdisk-balanced"}, 400, "invalid", "smaller than the image size"},
		"no such type":          {map[string]any{"name": "d", "type": zoneOf + "/diskTypes/pd-fast"}, 400, "invalid", "pd-fast"},
		"type of elsewhere":     {map[string]any{"name": "d", "type": "zones/us-central1-a/diskTypes/pd-ssd"}, 400, "invalid", "us-central1-a"},
		"type as bare name":     {map[string]any{"name": "d", "type": "pd-ssd"}, 400, "invalid", "malformed"},
		"no such image":         {map[string]any{"name": "d", "sourceImage": "projects/debian-cloud/global/images/family/debian-99"}, 404, "notFound", "debian-99"},
		"no such snapshot":      {map[string]any{"name": "d", "sourceSnapshot": "global/snapshots/s"}, 400, "invalid", "referenced snapshot"},
		"no such disk":          {map[string]any{"name": "d", "sourceDisk": zoneOf + "/disks/none"}, 400, "invalid", "referenced disk"},
		"two sources":           {map[string]any{"name": "d", "sourceDisk": zoneOf + "/disks/taken", "sourceImage": debian}, 400, "invalid", "At most one source"},
		"policy":                {map[string]any{"name": "d", "resourcePolicies": []string{"regions/x/resourcePolicies/y"}}, 400, "invalid", "resourcePolicies"},
		"bad key":               {map[string]any{"name": "d", "diskEncryptionKey": map[string]string{"kmsKeyName": "tenants"}}, 400, "invalid", "kmsKeyName"},
		"key of another region": {map[string]any{"name": "d", "diskEncryptionKey": map[string]string{"kmsKeyName": strings.Replace(goodKey, testRegion, "us-east1", 1)}}, 400, "invalid", testRegion},
		"short raw key":         {map[string]any{"name": "d", "diskEncryptionKey": map[string]string{"rawKey": "AAAA"}}, 400, "invalid", "256 bits"},
		"quota of SSDs":         {map[string]any{"name": "d", "type": ssd, "sizeGb": "41"}, 403, "quotaExceeded", "Quota 'SSD_TOTAL_GB' exceeded.  Limit: 100.0 in region " + testRegion},
		"quota of disks":        {map[string]any{"name": "d", "sizeGb": "1001"}, 403, "quotaExceeded", "DISKS_TOTAL_GB"},
		"wrong type":            {map[string]any{"name": 5}, 400, "invalid", "TYPE_STRING"},
		"IOPS without choice":   {map[string]any{"name": "d", "provisionedIops": "3000"}, 400, "invalid", "provisionedIops"},
		"shared disk":           {map[string]any{"name": "d", "accessMode": "READ_WRITE_MANY"}, 400, "invalid", "accessMode"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.wantReason(http.MethodPost, "/"+zoneOf+"/disks", tt.body, tt.status, tt.reason); !strings.Contains(got, tt.message) {
				t.Errorf("%s", got)
			}
		})
	}
	c.wantReason(http.MethodPost, "/zones/mars-a/disks", map[string]any{"name": "d"}, 400, "invalid")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/disks/taken/resize", map[string]any{}, 400, "required")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/disks/taken/resize", map[string]any{"sizeGb": "101"}, 403, "quotaExceeded")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/disks/taken/updateKmsKey", map[string]any{"kmsKeyName": goodKey}, 400, "badRequest")
	c.wantReason(http.MethodPatch, "/"+zoneOf+"/disks/taken?paths=type", map[string]any{"type": ssd}, 400, "invalid")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/disks/bulkInsert", map[string]any{}, 400, "required")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/disks/bulkInsert", map[string]any{"sourceConsistencyGroupPolicy": "regions/" + testRegion + "/resourcePolicies/p"}, 400, "invalid")
}

func TestDiskLists(t *testing.T) {
	c := newCloud(t, google.Options{})
	for _, name := range []string{"a-1", "a-2", "b-1"} {
		c.disk(name, 10)
	}
	elsewhere := &computepb.Disk{Name: ptr("a-3"), SizeGb: ptr(int64(10))}
	c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: "us-central1-a", DiskResource: elsewhere}))
	var names []string
	for it := c.disks().List(c.ctx, &computepb.ListDisksRequest{Project: testProject, Zone: testZone, MaxResults: ptr(uint32(2)), Filter: ptr("name = a-*")}); ; {
		d, err := it.Next()
		if err == iterator.Done {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		names = append(names, d.GetName())
	}
	if !slices.Equal(names, []string{"a-1", "a-2"}) {
		t.Errorf("list: %v", names)
	}
	names = nil
	for it := c.disks().AggregatedList(c.ctx, &computepb.AggregatedListDisksRequest{Project: testProject, Filter: ptr("name eq a-.*")}); ; {
		p, err := it.Next()
		if err == iterator.Done {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Value.GetDisks() {
			names = append(names, p.Key+"/"+d.GetName())
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{zoneOf + "/a-1", zoneOf + "/a-2", "zones/us-central1-a/a-3"}) {
		t.Errorf("aggregated list: %v", names)
	}
}

func TestDiskFaults(t *testing.T) {
	c := newCloud(t, google.Options{})
	if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultActionFailed, Cloud: google.Cloud, Command: "disks.insert", Count: 1,
		Code: "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", Message: "no '(resource type:pd-balanced)'."}); err != nil {
		t.Fatal(err)
	}
	insert := &computepb.InsertDiskRequest{Project: testProject, Zone: testZone, DiskResource: &computepb.Disk{Name: ptr("data"), SizeGb: ptr(int64(10))}}
	op, err := c.disks().Insert(c.ctx, insert)
	c.failed(op, err, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS")
	if op.Proto().GetHttpErrorStatusCode() != http.StatusServiceUnavailable {
		t.Errorf("%v", op.Proto())
	}
	_, err = c.disks().Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusNotFound, "notFound")

	if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultActionStuck, Cloud: google.Cloud, Command: "disks.insert", Count: 1}); err != nil {
		t.Fatal(err)
	}
	op, err = c.disks().Insert(c.ctx, insert)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if s := c.getDisk("data").GetStatus(); s != "CREATING" {
		t.Errorf("a stuck disk is %s", s)
	}
	if _, err := c.eng.ReleaseStuck(); err != nil {
		t.Fatal(err)
	}
	c.done(op, nil)
}
