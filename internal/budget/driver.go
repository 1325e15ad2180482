package budget

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// driver is a cloud.Driver whose reads are coalesced.
type driver struct {
	cloud.Driver
	sshKeys   cloud.SSHKeys
	networks  cloud.Networks
	firewalls cloud.Firewalls
	volumes   cloud.Volumes
	vms       cloud.VMs
}

// Wrap decorates a driver with coalesced reads for one deployment.
func Wrap(inner cloud.Driver, clock Clock, deployment string) cloud.Driver {
	global := inner.Capabilities().Global
	key := func(kind cloud.Kind, meta cloud.Meta) string {
		location := meta.Location
		if global[kind] {
			location.Name = ""
		}
		return cloud.Key(meta.Deployment, kind, meta.Name, location)
	}
	volumes := newCoalesced(inner.Volumes(), clock, deployment,
		func(s cloud.VolumeSpec) string { return key(cloud.KindVolume, s.Meta) }, nil)
	wrapped := &driver{
		Driver: inner,
		sshKeys: newCoalesced(inner.SSHKeys(), clock, deployment,
			func(s cloud.SSHKeySpec) string { return key(cloud.KindSSHKey, s.Meta) }, nil),
		networks: newCoalesced(inner.Networks(), clock, deployment,
			func(s cloud.NetworkSpec) string { return key(cloud.KindNetwork, s.Meta) }, nil),
		firewalls: newCoalesced(inner.Firewalls(), clock, deployment,
			func(s cloud.FirewallSpec) string { return key(cloud.KindFirewall, s.Meta) }, nil),
		volumes: volumes,
		vms: newCoalesced(inner.VMs(), clock, deployment,
			func(s cloud.VMSpec) string { return key(cloud.KindVM, s.Meta) },
			func(s cloud.VMSpec) {
				// Attaching changes the volume's own record.
				for _, native := range s.Volumes {
					volumes.wrote(native)
				}
			}),
	}
	stores, hasBuckets := inner.(cloud.BucketDriver)
	pictures, hasImages := inner.(cloud.ImageDriver)
	var images imageReads
	if hasImages {
		images = imageReads{newCoalesced(pictures.Images(), clock, deployment,
			func(s cloud.ImageSpec) string { return cloud.ImageKey(s.Meta, s.Source) }, nil)}
	}
	switch {
	case hasBuckets && hasImages:
		return &fullDriver{bucketDriver{driver: wrapped, stores: stores}, images}
	case hasBuckets:
		return &bucketDriver{driver: wrapped, stores: stores}
	case hasImages:
		return &imageDriver{driver: wrapped, imageReads: images}
	}
	return wrapped
}

// imageReads are the images of a driver, with coalesced reads.
type imageReads struct{ images cloud.Images }

func (r imageReads) Images() cloud.Images { return r.images }

// imageDriver is a driver that has images, too.
type imageDriver struct {
	*driver
	imageReads
}

// fullDriver is one that has buckets and images.
type fullDriver struct {
	bucketDriver
	imageReads
}

// bucketDriver is a driver that has buckets, too. Their reads are not coalesced:
// a deployment has a few, and to list them takes as many requests as to read
// them where the vendor has no list with labels.
type bucketDriver struct {
	*driver
	stores cloud.BucketDriver
}

func (d *bucketDriver) Buckets() (cloud.Buckets, error) { return d.stores.Buckets() }

func (d *driver) SSHKeys() cloud.SSHKeys     { return d.sshKeys }
func (d *driver) Networks() cloud.Networks   { return d.networks }
func (d *driver) Firewalls() cloud.Firewalls { return d.firewalls }
func (d *driver) Volumes() cloud.Volumes     { return d.volumes }
func (d *driver) VMs() cloud.VMs             { return d.vms }
