package servicetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Cloud is a cloud in memory. Its zero value is not usable; see NewCloud.
type Cloud struct {
	// Name is the cloud's name; "hetzner" if made by NewCloud.
	Name string
	// Caps and Types are what the driver answers with.
	Caps  cloud.Capabilities
	Types []cloud.ServerType
	// Fault, if set, is asked before every call ("create", "get", "list",
	// "update", "delete", "server_types", of buckets also "empty", "retention",
	// "list_objects" and "read_object") and, as "wait", after a create has
	// saved its object; an error that it gives is the call's answer.
	Fault func(call string, kind cloud.Kind, native string) error
	// Watch, if set, sees the context of every call.
	Watch func(ctx context.Context, call string, kind cloud.Kind)

	SSHKeyStore   *Store[cloud.SSHKeySpec, cloud.SSHKey]
	NetworkStore  *Store[cloud.NetworkSpec, cloud.Network]
	FirewallStore *Store[cloud.FirewallSpec, cloud.Firewall]
	VolumeStore   *Store[cloud.VolumeSpec, cloud.Volume]
	VMStore       *Store[cloud.VMSpec, cloud.VM]
	ImageStore    *Store[cloud.ImageSpec, cloud.Image]
	BucketStore   *BucketStore

	// BucketsErr, if set, is why there is no access to buckets; with NoBuckets
	// the driver knows none.
	BucketsErr error
	NoBuckets  bool

	mu     sync.Mutex
	last   int
	counts map[string]int
}

// NewCloud makes an empty cloud with the vendor-like habits of the first one:
// SSH keys are global, volumes, networks and VMs protectable.
func NewCloud() *Cloud {
	c := &Cloud{
		Name: "hetzner",
		Caps: cloud.Capabilities{
			Global:      map[cloud.Kind]bool{cloud.KindSSHKey: true, cloud.KindImage: true},
			Protectable: map[cloud.Kind]bool{cloud.KindVolume: true, cloud.KindNetwork: true, cloud.KindVM: true, cloud.KindImage: true},
			MinVolumeGB: 10, MaxVolumeGB: 10240, MaxUserDataBytes: 32768,
		},
		counts: map[string]int{},
	}
	c.SSHKeyStore = newStore(c, cloud.KindSSHKey,
		func(o cloud.Object, s cloud.SSHKeySpec) cloud.SSHKey { return cloud.SSHKey{Object: o, SSHKeySpec: s} },
		func(t cloud.SSHKey) (cloud.Object, cloud.SSHKeySpec, cloud.Meta) {
			return t.Object, t.SSHKeySpec, t.Meta
		},
		func(s cloud.SSHKeySpec) cloud.Meta { return s.Meta })
	c.NetworkStore = newStore(c, cloud.KindNetwork,
		func(o cloud.Object, s cloud.NetworkSpec) cloud.Network {
			return cloud.Network{Object: o, NetworkSpec: s}
		},
		func(t cloud.Network) (cloud.Object, cloud.NetworkSpec, cloud.Meta) {
			return t.Object, t.NetworkSpec, t.Meta
		},
		func(s cloud.NetworkSpec) cloud.Meta { return s.Meta })
	c.FirewallStore = newStore(c, cloud.KindFirewall,
		func(o cloud.Object, s cloud.FirewallSpec) cloud.Firewall {
			return cloud.Firewall{Object: o, FirewallSpec: s}
		},
		func(t cloud.Firewall) (cloud.Object, cloud.FirewallSpec, cloud.Meta) {
			return t.Object, t.FirewallSpec, t.Meta
		},
		func(s cloud.FirewallSpec) cloud.Meta { return s.Meta })
	c.VolumeStore = newStore(c, cloud.KindVolume,
		func(o cloud.Object, s cloud.VolumeSpec) cloud.Volume {
			return cloud.Volume{Object: o, VolumeSpec: s, Device: "/dev/disk/by-id/volume-" + o.ID.Native}
		},
		func(t cloud.Volume) (cloud.Object, cloud.VolumeSpec, cloud.Meta) {
			return t.Object, t.VolumeSpec, t.Meta
		},
		func(s cloud.VolumeSpec) cloud.Meta { return s.Meta })
	c.VMStore = newStore(c, cloud.KindVM, c.newVM,
		func(t cloud.VM) (cloud.Object, cloud.VMSpec, cloud.Meta) { return t.Object, t.VMSpec, t.Meta },
		func(s cloud.VMSpec) cloud.Meta { return s.Meta })
	c.ImageStore = newStore(c, cloud.KindImage, newImage,
		func(t cloud.Image) (cloud.Object, cloud.ImageSpec, cloud.Meta) { return t.Object, t.ImageSpec, t.Meta },
		func(s cloud.ImageSpec) cloud.Meta { return s.Meta })
	c.ImageStore.keyOf = func(s cloud.ImageSpec) string { return cloud.ImageKey(s.Meta, s.Source) }
	c.BucketStore = newBucketStore(c)
	return c
}

