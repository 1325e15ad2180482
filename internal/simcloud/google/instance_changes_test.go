package google_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

func TestInstanceLabelsTagsMetadata(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	v := c.getVM("web")
	labels := func(print string) (*compute.Operation, error) {
		return c.vms().SetLabels(c.ctx, &computepb.SetLabelsInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			InstancesSetLabelsRequestResource: &computepb.InstancesSetLabelsRequest{LabelFingerprint: &print, Labels: map[string]string{"tier": "paid"}}})
	}
	tags := func(print string) (*compute.Operation, error) {
		return c.vms().SetTags(c.ctx, &computepb.SetTagsInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			TagsResource: &computepb.Tags{Fingerprint: &print, Items: []string{"fw-web"}}})
	}
	metadata := func(print string) (*compute.Operation, error) {
		return c.vms().SetMetadata(c.ctx, &computepb.SetMetadataInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			MetadataResource: &computepb.Metadata{Fingerprint: &print, Items: []*computepb.Items{{Key: ptr("ssh-keys"), Value: ptr("ops:ssh-ed25519 AAAA")}}}})
	}
	// They do not lock each other out.
	l, err := labels(v.GetLabelFingerprint())
	if err != nil {
		t.Fatal(err)
	}
	g, err := tags(v.GetTags().GetFingerprint())
	if err != nil {
		t.Fatal(err)
	}
	c.done(metadata(v.GetMetadata().GetFingerprint()))
	c.done(l, nil)
	c.done(g, nil)
	n := c.getVM("web")
	if n.GetLabels()["tier"] != "paid" || !slices.Equal(n.GetTags().GetItems(), []string{"fw-web"}) || n.GetMetadata().GetItems()[0].GetKey() != "ssh-keys" {
		t.Errorf("%v", n)
	}
	for _, change := range []func(string) (*compute.Operation, error){labels, tags, metadata} {
		_, err := change(v.GetLabelFingerprint())
		c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	}
	at := "/" + zoneOf + "/instances/web/"
	c.wantReason(http.MethodPost, at+"setTags", map[string]any{"fingerprint": n.GetTags().GetFingerprint(), "items": []string{"Web"}}, 400, "invalid")
	c.wantReason(http.MethodPost, at+"setMetadata", map[string]any{"fingerprint": n.GetMetadata().GetFingerprint(),
		"items": []map[string]string{{"key": "a b", "value": ""}}}, 400, "invalid")
}

