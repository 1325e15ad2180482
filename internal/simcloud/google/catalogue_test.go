package google_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

func TestZonesAndRegions(t *testing.T) {
	c := newCloud(t, google.Options{Limits: map[string]float64{"SUBNETWORKS": 7}})
	z, err := client(c, compute.NewZonesRESTClient).Get(c.ctx, &computepb.GetZoneRequest{Project: testProject, Zone: testZone})
	if err != nil || z.GetStatus() != "UP" || !strings.HasSuffix(z.GetRegion(), "/regions/europe-west3") || len(z.GetAvailableCpuPlatforms()) == 0 {
		t.Errorf("%v, %v", z, err)
	}
	_, err = client(c, compute.NewZonesRESTClient).Get(c.ctx, &computepb.GetZoneRequest{Project: testProject, Zone: "europe-west3-z"})
	c.refused(err, http.StatusNotFound, "notFound")
	r, err := client(c, compute.NewRegionsRESTClient).Get(c.ctx, &computepb.GetRegionRequest{Project: testProject, Region: "europe-west1"})
	if err != nil || len(r.GetZones()) != 3 || !strings.HasSuffix(r.GetZones()[0], "europe-west1-b") {
		t.Errorf("%v, %v", r, err)
	}
	n := 0
	it := client(c, compute.NewRegionsRESTClient).List(c.ctx, &computepb.ListRegionsRequest{Project: testProject})
	for _, err := it.Next(); err != iterator.Done; _, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 40 {
		t.Errorf("%d regions", n)
	}
	zones := client(c, compute.NewZonesRESTClient).List(c.ctx, &computepb.ListZonesRequest{Project: testProject, Filter: ptr("name eq us-central1-.*")})
	var letters string
	for z, err := zones.Next(); err != iterator.Done; z, err = zones.Next() {
		if err != nil {
			t.Fatal(err)
		}
		letters += z.GetName()[len(z.GetName())-1:]
	}
	if letters != "abcf" {
		t.Errorf("zones of us-central1: %s", letters)
	}
	p, err := client(c, compute.NewProjectsRESTClient).Get(c.ctx, &computepb.GetProjectRequest{Project: testProject})
	if err != nil || !slices.ContainsFunc(p.GetQuotas(), func(q *computepb.Quota) bool { return q.GetMetric() == "SUBNETWORKS" && q.GetLimit() == 7 }) {
		t.Errorf("quotas %v, %v", p.GetQuotas(), err)
	}
}

func TestMachineTypes(t *testing.T) {
	c := newCloud(t, google.Options{})
	types := client(c, compute.NewMachineTypesRESTClient)
	for name, want := range map[string][2]int32{"e2-medium": {2, 4096}, "e2-standard-4": {4, 16384}, "n1-standard-1": {1, 3840},
		"n2-highmem-128": {128, 884736}, "n2d-highcpu-224": {224, 229376}, "c3-standard-22": {22, 90112}} {
		m, err := types.Get(c.ctx, &computepb.GetMachineTypeRequest{Project: testProject, Zone: testZone, MachineType: name})
		if err != nil || m.GetGuestCpus() != want[0] || m.GetMemoryMb() != want[1] || m.GetArchitecture() != "X86_64" {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	_, err := types.Get(c.ctx, &computepb.GetMachineTypeRequest{Project: testProject, Zone: testZone, MachineType: "t2a-standard-1"})
	c.refused(err, http.StatusNotFound, "notFound")
	m, err := types.Get(c.ctx, &computepb.GetMachineTypeRequest{Project: testProject, Zone: "europe-west4-a", MachineType: "t2a-standard-1"})
	if err != nil || m.GetArchitecture() != "ARM64" {
		t.Errorf("%v, %v", m, err)
	}
	found := map[string]bool{}
	it := types.AggregatedList(c.ctx, &computepb.AggregatedListMachineTypesRequest{Project: testProject, Filter: ptr("name = t2a-standard-4")})
	for p, err := it.Next(); err != iterator.Done; p, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Value.GetMachineTypes()) > 0 {
			found[p.Key] = true
		}
	}
	if len(found) != 8 || !found["zones/us-central1-f"] {
		t.Errorf("zones with t2a: %v", found)
	}
	d, err := client(c, compute.NewDiskTypesRESTClient).Get(c.ctx, &computepb.GetDiskTypeRequest{Project: testProject, Zone: testZone, DiskType: "pd-balanced"})
	if err != nil || d.GetDefaultDiskSizeGb() != 100 || d.GetValidDiskSize() != "10GB-65536GB" {
		t.Errorf("%v, %v", d, err)
	}
}

