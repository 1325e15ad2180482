package hetzner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestPlanVolume(t *testing.T) {
	spec := cloud.VolumeSpec{Meta: acme("data"), SizeGB: 20}
	current := volumeFrom(&hcloud.Volume{ID: 5, Name: "data-fsn1", Size: 20, Location: &hcloud.Location{Name: "fsn1"},
		Labels: labelsOf(cloud.KindVolume, spec.Meta), LinuxDevice: "/dev/disk/by-id/scsi-0HC_Volume_5", Server: &hcloud.Server{ID: 9}})
	if diff := cmp.Diff(spec, current.VolumeSpec); diff != "" {
		t.Error(diff)
	}
	if current.AttachedTo != "9" || current.Device == "" || current.ID.String() != "hetzner/fsn1/5" {
		t.Errorf("observed %+v", current)
	}
	for name, test := range map[string]struct {
		change func(*cloud.VolumeSpec)
		want   []step
		code   cloud.Code
	}{
		"nothing":  {change: func(*cloud.VolumeSpec) {}},
		"grow":     {change: func(s *cloud.VolumeSpec) { s.SizeGB = 30 }, want: []step{resizeVolume{30}}},
		"shrink":   {change: func(s *cloud.VolumeSpec) { s.SizeGB = 10 }, code: cloud.CodeUnsupported},
		"protect":  {change: func(s *cloud.VolumeSpec) { s.Protected = true }, want: []step{protect{cloud.KindVolume, true}}},
		"location": {change: func(s *cloud.VolumeSpec) { s.Location.Name = "hel1" }, code: cloud.CodeUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			want := spec
			test.change(&want)
			got, err := planVolume(current, want)
			if cloud.CodeOf(err) != test.code {
				t.Fatalf("error %v, want code %q", err, test.code)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestServerTypeAt(t *testing.T) {
	announced := &hcloud.DeprecationInfo{}
	have := &hcloud.ServerType{Name: "cax11", Cores: 2, Memory: 4, Disk: 40, Architecture: hcloud.ArchitectureARM, CPUType: hcloud.CPUTypeShared,
		Pricings: []hcloud.ServerTypeLocationPricing{
			{Location: &hcloud.Location{Name: "fsn1"}, Monthly: hcloud.Price{Net: "3.2900"}},
			{Location: &hcloud.Location{Name: "hel1"}, Monthly: hcloud.Price{Net: "3.3900"}}},
		Locations: []hcloud.ServerTypeLocation{
			{Location: &hcloud.Location{Name: "fsn1"}, Available: true},
			{Location: &hcloud.Location{Name: "hel1"}, Available: false, DeprecatableResource: hcloud.DeprecatableResource{Deprecation: announced}}}}
	want := cloud.ServerType{Name: "cax11", CPUs: 2, MemoryGB: 4, DiskGB: 40, Architecture: cloud.ArchARM, PriceMonthly: 3.29, Available: true}
	if got, sold, err := serverTypeAt(have, "fsn1"); err != nil || !sold || got != want {
		t.Errorf("%+v %v %v", got, sold, err)
	}
	want.PriceMonthly, want.Available, want.Deprecated = 3.39, false, true
	if got, sold, err := serverTypeAt(have, "hel1"); err != nil || !sold || got != want {
		t.Errorf("%+v %v %v", got, sold, err)
	}
	if _, sold, err := serverTypeAt(have, "ash"); err != nil || sold {
		t.Error("sold where it has no price")
	}
	have.Pricings[0].Monthly.Net = "free"
	if _, _, err := serverTypeAt(have, "fsn1"); err == nil {
		t.Error("an unreadable price counts as one")
	}
}
