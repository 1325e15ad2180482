package google

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var addresses = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

const zonePath = "projects/acme-prod/zones/europe-west3-a/"

func vmSpec() cloud.VMSpec {
	return cloud.VMSpec{Meta: acme("db"), ServerType: "e2-standard-2", Image: "debian-12", SSHKeys: []string{"alice"},
		Network: "acme-europe-west3-a", Firewalls: []string{"web-europe-west3-a"}, Volumes: []string{"data-europe-west3-a"},
		UserData: "#cloud-config\n{}\n", Power: cloud.PowerRunning}
}

func vmParts() parts {
	return parts{subnetwork: "projects/acme-prod/regions/europe-west3/subnetworks/s", logins: []string{"alice:ssh-ed25519 AAAA alice"}}
}

func insertOf(t *testing.T, change func(*cloud.VMSpec)) *computepb.Instance {
	t.Helper()
	spec := vmSpec()
	if change != nil {
		change(&spec)
	}
	got, err := (&Driver{project: "acme-prod"}).instanceOf(spec, vmParts())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func item(key, value string) *computepb.Items { return &computepb.Items{Key: &key, Value: &value} }

// plainInstance is the whole request for vmSpec.
func plainInstance() *computepb.Instance {
	spec := vmSpec()
	labels := labelsOf(cloud.KindVM, spec.Meta)
	labels[labelOrigin] = originOf(spec)
	boot := childName("db-europe-west3-a", "boot")
	return &computepb.Instance{
		Name: new("db-europe-west3-a"), MachineType: new(zonePath + "machineTypes/e2-standard-2"), Labels: labels,
		Tags: &computepb.Tags{Items: []string{"web-europe-west3-a"}},
		Metadata: &computepb.Metadata{Items: []*computepb.Items{item("block-project-ssh-keys", "TRUE"), item("enable-oslogin", "FALSE"),
			item("holdfast-image", "debian-12"), item("serial-port-enable", "FALSE"), item("ssh-keys", "alice:ssh-ed25519 AAAA alice"), item("user-data", "#cloud-config\n{}\n")}},
		Disks: []*computepb.AttachedDisk{
			{Boot: new(true), AutoDelete: new(true), InitializeParams: &computepb.AttachedDiskInitializeParams{DiskName: &boot,
				DiskType: new(zonePath + "diskTypes/pd-balanced"), SourceImage: new("projects/debian-cloud/global/images/family/debian-12"),
				Labels: map[string]string{labelBoot: "db-europe-west3-a", cloud.LabelDeployment: "acme-eu"}}},
			{Source: new(zonePath + "disks/data-europe-west3-a"), DeviceName: new("data-europe-west3-a"), Mode: new("READ_WRITE"), AutoDelete: new(false)}},
		NetworkInterfaces: []*computepb.NetworkInterface{{Network: new("projects/acme-prod/global/networks/acme-europe-west3-a"),
			Subnetwork: new("projects/acme-prod/regions/europe-west3/subnetworks/s"), StackType: new("IPV4_ONLY")}},
		DeletionProtection: new(false), CanIpForward: new(false),
		ShieldedInstanceConfig: &computepb.ShieldedInstanceConfig{EnableVtpm: new(true), EnableIntegrityMonitoring: new(true), EnableSecureBoot: new(true)},
	}
}

func TestInstanceOf(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*cloud.VMSpec)
		want   func(*computepb.Instance)
	}{
		"nothing special":         {},
		"protected":               {func(s *cloud.VMSpec) { s.Protected = true }, func(i *computepb.Instance) { i.DeletionProtection = new(true) }},
		"stopped is made running": {func(s *cloud.VMSpec) { s.Power = cloud.PowerStopped }, nil},
		"fixed address": {func(s *cloud.VMSpec) { s.PrivateIP = netip.MustParseAddr("10.1.0.9") },
			func(i *computepb.Instance) { i.NetworkInterfaces[0].NetworkIP = new("10.1.0.9") }},
		"public IPv4": {func(s *cloud.VMSpec) { s.PublicIPv4 = true }, func(i *computepb.Instance) {
			i.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{Name: new("External NAT"), Type: new("ONE_TO_ONE_NAT"), NetworkTier: new("PREMIUM")}}
		}},
		"public IPv6": {func(s *cloud.VMSpec) { s.PublicIPv6 = true }, func(i *computepb.Instance) {
			i.NetworkInterfaces[0].StackType = new("IPV4_IPV6")
			i.NetworkInterfaces[0].Ipv6AccessConfigs = []*computepb.AccessConfig{{Name: new("external-ipv6"), Type: new("DIRECT_IPV6"), NetworkTier: new("PREMIUM")}}
		}},
		"customer-managed key": {func(s *cloud.VMSpec) { s.Options = map[string]string{optionKMSKey: someKey} },
			func(i *computepb.Instance) {
				i.Disks[0].DiskEncryptionKey = &computepb.CustomerEncryptionKey{KmsKeyName: new(someKey)}
			}},
		"boot disk": {func(s *cloud.VMSpec) {
			s.Options = map[string]string{optionBootDiskGB: "40", optionBootDiskType: "pd-ssd"}
		},
			func(i *computepb.Instance) {
				i.Disks[0].InitializeParams.DiskSizeGb, i.Disks[0].InitializeParams.DiskType = new(int64(40)), new(zonePath+"diskTypes/pd-ssd")
			}},
		"service account and routing": {func(s *cloud.VMSpec) {
			s.Options = map[string]string{optionServiceAccount: "db@acme-prod.iam.gserviceaccount.com", optionIPForwarding: "true"}
		}, func(i *computepb.Instance) {
			i.CanIpForward = new(true)
			i.ServiceAccounts = []*computepb.ServiceAccount{{Email: new("db@acme-prod.iam.gserviceaccount.com"), Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}}}
		}},
		"without secure boot": {func(s *cloud.VMSpec) { s.Options = map[string]string{optionSecureBoot: "false"} },
			func(i *computepb.Instance) { i.ShieldedInstanceConfig.EnableSecureBoot = new(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			want := plainInstance()
			if test.want != nil {
				test.want(want)
			}
			if diff := cmp.Diff(want, insertOf(t, test.change), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInstanceOfChoosesByArchitecture(t *testing.T) {
	got := insertOf(t, func(s *cloud.VMSpec) { s.ServerType, s.SSHKeys, s.UserData = "c4a-standard-1", nil, "" })
	boot := got.GetDisks()[0].GetInitializeParams()
	if boot.GetSourceImage() != "projects/debian-cloud/global/images/family/debian-12-arm64" || lastPart(boot.GetDiskType()) != "hyperdisk-balanced" {
		t.Errorf("the boot disk is %v", boot)
	}
	own := insertOf(t, func(s *cloud.VMSpec) { s.Image = "hardened" })
	if own.GetShieldedInstanceConfig().GetEnableSecureBoot() {
		t.Error("Secure Boot is on with an image whose boot loader may not be signed")
	}
}

// observedInstance is what the vendor says of an instance that was made from a
// spec and runs.
func observedInstance(t *testing.T, spec cloud.VMSpec) *computepb.Instance {
	t.Helper()
	d := &Driver{project: "acme-prod"}
	have, err := d.instanceOf(spec, vmParts())
	if err != nil {
		t.Fatal(err)
	}
	have, _ = proto.Clone(have).(*computepb.Instance)
	const base = "https://www.googleapis.com/compute/v1/"
	have.Zone, have.Status, have.MachineType = new(base+"projects/acme-prod/zones/"+spec.Location.Name), new(statusRunning), new(base+have.GetMachineType())
	boot := have.Disks[0]
	boot.Source, boot.DiskSizeGb = new(base+zonePath+"disks/"+boot.GetInitializeParams().GetDiskName()), new(int64(10))
	boot.InitializeParams = nil
	if boot.DiskEncryptionKey != nil {
		boot.DiskEncryptionKey.KmsKeyName = new(boot.DiskEncryptionKey.GetKmsKeyName() + "/cryptoKeyVersions/1")
	}
	nic := have.NetworkInterfaces[0]
	nic.Network = new(base + nic.GetNetwork())
	nic.NetworkIP = new("10.1.0.2")
	for _, config := range nic.AccessConfigs {
		config.NatIP = new("203.0.113.7")
	}
	for _, config := range nic.Ipv6AccessConfigs {
		config.ExternalIpv6, config.ExternalIpv6PrefixLength = new("2001:db8:1:2:3::"), new(int32(96))
	}
	return have
}

func TestVMFrom(t *testing.T) {
	spec := vmSpec()
	spec.PublicIPv4, spec.PublicIPv6, spec.Protected = true, true, true
	spec.Options = map[string]string{optionKMSKey: someKey, optionServiceAccount: "db@acme-prod.iam.gserviceaccount.com"}
	got := vmFrom(observedInstance(t, spec))
	want := madeVM(spec)
	want.Key = cloud.KeyOf(cloud.KindVM, spec.Meta, false)
	want.DiskGB, want.PrivateIP = 10, netip.MustParseAddr("10.1.0.2")
	want.IPv4, want.IPv6 = netip.MustParseAddr("203.0.113.7"), netip.MustParsePrefix("2001:db8:1:2:3::/128")
	if diff := cmp.Diff(want, got, addresses); diff != "" {
		t.Error(diff)
	}
	if got.CPUs != 2 || got.MemoryGB != 8 || got.Architecture != cloud.ArchX86 || got.ID.String() != "google/europe-west3-a/db-europe-west3-a" {
		t.Errorf("observed %+v", got)
	}
	// Somebody else's VM, off, in the default network.
	foreign := vmFrom(&computepb.Instance{Name: new("pet"), Zone: new("zones/europe-west3-b"), Status: new(statusTerminated), MachineType: new("custom-2-4096"),
		NetworkInterfaces: []*computepb.NetworkInterface{{Network: new("global/networks/default"), AccessConfigs: []*computepb.AccessConfig{{}}}}})
	if foreign.Power != cloud.PowerStopped || !foreign.PublicIPv4 || foreign.IPv4.IsValid() || foreign.Name != "pet" || foreign.Image != "" || foreign.Deployment != "" {
		t.Errorf("observed %+v", foreign)
	}
}

func TestPowerOf(t *testing.T) {
	for status, want := range map[string]cloud.PowerState{"PROVISIONING": cloud.PowerRunning, "STAGING": cloud.PowerRunning, "RUNNING": cloud.PowerRunning,
		"REPAIRING": cloud.PowerRunning, "STOPPING": cloud.PowerStopped, "TERMINATED": cloud.PowerStopped, "SUSPENDED": cloud.PowerStopped} {
		if got := powerOf(status); got != want {
			t.Errorf("%s counts as %s", status, got)
		}
	}
}

func TestCheckVM(t *testing.T) {
	for field, change := range map[string]func(*cloud.VMSpec){
		"firewall_ids":           func(s *cloud.VMSpec) { s.Firewalls = []string{"Web"} },
		"volume_ids":             func(s *cloud.VMSpec) { s.Volumes = []string{"zones/x"} },
		"user_data":              func(s *cloud.VMSpec) { s.UserData = strings.Repeat("x", maxUserDataBytes+1) },
		"google.secure_boot":     func(s *cloud.VMSpec) { s.Options = map[string]string{optionSecureBoot: "maybe"} },
		"google.boot_disk_gb":    func(s *cloud.VMSpec) { s.Options = map[string]string{optionBootDiskGB: "5"} },
		"google.boot_disk_type":  func(s *cloud.VMSpec) { s.Options = map[string]string{optionBootDiskType: "fast"} },
		"google.service_account": func(s *cloud.VMSpec) { s.Options = map[string]string{optionServiceAccount: "default"} },
		"google.keep_disk":       func(s *cloud.VMSpec) { s.Options = map[string]string{"keep_disk": "true"} },
	} {
		spec := vmSpec()
		change(&spec)
		var failed *cloud.Error
		if err := checkVM(spec); !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if err := checkVM(vmSpec()); err != nil {
		t.Error(err)
	}
}
