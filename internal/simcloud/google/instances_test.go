package google_test

import (
	"fmt"
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

const subnet = "regions/" + testRegion + "/subnetworks/blue"

func (c *cloud) vms() *compute.InstancesClient {
	c.t.Helper()
	return client(c, compute.NewInstancesRESTClient)
}

// vmSubnet makes the network and the subnetwork "blue".
func (c *cloud) vmSubnet(cidr string) {
	c.t.Helper()
	c.network("blue")
	c.done(client(c, compute.NewSubnetworksRESTClient).Insert(c.ctx, &computepb.InsertSubnetworkRequest{Project: testProject, Region: testRegion,
		SubnetworkResource: &computepb.Subnetwork{Name: ptr("blue"), Network: ptr("global/networks/blue"), IpCidrRange: &cidr,
			StackType: ptr("IPV4_IPV6"), Ipv6AccessType: ptr("EXTERNAL")}}))
}

// vm is a plain instance in the subnetwork "blue".
func vm(name string) *computepb.Instance {
	return &computepb.Instance{Name: &name, MachineType: ptr(zoneOf + "/machineTypes/e2-medium"),
		Disks: []*computepb.AttachedDisk{{Boot: ptr(true), AutoDelete: ptr(true),
			InitializeParams: &computepb.AttachedDiskInitializeParams{SourceImage: ptr(debian), DiskType: ptr(zoneOf + "/diskTypes/pd-balanced")}}},
		NetworkInterfaces: []*computepb.NetworkInterface{{Subnetwork: ptr(subnet)}}}
}

func (c *cloud) insertVM(i *computepb.Instance) (*compute.Operation, error) {
	c.t.Helper()
	return c.vms().Insert(c.ctx, &computepb.InsertInstanceRequest{Project: testProject, Zone: testZone, InstanceResource: i})
}

func (c *cloud) getVM(name string) *computepb.Instance {
	c.t.Helper()
	i, err := c.vms().Get(c.ctx, &computepb.GetInstanceRequest{Project: testProject, Zone: testZone, Instance: name})
	if err != nil {
		c.t.Fatal(err)
	}
	return i
}

func (c *cloud) wantStatus(name, status string) {
	c.t.Helper()
	if s := c.getVM(name).GetStatus(); s != status {
		c.t.Errorf("%s is %s, want %s", name, s, status)
	}
}

func TestInstanceLifecycle(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	c.disk("data", 20)
	i := vm("web")
	i.Disks = append(i.Disks, &computepb.AttachedDisk{Source: ptr(vendorBase + zoneOf + "/disks/data"), DeviceName: ptr("data")})
	i.Labels = map[string]string{"tenant": "acme"}
	i.Tags = &computepb.Tags{Items: []string{"fw-web", "fw-ssh"}}
	i.Metadata = &computepb.Metadata{Items: []*computepb.Items{{Key: ptr("block-project-ssh-keys"), Value: ptr("TRUE")}, {Key: ptr("user-data"), Value: ptr("#cloud-config")}}}
	i.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{}}
	i.NetworkInterfaces[0].Ipv6AccessConfigs = []*computepb.AccessConfig{{Type: ptr("DIRECT_IPV6")}}
	i.Hostname = ptr("web.acme.example")
	op, err := c.insertVM(i)
	if err != nil {
		t.Fatal(err)
	}
	c.wantStatus("web", "PROVISIONING")
	c.advance(6 * time.Second)
	c.wantStatus("web", "STAGING")
	_, err = c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	c.done(op, nil)
	v := c.getVM("web")
	n := v.GetNetworkInterfaces()[0]
	if v.GetStatus() != "RUNNING" || v.GetId() != op.Proto().GetTargetId() || n.GetNetworkIP() != "10.0.0.2" || n.GetStackType() != "IPV4_IPV6" ||
		n.GetAccessConfigs()[0].GetNatIP() == "" || n.GetAccessConfigs()[0].GetName() != "External NAT" || n.GetNetwork() != vendorBase+"global/networks/blue" ||
		n.GetSubnetwork() != vendorBase+subnet || n.GetIpv6AccessConfigs()[0].GetExternalIpv6PrefixLength() != 96 || n.GetIpv6AccessType() != "EXTERNAL" {
		t.Errorf("%v", v)
	}
	if s := v.GetShieldedInstanceConfig(); !s.GetEnableVtpm() || !s.GetEnableIntegrityMonitoring() || s.GetEnableSecureBoot() || v.GetShieldedInstanceIntegrityPolicy() == nil {
		t.Errorf("%v", s)
	}
	if s := v.GetScheduling(); s.GetOnHostMaintenance() != "MIGRATE" || !s.GetAutomaticRestart() || s.GetProvisioningModel() != "STANDARD" {
		t.Errorf("%v", s)
	}
	if len(v.GetServiceAccounts()) > 0 || !v.GetResourceStatus().GetEffectiveInstanceMetadata().GetBlockProjectSshKeysMetadataValue() || len(v.GetTags().GetItems()) != 2 {
		t.Errorf("%v", v)
	}
	boot, data := v.GetDisks()[0], v.GetDisks()[1]
	if boot.GetSource() != vendorBase+zoneOf+"/disks/web" || !boot.GetAutoDelete() || boot.GetDiskSizeGb() != 10 || boot.GetArchitecture() != "X86_64" ||
		data.GetSource() != vendorBase+zoneOf+"/disks/data" || data.GetAutoDelete() || data.GetIndex() != 1 || data.GetMode() != "READ_WRITE" {
		t.Errorf("%v", v.GetDisks())
	}
	if d := c.getDisk("data"); !slices.Equal(d.GetUsers(), []string{v.GetSelfLink()}) {
		t.Errorf("%v", d)
	}
	_, err = c.disks().Delete(c.ctx, &computepb.DeleteDiskRequest{Project: testProject, Zone: testZone, Disk: "data"})
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")
	_, err = client(c, compute.NewNetworksRESTClient).Delete(c.ctx, &computepb.DeleteNetworkRequest{Project: testProject, Network: "blue"})
	c.refused(err, http.StatusBadRequest, "resourceInUseByAnotherResource")

	op, err = c.vms().Delete(c.ctx, &computepb.DeleteInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	if err != nil {
		t.Fatal(err)
	}
	c.wantStatus("web", "STOPPING")
	c.done(op, nil)
	_, err = c.vms().Get(c.ctx, &computepb.GetInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	c.refused(err, http.StatusNotFound, "notFound")
	_, err = c.disks().Get(c.ctx, &computepb.GetDiskRequest{Project: testProject, Zone: testZone, Disk: "web"})
	c.refused(err, http.StatusNotFound, "notFound")
	if d := c.getDisk("data"); len(d.GetUsers()) > 0 || d.GetLastDetachTimestamp() == "" {
		t.Errorf("%v", d)
	}
}

func TestInstancePower(t *testing.T) {
	c := newCloud(t, google.Options{})
	c.vmSubnet("10.0.0.0/24")
	i := vm("web")
	i.NetworkInterfaces[0].AccessConfigs = []*computepb.AccessConfig{{}}
	c.done(c.insertVM(i))
	ip := func() (internal, external string) {
		n := c.getVM("web").GetNetworkInterfaces()[0]
		return n.GetNetworkIP(), n.GetAccessConfigs()[0].GetNatIP()
	}
	internal, external := ip()
	at := func(during, after string) func(op *compute.Operation, err error) {
		return func(op *compute.Operation, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			c.wantStatus("web", during)
			c.done(op, nil)
			c.wantStatus("web", after)
		}
	}
	_, err := c.vms().Resume(c.ctx, &computepb.ResumeInstanceRequest{Project: testProject, Zone: testZone, Instance: "none"})
	c.refused(err, http.StatusNotFound, "notFound")
	stop := func() (*compute.Operation, error) {
		return c.vms().Stop(c.ctx, &computepb.StopInstanceRequest{Project: testProject, Zone: testZone, Instance: "web", DiscardLocalSsd: ptr(true)})
	}
	start := func() (*compute.Operation, error) {
		return c.vms().Start(c.ctx, &computepb.StartInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	}
	at("STOPPING", "TERMINATED")(stop())
	if in, ex := ip(); in != internal || ex != "" {
		t.Errorf("a stopped instance has %s and %s", in, ex)
	}
	at("TERMINATED", "TERMINATED")(stop())
	_, err = c.vms().Reset(c.ctx, &computepb.ResetInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	at("PROVISIONING", "RUNNING")(start())
	if in, ex := ip(); in != internal || ex == "" || ex == external {
		t.Errorf("a started instance has %s and %s", in, ex)
	}
	at("RUNNING", "RUNNING")(start())
	at("RUNNING", "RUNNING")(c.vms().Reset(c.ctx, &computepb.ResetInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	at("SUSPENDING", "SUSPENDED")(c.vms().Suspend(c.ctx, &computepb.SuspendInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	_, err = start()
	c.refused(err, http.StatusBadRequest, "resourceNotReady")
	at("PROVISIONING", "RUNNING")(c.vms().Resume(c.ctx, &computepb.ResumeInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"}))
	out, err := c.vms().GetSerialPortOutput(c.ctx, &computepb.GetSerialPortOutputInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	if err != nil || !strings.Contains(out.GetContents(), "web login:") || out.GetNext() != int64(len(out.GetContents())) {
		t.Errorf("%v, %v", out, err)
	}
	identity, err := c.vms().GetShieldedInstanceIdentity(c.ctx, &computepb.GetShieldedInstanceIdentityInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	if err != nil || !strings.Contains(identity.GetEccP256SigningKey().GetEkPub(), "PUBLIC KEY") {
		t.Errorf("%v, %v", identity, err)
	}
	again, err := c.vms().GetShieldedInstanceIdentity(c.ctx, &computepb.GetShieldedInstanceIdentityInstanceRequest{Project: testProject, Zone: testZone, Instance: "web"})
	if err != nil || again.GetEccP256SigningKey().GetEkPub() != identity.GetEccP256SigningKey().GetEkPub() {
		t.Errorf("the identity changed: %v, %v", again, err)
	}
}

// A region of many tenants: more instances than a page holds.
func TestInstanceScale(t *testing.T) {
	const many = 600
	c := newCloudOn(t, google.Options{}, engine.Options{})
	c.vmSubnet("10.0.0.0/20")
	vms := c.vms()
	begun := time.Now()
	for k := range many {
		if _, err := vms.Insert(c.ctx, &computepb.InsertInstanceRequest{Project: testProject, Zone: testZone, InstanceResource: vm(fmt.Sprintf("vm-%d", k))}); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for it := vms.List(c.ctx, &computepb.ListInstancesRequest{Project: testProject, Zone: testZone}); ; seen++ {
		if _, err := it.Next(); err == iterator.Done {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if seen != many {
		t.Errorf("the pages hold %d instances of %d", seen, many)
	}
	t.Logf("%d instances in %s", many, time.Since(begun))
}
