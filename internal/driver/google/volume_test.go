package google

import (
	"errors"
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const someKey = "projects/keys/locations/europe-west3/keyRings/ring/cryptoKeys/disks"

// acme is the Meta of the tests' objects.
func acme(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: cloud.Location{Cloud: Name, Name: "europe-west3-a"}, Deployment: "acme-eu", Tenant: "acme",
		Tier: cloud.TierPaid, Labels: map[string]string{"team": "blue"}}
}

func TestDiskOf(t *testing.T) {
	d := &Driver{project: "acme-prod"}
	spec := cloud.VolumeSpec{Meta: acme("data"), SizeGB: 20}
	want := &computepb.Disk{Name: new("data-europe-west3-a"), SizeGb: new(int64(20)), Labels: labelsOf(cloud.KindVolume, spec.Meta),
		Type: new("projects/acme-prod/zones/europe-west3-a/diskTypes/pd-balanced")}
	if diff := cmp.Diff(want, d.diskOf(spec), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	spec.Options = map[string]string{optionKMSKey: someKey, optionDiskType: "pd-ssd"}
	want.Type = new("projects/acme-prod/zones/europe-west3-a/diskTypes/pd-ssd")
	want.DiskEncryptionKey = &computepb.CustomerEncryptionKey{KmsKeyName: new(someKey)}
	if diff := cmp.Diff(want, d.diskOf(spec), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// observedDisk is what the vendor says of a disk that was made from a spec.
func observedDisk(spec cloud.VolumeSpec) *computepb.Disk {
	have := (&Driver{project: "acme-prod"}).diskOf(spec)
	have.Type = new("https://www.googleapis.com/compute/v1/" + have.GetType())
	have.Zone = new("https://www.googleapis.com/compute/v1/projects/acme-prod/zones/" + spec.Location.Name)
	have.CreationTimestamp = new("2026-01-02T03:04:05.678-07:00")
	if key := have.DiskEncryptionKey; key != nil {
		key.KmsKeyName = new(key.GetKmsKeyName() + "/cryptoKeyVersions/3")
	}
	return have
}

func TestVolumeFrom(t *testing.T) {
	for name, options := range map[string]map[string]string{
		"default":      nil,
		"all options":  {optionKMSKey: someKey, optionDiskType: "pd-ssd"},
		"default type": {optionDiskType: "pd-balanced"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := cloud.VolumeSpec{Meta: acme("data"), SizeGB: 20, Options: options}
			have := observedDisk(spec)
			have.Users = []string{"https://www.googleapis.com/compute/v1/projects/acme-prod/zones/europe-west3-a/instances/db-europe-west3-a"}
			got := volumeFrom(have)
			if got.AttachedTo != "db-europe-west3-a" || got.Device != "/dev/disk/by-id/google-data-europe-west3-a" || got.Created.IsZero() ||
				got.ID.String() != "google/europe-west3-a/data-europe-west3-a" {
				t.Errorf("observed %+v", got)
			}
			// What the create tells is what is read, but for the time and the key.
			made := madeVolume(spec)
			made.Created, made.AttachedTo, made.Key = got.Created, got.AttachedTo, cloud.KeyOf(cloud.KindVolume, spec.Meta, false)
			if diff := cmp.Diff(made, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if steps, err := planVolume(got, spec); err != nil || len(steps) > 0 {
				t.Errorf("there is left %v, %v", steps, err)
			}
		})
	}
}

func TestPlanVolume(t *testing.T) {
	spec := cloud.VolumeSpec{Meta: acme("data"), SizeGB: 20, Options: map[string]string{optionKMSKey: someKey}}
	current := volumeFrom(observedDisk(spec))
	renamed := acme("files")
	for name, test := range map[string]struct {
		change func(*cloud.VolumeSpec)
		want   []step
		code   cloud.Code
		field  string
	}{
		"nothing":        {change: func(*cloud.VolumeSpec) {}},
		"rename":         {change: func(s *cloud.VolumeSpec) { s.Meta = renamed }, want: []step{labelVolume{labelsOf(cloud.KindVolume, renamed)}}},
		"grow":           {change: func(s *cloud.VolumeSpec) { s.SizeGB = 30 }, want: []step{resizeVolume{30}}},
		"protect":        {change: func(s *cloud.VolumeSpec) { s.Protected = true }},
		"same type":      {change: func(s *cloud.VolumeSpec) { s.Options = map[string]string{optionDiskType: "pd-balanced"} }},
		"shrink":         {change: func(s *cloud.VolumeSpec) { s.SizeGB = 10 }, code: cloud.CodeUnsupported, field: "size_gb"},
		"location":       {change: func(s *cloud.VolumeSpec) { s.Location.Name = "europe-west3-b" }, code: cloud.CodeUnsupported, field: "location"},
		"another type":   {change: func(s *cloud.VolumeSpec) { s.Options = map[string]string{optionDiskType: "pd-ssd"} }, code: cloud.CodeUnsupported, field: "google.type"},
		"another key":    {change: func(s *cloud.VolumeSpec) { s.Options = map[string]string{optionKMSKey: someKey + "2"} }, code: cloud.CodeUnsupported, field: "google.kms_key"},
		"unknown option": {change: func(s *cloud.VolumeSpec) { s.Options = map[string]string{"color": "red"} }, code: cloud.CodeInvalid, field: "google.color"},
	} {
		t.Run(name, func(t *testing.T) {
			want := spec
			test.change(&want)
			got, err := planVolume(current, want)
			var failed *cloud.Error
			if cloud.CodeOf(err) != test.code || (errors.As(err, &failed) && failed.Field != test.field) {
				t.Fatalf("error %v, want code %q on %s", err, test.code, test.field)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if err != nil {
				return
			}
			if rest, err := planVolume(volumes{}.merge(current, want), want); err != nil || len(rest) > 0 {
				t.Errorf("after the plan there is still %v, %v", rest, err)
			}
		})
	}
}

// A customer-supplied key is refused, and not repeated in the message.
func TestRawKeysAreRefused(t *testing.T) {
	const raw = "acXTX3rxrKAFTF0tYVLvydU1riRZTvUNC4g5I11NY+c="
	for _, err := range []error{checkVolumeOptions(map[string]string{optionKMSKey: raw}), checkVMOptions(map[string]string{optionKMSKey: raw})} {
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != "google.kms_key" || !strings.Contains(failed.Message, "deprecated") {
			t.Errorf("got %v", err)
		}
		if strings.Contains(err.Error(), raw) {
			t.Error("the message repeats the key")
		}
	}
}

func TestBootDisksAreNoVolumes(t *testing.T) {
	for _, disk := range []*computepb.Disk{
		{Name: new("a"), Labels: map[string]string{labelBoot: "db"}},
		{Name: new("b"), SourceImage: new("projects/debian-cloud/global/images/debian-12")},
	} {
		if !isBoot(disk) {
			t.Errorf("%s counts as a volume", disk.GetName())
		}
	}
	if isBoot(observedDisk(cloud.VolumeSpec{Meta: acme("data"), SizeGB: 20})) {
		t.Error("a volume counts as a boot disk")
	}
}