func TestInstanceDisks(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	c.done(c.insertVM(vm("db")))
	c.disk("data", 10)
	attach := func(name string, d *computepb.AttachedDisk) (*compute.Operation, error) {
		return c.vms().AttachDisk(c.ctx, &computepb.AttachDiskInstanceRequest{Project: testProject, Zone: testZone, Instance: name, AttachedDiskResource: d})
	}
	detach := func(device string) (*compute.Operation, error) {
		return c.vms().DetachDisk(c.ctx, &computepb.DetachDiskInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", DeviceName: device})
	}
	source := ptr(zoneOf + "/disks/data")
	op, err := attach("web", &computepb.AttachedDisk{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.disks().Delete(c.ctx, &computepb.DeleteDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
	d := c.getVM("web").GetDisks()[1]
	if d.GetDeviceName() != "persistent-disk-1" || d.GetAutoDelete() {
		t.Errorf("%v", d)
	}
	_, err = attach("db", &computepb.AttachedDisk{Source: source})
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")
	_, err = attach("web", &computepb.AttachedDisk{Source: source, DeviceName: ptr("again")})
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = attach("web", &computepb.AttachedDisk{})
	c.refused(err, http.StatusBadRequest, "required")
	_, err = attach("web", &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/none")})
	c.refused(err, http.StatusBadRequest, "invalid")
	c.disk("other", 10)
	_, err = attach("web", &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/other"), DeviceName: ptr("persistent-disk-1")})
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = detach("none")
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = detach("persistent-disk-0")
	c.refused(err, http.StatusBadRequest, "badRequest")
	c.done(detach("persistent-disk-1"))
	if v := c.getVM("web"); len(v.GetDisks()) != 1 {
		t.Errorf("%v", v.GetDisks())
	}
	read := &computepb.AttachedDisk{Source: source, Mode: ptr("READ_ONLY"), DeviceName: ptr("shared")}
	c.done(attach("web", read))
	c.done(attach("db", read)) // several may read
	_, err = c.vms().SetDiskAutoDelete(c.ctx, &computepb.SetDiskAutoDeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", DeviceName: "none", AutoDelete: true})
	c.refused(err, http.StatusBadRequest, "invalid")
	for _, name := range []string{"web", "db"} {
		c.done(c.vms().SetDiskAutoDelete(c.ctx, &computepb.SetDiskAutoDeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: name, DeviceName: "shared", AutoDelete: true}))
	}
	c.done(c.vms().Delete(c.ctx, &computepb.DeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	c.getDisk("data") // the other one still has it
	c.done(c.vms().Delete(c.ctx, &computepb.DeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "db"}))
	_, err = c.disks().Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusNotFound, "notFound")
}

func TestInstanceWhileStopped(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	size := func(name string) (*compute.Operation, error) {
		return c.vms().SetMachineType(c.ctx, &computepb.SetMachineTypeInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			InstancesSetMachineTypeRequestResource: &computepb.InstancesSetMachineTypeRequest{MachineType: ptr(zoneOf + "/machineTypes/" + name)}})
	}
	account := func(scopes ...string) (*compute.Operation, error) {
		return c.vms().SetServiceAccount(c.ctx, &computepb.SetServiceAccountInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			InstancesSetServiceAccountRequestResource: &computepb.InstancesSetServiceAccountRequest{Email: ptr("vm@acme-prod.iam.gserviceaccount.com"), Scopes: scopes}})
	}
	shield := func(boot bool) (*compute.Operation, error) {
		return c.vms().UpdateShieldedInstanceConfig(c.ctx, &computepb.UpdateShieldedInstanceConfigInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			ShieldedInstanceConfigResource: &computepb.ShieldedInstanceConfig{EnableSecureBoot: &boot}})
	}
	for _, refused := range []func() (*compute.Operation, error){
		func() (*compute.Operation, error) { return size("e2-standard-4") },
		func() (*compute.Operation, error) { return account() },
		func() (*compute.Operation, error) { return shield(true) },
	} {
		_, err := refused()
		c.refused(err, http.StatusBadRequest, "badRequest")
	}
	c.done(c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	c.done(size("e2-standard-4"))
	c.done(account("https://www.googleapis.com/auth/cloud-platform"))
	c.done(shield(true))
	v := c.getVM("web")
	if v.GetMachineType() != vendorBase+zoneOf+"/machineTypes/e2-standard-4" || len(v.GetServiceAccounts()) != 1 || !v.GetShieldedInstanceConfig().GetEnableSecureBoot() ||
		!v.GetShieldedInstanceConfig().GetEnableVtpm() {
		t.Errorf("%v", v)
	}
	_, err := size("e2-standard-99")
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = size("t2a-standard-1") // another architecture, or not in this zone
	if err == nil {
		t.Error("a machine of another architecture was accepted")
	}
	_, err = size("c4-standard-2") // takes no persistent disk
	if err == nil || !strings.Contains(err.Error(), "features are not compatible") {
		t.Errorf("got %v", err)
	}
	c.done(c.vms().SetScheduling(c.ctx, &computepb.SetSchedulingInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
		SchedulingResource: &computepb.Scheduling{AutomaticRestart: ptr(false)}}))
	c.done(c.vms().SetShieldedInstanceIntegrityPolicy(c.ctx, &computepb.SetShieldedInstanceIntegrityPolicyInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
		ShieldedInstanceIntegrityPolicyResource: &computepb.ShieldedInstanceIntegrityPolicy{UpdateAutoLearnPolicy: ptr(true)}}))
	c.done(c.vms().SetMinCpuPlatform(c.ctx, &computepb.SetMinCpuPlatformInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
		InstancesSetMinCpuPlatformRequestResource: &computepb.InstancesSetMinCpuPlatformRequest{MinCpuPlatform: ptr("Intel Skylake")}}))
	c.done(c.vms().SetName(c.ctx, &computepb.SetNameInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
		InstancesSetNameRequestResource: &computepb.InstancesSetNameRequest{CurrentName: ptr("web"), Name: ptr("www")}}))
	if v = c.getVM("www"); v.GetScheduling().GetAutomaticRestart() || v.GetMinCpuPlatform() != "Intel Skylake" {
		t.Errorf("%v", v)
	}
}

func TestInstanceProtection(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	i := vm("web")
	i.DeletionProtection = ptr(true)
	c.done(c.insertVM(i))
	del := &computepb.DeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}
	_, err := c.vms().Delete(c.ctx, del)
	c.refused(err, http.StatusBadRequest, "invalidResourceUsage")
	if err == nil || !strings.Contains(err.Error(), "protected against deletion") {
		t.Errorf("got %v", err)
	}
	c.done(c.vms().SetDeletionProtection(c.ctx, &computepb.SetDeletionProtectionInstanceRequest{Project: testProject, Zone: testZone, Resource: "web", DeletionProtection: ptr(false)}))
	op, err := c.vms().Delete(c.ctx, del)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.vms().Delete(c.ctx, del)
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
}

