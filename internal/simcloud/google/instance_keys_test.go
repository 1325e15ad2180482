package google_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

// A customer-supplied key is kept nowhere: whoever uses the disk brings it.
func TestInstanceWithSuppliedKey(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	key := func(s string) *computepb.CustomerEncryptionKey {
		return &computepb.CustomerEncryptionKey{RawKey: ptr(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032s", s)))}
	}
	i := vm("web")
	i.Disks[0].DiskEncryptionKey = key("boot")
	c.done(c.insertVM(i))
	if k := c.getVM("web").GetDisks()[0].GetDiskEncryptionKey(); k.GetSha256() == "" || k.RawKey != nil {
		t.Errorf("%v", k)
	}
	c.done(c.disks().Insert(c.ctx, &computepb.InsertDiskRequest{Project: testProject, Zone: testZone,
		DiskResource: &computepb.Disk{Name: ptr("data"), SizeGb: ptr(int64(10)), DiskEncryptionKey: key("data")}}))
	attach := func(k *computepb.CustomerEncryptionKey) (*compute.Operation, error) {
		return c.vms().AttachDisk(c.ctx, &computepb.AttachDiskInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			AttachedDiskResource: &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/data"), DiskEncryptionKey: k}})
	}
	_, err := attach(nil)
	c.refused(err, http.StatusBadRequest, "resourceIsEncryptedWithCustomerEncryptionKey")
	_, err = attach(key("other"))
	c.refused(err, http.StatusBadRequest, "customerEncryptionKeyIsIncorrect")
	c.done(attach(key("data")))

	c.done(c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	_, err = c.vms().Start(c.ctx, &computepb.StartInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	c.refused(err, http.StatusBadRequest, "resourceIsEncryptedWithCustomerEncryptionKey")
	start := func(data string) (*compute.Operation, error) {
		return c.vms().StartWithEncryptionKey(c.ctx, &computepb.StartWithEncryptionKeyInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			InstancesStartWithEncryptionKeyRequestResource: &computepb.InstancesStartWithEncryptionKeyRequest{
				Disks: []*computepb.CustomerEncryptionKeyProtectedDisk{
					{Source: ptr(vendorBase + zoneOf + "/disks/web"), DiskEncryptionKey: key("boot")},
					{Source: ptr(vendorBase + zoneOf + "/disks/data"), DiskEncryptionKey: key(data)}}}})
	}
	_, err = start("other")
	c.refused(err, http.StatusBadRequest, "customerEncryptionKeyIsIncorrect")
	c.done(start("data"))
	c.wantStatus("web", "RUNNING")
}

// A key in Cloud KMS is named for every disk, and shown with its version.
func TestInstanceWithManagedKey(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	i := vm("web")
	i.Disks[0].DiskEncryptionKey = &computepb.CustomerEncryptionKey{KmsKeyName: ptr(goodKey)}
	c.done(c.insertVM(i))
	if k := c.getVM("web").GetDisks()[0].GetDiskEncryptionKey().GetKmsKeyName(); k != goodKey+"/cryptoKeyVersions/1" {
		t.Errorf("%s", k)
	}
	// A missing grant shows as the vendor's refusal, asked for by a fault.
	if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultError, Cloud: google.Cloud, Method: "POST", Path: "/instances$", Status: 400,
		Code: "kmsPermissionDenied", Message: "Cloud KMS error when using key " + goodKey + ": Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '" + goodKey + "' (or it may not exist)."}); err != nil {
		t.Fatal(err)
	}
	i.Name = ptr("db")
	_, err := c.insertVM(i)
	c.refused(err, http.StatusBadRequest, "kmsPermissionDenied")
}

func TestInstanceDiskLimit(t *testing.T) {
	c := newCloudOn(t, google.Options{}, engine.Options{})
	c.vmSubnet("10.0.0.0/24")
	i := vm("web") // of a shared core: 16 disks
	for k := range 16 {
		name := fmt.Sprintf("data-%d", k)
		c.disk(name, 10)
		if k < 15 {
			i.Disks = append(i.Disks, &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/" + name)})
		}
	}
	c.done(c.insertVM(i))
	_, err := c.vms().AttachDisk(c.ctx, &computepb.AttachDiskInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
		AttachedDiskResource: &computepb.AttachedDisk{Source: ptr(zoneOf + "/disks/data-15")}})
	c.refused(err, http.StatusForbidden, "limitExceeded")
}

func TestInstanceDualStack(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	add := func() (*compute.Operation, error) {
		return c.vms().AddAccessConfig(c.ctx, &computepb.AddAccessConfigInstanceRequest{Project: testProject, Zone: testZone, Instance: "web",
			NetworkInterface: "nic0", AccessConfigResource: &computepb.AccessConfig{Type: ptr("DIRECT_IPV6"), Name: ptr("six")}})
	}
	c.done(add())
	_, err := add()
	c.refused(err, http.StatusBadRequest, "badRequest")
	other := vm("db")
	other.NetworkInterfaces[0].StackType = ptr("IPV4_IPV6")
	c.done(c.insertVM(other))
	mine, its := c.getVM("web").GetNetworkInterfaces()[0], c.getVM("db").GetNetworkInterfaces()[0]
	if a, b := mine.GetIpv6AccessConfigs()[0].GetExternalIpv6(), its.GetIpv6AccessConfigs()[0].GetExternalIpv6(); a == "" || b == "" || a == b {
		t.Errorf("%q and %q", a, b)
	}
	// A subnetwork without IPv6 gives none.
	c.network("green")
	c.done(client(c, compute.NewSubnetworksRESTClient).Insert(c.ctx, &computepb.InsertSubnetworkRequest{Project: testProject, Region: testRegion,
		SubnetworkResource: &computepb.Subnetwork{Name: ptr("green"), Network: ptr("global/networks/green"), IpCidrRange: ptr("10.1.0.0/24")}}))
	six := vm("six")
	six.NetworkInterfaces[0].Subnetwork = ptr("regions/" + testRegion + "/subnetworks/green")
	six.NetworkInterfaces[0].StackType = ptr("IPV4_IPV6")
	_, err = c.insertVM(six)
	c.refused(err, http.StatusBadRequest, "invalid")
	// Several interfaces have to be in several networks.
	two := vm("two")
	two.NetworkInterfaces = append(two.NetworkInterfaces, &computepb.NetworkInterface{Subnetwork: ptr(subnet)})
	_, err = c.insertVM(two)
	c.refused(err, http.StatusBadRequest, "invalid")
	two.NetworkInterfaces[1].Subnetwork = ptr("regions/" + testRegion + "/subnetworks/green")
	c.done(c.insertVM(two))
	if n := c.getVM("two").GetNetworkInterfaces(); len(n) != 2 || n[1].GetName() != "nic1" || n[1].GetNetworkIP() != "10.1.0.2" {
		t.Errorf("%v", n)
	}
}

// Faults of the zone reach its instances and disks.
func TestInstanceInLostZone(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.done(c.insertVM(vm("web")))
	if _, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultLocationLost, Cloud: google.Cloud, Location: testZone}); err != nil {
		t.Fatal(err)
	}
	c.wantReason(http.MethodGet, "/"+zoneOf+"/instances/web", nil, 503, "backendError")
	c.wantReason(http.MethodDelete, "/"+zoneOf+"/disks/web", nil, 503, "backendError")
	c.wantReason(http.MethodPost, "/"+zoneOf+"/instances", vmBody(t, nil), 503, "backendError")
	c.wantReason(http.MethodGet, "/aggregated/instances", nil, 503, "backendError")
	status, out := c.do(http.MethodGet, "/aggregated/instances?returnPartialSuccess=true", nil)
	if status != http.StatusOK || out["unreachables"] == nil {
		t.Errorf("%d %v", status, out)
	}
	c.eng.Faults.Clear()
	c.wantStatus("web", "RUNNING")
}