// Zones differ in what they sell; c3 does so by class.
func TestMachineTypesByZone(t *testing.T) {
	c := newCloud(t, google.Options{})
	types := client(c, compute.NewMachineTypesRESTClient)
	for where, sold := range map[string]bool{
		"europe-west3-a/c3-highcpu-8": true, "europe-west3-a/c3-highmem-8": false, "europe-west3-b/c3-highmem-8": true, "europe-west3-c/c3-highcpu-8": false,
		"europe-north2-a/e2-standard-2": true, "europe-north2-a/n2-standard-2": false, "northamerica-south1-b/n2-highmem-128": false,
		"africa-south1-c/n2d-standard-2": true, "me-west1-a/n1-standard-1": false, "me-west1-b/n1-standard-1": true,
		"asia-southeast3-b/e2-medium": false, "asia-southeast3-b/n4-standard-2": true,
	} {
		zone, name, _ := strings.Cut(where, "/")
		_, err := types.Get(c.ctx, &computepb.GetMachineTypeRequest{Project: testProject, Zone: zone, MachineType: name})
		if !sold {
			c.refused(err, http.StatusNotFound, "notFound")
		} else if err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// The cloud has the zones that the provider knows, and each sells something.
func TestZonesAreThoseOfTheCatalogue(t *testing.T) {
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := known.Select(catalog.Filter{Cloud: "google"})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range entries {
		want = append(want, e.Location.Name)
	}
	c := newCloud(t, google.Options{})
	zones := client(c, compute.NewZonesRESTClient).List(c.ctx, &computepb.ListZonesRequest{Project: testProject})
	for z, err := zones.Next(); err != iterator.Done; z, err = zones.Next() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, z.GetName())
		if len(z.GetAvailableCpuPlatforms()) == 0 {
			t.Errorf("%s sells nothing", z.GetName())
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestImages(t *testing.T) {
	c := newCloud(t, google.Options{})
	images := client(c, compute.NewImagesRESTClient)
	for family, want := range map[string]string{"debian-12": "X86_64", "debian-13": "X86_64", "debian-12-arm64": "ARM64"} {
		m, err := images.GetFromFamily(c.ctx, &computepb.GetFromFamilyImageRequest{Project: "debian-cloud", Family: family})
		if err != nil || m.GetArchitecture() != want || m.GetFamily() != family || m.GetDeprecated() != nil ||
			!slices.ContainsFunc(m.GetGuestOsFeatures(), func(f *computepb.GuestOsFeature) bool { return f.GetType() == "UEFI_COMPATIBLE" }) {
			t.Errorf("%s: %v, %v", family, m, err)
			continue
		}
		if again, err := images.Get(c.ctx, &computepb.GetImageRequest{Project: "debian-cloud", Image: m.GetName()}); err != nil || again.GetId() != m.GetId() {
			t.Errorf("%s: %v, %v", m.GetName(), again, err)
		}
	}
	for project, family := range map[string]string{"ubuntu-os-cloud": "ubuntu-2404-lts-amd64", "rocky-linux-cloud": "rocky-linux-9"} {
		if _, err := images.GetFromFamily(c.ctx, &computepb.GetFromFamilyImageRequest{Project: project, Family: family}); err != nil {
			t.Error(err)
		}
	}
	_, err := images.GetFromFamily(c.ctx, &computepb.GetFromFamilyImageRequest{Project: "debian-cloud", Family: "debian-99"})
	c.refused(err, http.StatusNotFound, "notFound")
	n := 0
	it := images.List(c.ctx, &computepb.ListImagesRequest{Project: "debian-cloud", Filter: ptr(`deprecated.state = DEPRECATED`)})
	for m, err := it.Next(); err != iterator.Done; m, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; m.GetDeprecated().GetReplacement() == "" {
			t.Errorf("%s is deprecated for nothing", m.GetName())
		}
	}
	if n == 0 {
		t.Error("no deprecated image is listed")
	}
}

func TestProjectMetadata(t *testing.T) {
	c := newCloud(t, google.Options{})
	projects := client(c, compute.NewProjectsRESTClient)
	get := func() *computepb.Metadata {
		t.Helper()
		p, err := projects.Get(c.ctx, &computepb.GetProjectRequest{Project: testProject})
		if err != nil {
			t.Fatal(err)
		}
		return p.GetCommonInstanceMetadata()
	}
	set := func(m *computepb.Metadata) (*compute.Operation, error) {
		return projects.SetCommonInstanceMetadata(c.ctx, &computepb.SetCommonInstanceMetadataProjectRequest{Project: testProject, MetadataResource: m})
	}
	before := get().GetFingerprint()
	c.done(set(&computepb.Metadata{Fingerprint: &before, Items: []*computepb.Items{{Key: ptr("holdfast-ssh-key-ada"), Value: ptr("{}")}}}))
	m := get()
	if m.GetFingerprint() == before || len(m.GetItems()) != 1 || m.GetItems()[0].GetValue() != "{}" {
		t.Errorf("%v", m)
	}
	_, err := set(&computepb.Metadata{Fingerprint: &before})
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	_, err = set(&computepb.Metadata{})
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	_, err = set(&computepb.Metadata{Fingerprint: m.Fingerprint, Items: []*computepb.Items{{Key: ptr("a b"), Value: ptr("")}}})
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = set(&computepb.Metadata{Fingerprint: m.Fingerprint, Items: []*computepb.Items{{Key: ptr("a")}, {Key: ptr("a")}}})
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = set(&computepb.Metadata{Fingerprint: m.Fingerprint, Items: []*computepb.Items{{Key: ptr("a"), Value: ptr(strings.Repeat("x", 256<<10+1))}}})
	c.refused(err, http.StatusBadRequest, "invalid")
	// Of writers at the same time with the same fingerprint one wins.
	won := make(chan bool, 8)
	var group sync.WaitGroup
	for range cap(won) {
		group.Go(func() {
			_, err := set(&computepb.Metadata{Fingerprint: m.Fingerprint})
			won <- err == nil
		})
	}
	group.Wait()
	close(won)
	n := 0
	for ok := range won {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d writers won", n)
	}
}

// TestRoutesAreTheVendors finds methods that the vendor does not have.
func TestRoutesAreTheVendors(t *testing.T) {
	c := newCloud(t, google.Options{})
	for _, name := range c.api.RouteNames() {
		method, path, _ := strings.Cut(name, " ")
		d, there := described(t, path)
		if _, ok := d.ResponseOf(method, there); !ok {
			t.Errorf("the vendor has no %s", name)
		}
	}
}