func TestInstanceInterface(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	add := func(nic string, ac *computepb.AccessConfig) (*compute.Operation, error) {
		return c.vms().AddAccessConfig(c.ctx, &computepb.AddAccessConfigInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", NetworkInterface: nic, AccessConfigResource: ac})
	}
	remove := func(name string) (*compute.Operation, error) {
		return c.vms().DeleteAccessConfig(c.ctx, &computepb.DeleteAccessConfigInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", NetworkInterface: "nic0", AccessConfig: name})
	}
	c.done(add("nic0", &computepb.AccessConfig{Name: ptr("public")}))
	_, err := add("nic0", &computepb.AccessConfig{})
	c.refused(err, http.StatusBadRequest, "badRequest")
	name := func(ac *computepb.AccessConfig) (*compute.Operation, error) {
		return c.vms().UpdateAccessConfig(c.ctx, &computepb.UpdateAccessConfigInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", NetworkInterface: "nic0", AccessConfigResource: ac})
	}
	_, err = name(&computepb.AccessConfig{Name: ptr("public"), NatIP: ptr("203.0.113.9")})
	c.refused(err, http.StatusBadRequest, "invalid")
	public := c.getVM("web").GetNetworkInterfaces()[0].GetAccessConfigs()[0].GetNatIP()
	c.done(name(&computepb.AccessConfig{Name: ptr("public"), SetPublicPtr: ptr(true), PublicPtrDomainName: ptr("web.acme.example.")}))
	if ac := c.getVM("web").GetNetworkInterfaces()[0].GetAccessConfigs()[0]; ac.GetPublicPtrDomainName() != "web.acme.example." || ac.GetNatIP() != public {
		t.Errorf("%v", ac)
	}
	_, err = add("nic7", &computepb.AccessConfig{})
	c.refused(err, http.StatusBadRequest, "invalid")
	_, err = remove("other")
	c.refused(err, http.StatusBadRequest, "invalid")
	c.done(remove("public"))
	_, err = add("nic0", &computepb.AccessConfig{NatIP: ptr("203.0.113.9")})
	c.refused(err, http.StatusBadRequest, "invalid")

	update := func(n *computepb.NetworkInterface) (*compute.Operation, error) {
		return c.vms().UpdateNetworkInterface(c.ctx, &computepb.UpdateNetworkInterfaceInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			NetworkInterface: "nic0", NetworkInterfaceResource: n})
	}
	print := func() *string { return ptr(c.getVM("web").GetNetworkInterfaces()[0].GetFingerprint()) }
	old := print()
	c.done(update(&computepb.NetworkInterface{Fingerprint: old, StackType: ptr("IPV4_IPV6")}))
	if n := c.getVM("web").GetNetworkInterfaces()[0]; len(n.GetIpv6AccessConfigs()) != 1 || n.GetNetworkIP() != "10.0.0.2" {
		t.Errorf("%v", n)
	}
	_, err = update(&computepb.NetworkInterface{Fingerprint: old, StackType: ptr("IPV4_ONLY")})
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	_, err = update(&computepb.NetworkInterface{Fingerprint: print(), NetworkIP: ptr("10.0.0.77")})
	c.refused(err, http.StatusBadRequest, "badRequest")
	c.done(c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	c.done(update(&computepb.NetworkInterface{Fingerprint: print(), NetworkIP: ptr("10.0.0.77")}))
	c.done(update(&computepb.NetworkInterface{Fingerprint: print(), AliasIpRanges: []*computepb.AliasIpRange{{IpCidrRange: ptr("10.0.0.128/28")}}}))
	if n := c.getVM("web").GetNetworkInterfaces()[0]; n.GetNetworkIP() != "10.0.0.77" || len(n.GetAliasIpRanges()) != 1 {
		t.Errorf("%v", n)
	}
	_, err = update(&computepb.NetworkInterface{Fingerprint: print(), AliasIpRanges: []*computepb.AliasIpRange{{IpCidrRange: ptr("10.7.0.0/28")}}})
	c.refused(err, http.StatusBadRequest, "invalid")
}

func TestInstanceUpdate(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	update := func(i *computepb.Instance, most string) (*compute.Operation, error) {
		return c.vms().Update(c.ctx, &computepb.UpdateInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", InstanceResource: i, MostDisruptiveAllowedAction: &most})
	}
	v := c.getVM("web")
	before := v.GetLastStartTimestamp()
	v.Labels, v.Description = map[string]string{"tier": "free"}, ptr("changed")
	c.done(update(v, "NO_EFFECT"))
	_, err := update(v, "NO_EFFECT") // its fingerprint is old now
	c.refused(err, http.StatusPreconditionFailed, "conditionNotMet")
	v = c.getVM("web")
	if v.GetLabels()["tier"] != "free" || v.GetDescription() != "changed" || v.GetLastStartTimestamp() != before {
		t.Errorf("%v", v)
	}
	v.MachineType = ptr(zoneOf + "/machineTypes/e2-small")
	_, err = update(v, "REFRESH")
	c.refused(err, http.StatusBadRequest, "badRequest")
	c.done(update(v, "RESTART"))
	if v = c.getVM("web"); !strings.HasSuffix(v.GetMachineType(), "/e2-small") || v.GetStatus() != "RUNNING" || v.GetLastStartTimestamp() == before {
		t.Errorf("%v", v)
	}
	v.Disks = nil
	_, err = update(v, "RESTART")
	c.refused(err, http.StatusBadRequest, "invalid")
}

func TestInstanceReferrers(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	status, out := c.do(http.MethodGet, "/"+zoneOf+"/instances/web/referrers", nil)
	if status != http.StatusOK || out["kind"] != "compute#instanceListReferrers" {
		t.Errorf("%d %v", status, out)
	}
	c.advance(time.Second)
}