// newVM makes a machine as a vendor shows it: user data and SSH keys cannot
// be read back.
func (c *Cloud) newVM(o cloud.Object, s cloud.VMSpec) cloud.VM {
	s.UserData, s.UserDataOrigin, s.SSHKeys = "", "", nil
	vm := cloud.VM{Object: o, VMSpec: s, Status: "running"}
	if s.Power == cloud.PowerStopped {
		vm.Status = "off"
	}
	number, _ := strconv.Atoi(o.ID.Native)
	vm.IPv4, vm.IPv6 = addresses(number, s.PublicIPv4, s.PublicIPv6)
	if !s.PrivateIP.IsValid() && s.Network != "" {
		vm.PrivateIP = privateAddress(number)
	}
	for _, t := range c.Types {
		if t.Name == s.ServerType {
			vm.Architecture, vm.CPUs, vm.MemoryGB, vm.DiskGB = t.Architecture, t.CPUs, t.MemoryGB, t.DiskGB
		}
	}
	if had, ok := c.VMStore.objects[o.ID.Native]; ok && s.Options["keep_disk"] != "false" {
		vm.DiskGB = had.DiskGB
	}
	return vm
}

// newImage makes an image as a vendor shows it: what it was made with cannot be
// read back.
func newImage(o cloud.Object, s cloud.ImageSpec) cloud.Image {
	image := cloud.Image{Object: o, Status: "available", Architecture: cloud.ArchX86, MinDiskGB: 20}
	image.Meta, image.Source = s.Meta, s.Source
	return image
}

// Driver implements service.Clouds: there is one cloud.
func (c *Cloud) Driver(name string) (cloud.Driver, error) {
	if name != c.Name {
		return nil, fmt.Errorf("the provider's configuration has no block %q", name)
	}
	if c.NoBuckets {
		return struct{ cloud.Driver }{driver{c}}, nil
	}
	return driver{c}, nil
}

// Count tells how often a call was made for a kind.
func (c *Cloud) Count(call string, kind cloud.Kind) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[call+" "+string(kind)]
}

// Calls tells how many calls were made in all.
func (c *Cloud) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for _, n := range c.counts {
		sum += n
	}
	return sum
}

// enter counts a call and asks for its fault. The context's end is an answer
// too, as it is with a real client.
func (c *Cloud) enter(ctx context.Context, call string, kind cloud.Kind, native string) error {
	c.mu.Lock()
	c.counts[call+" "+string(kind)]++
	fault, watch := c.Fault, c.Watch
	c.mu.Unlock()
	if watch != nil {
		watch(ctx, call, kind)
	}
	if fault != nil {
		if err := fault(call, kind, native); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// driver is the Cloud as a cloud.Driver.
type driver struct{ c *Cloud }

func (d driver) Cloud() string                    { return d.c.Name }
func (d driver) Capabilities() cloud.Capabilities { return d.c.Caps }
func (d driver) SSHKeys() cloud.SSHKeys           { return d.c.SSHKeyStore }
func (d driver) Networks() cloud.Networks         { return d.c.NetworkStore }
func (d driver) Firewalls() cloud.Firewalls       { return d.c.FirewallStore }
func (d driver) Volumes() cloud.Volumes           { return d.c.VolumeStore }
func (d driver) VMs() cloud.VMs                   { return d.c.VMStore }

func (d driver) Images() cloud.Images { return d.c.ImageStore }

func (d driver) ServerTypes(ctx context.Context, _ cloud.Location) ([]cloud.ServerType, error) {
	if err := d.c.enter(ctx, "server_types", cloud.KindVM, ""); err != nil {
		return nil, err
	}
	return slices.Clone(d.c.Types), nil
}
