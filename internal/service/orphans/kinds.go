package orphans

import (
	"context"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// kind is one noun, whatever its types.
type kind interface {
	name() cloud.Kind
	list(ctx context.Context, driver cloud.Driver, filter cloud.Filter) ([]object, error)
}

// object is an observed object that may be an orphan.
type object struct {
	Orphan
	deployment string
}

// kinds are all nouns in the order in which they can be deleted: what uses
// comes before what is used.
func kinds() []kind {
	return []kind{
		noun[cloud.VMSpec, cloud.VM]{cloud.KindVM, cloud.Driver.VMs,
			func(t cloud.VM) (cloud.Object, cloud.VMSpec, cloud.Meta) { return t.Object, t.VMSpec, t.Meta },
			func(s cloud.VMSpec) cloud.VMSpec { s.Protected = false; return s }},
		noun[cloud.ImageSpec, cloud.Image]{cloud.KindImage, imagesOf,
			func(t cloud.Image) (cloud.Object, cloud.ImageSpec, cloud.Meta) { return t.Object, t.ImageSpec, t.Meta },
			func(s cloud.ImageSpec) cloud.ImageSpec { s.Protected = false; return s }},
		noun[cloud.VolumeSpec, cloud.Volume]{cloud.KindVolume, cloud.Driver.Volumes,
			func(t cloud.Volume) (cloud.Object, cloud.VolumeSpec, cloud.Meta) {
				return t.Object, t.VolumeSpec, t.Meta
			},
			func(s cloud.VolumeSpec) cloud.VolumeSpec { s.Protected = false; return s }},
		noun[cloud.FirewallSpec, cloud.Firewall]{cloud.KindFirewall, cloud.Driver.Firewalls,
			func(t cloud.Firewall) (cloud.Object, cloud.FirewallSpec, cloud.Meta) {
				return t.Object, t.FirewallSpec, t.Meta
			},
			func(s cloud.FirewallSpec) cloud.FirewallSpec { s.Protected = false; return s }},
		noun[cloud.NetworkSpec, cloud.Network]{cloud.KindNetwork, cloud.Driver.Networks,
			func(t cloud.Network) (cloud.Object, cloud.NetworkSpec, cloud.Meta) {
				return t.Object, t.NetworkSpec, t.Meta
			},
			func(s cloud.NetworkSpec) cloud.NetworkSpec { s.Protected = false; return s }},
		noun[cloud.SSHKeySpec, cloud.SSHKey]{cloud.KindSSHKey, cloud.Driver.SSHKeys,
			func(t cloud.SSHKey) (cloud.Object, cloud.SSHKeySpec, cloud.Meta) {
				return t.Object, t.SSHKeySpec, t.Meta
			},
			func(s cloud.SSHKeySpec) cloud.SSHKeySpec { s.Protected = false; return s }},
		buckets{},
	}
}

// imagesOf gives a driver's images; nil where it has none.
func imagesOf(driver cloud.Driver) cloud.Images {
	images, err := cloud.ImagesOf(driver)
	if err != nil {
		return nil
	}
	return images
}

// rank is the place of a kind among kinds.
func rank(name cloud.Kind) int {
	return slices.IndexFunc(kinds(), func(k kind) bool { return k.name() == name })
}

// noun implements kind for a spec S and an observed T.
type noun[S, T any] struct {
	kind  cloud.Kind
	store func(cloud.Driver) cloud.Store[S, T]
	take  func(T) (cloud.Object, S, cloud.Meta)
	// free gives the spec without protection.
	free func(S) S
}

func (n noun[S, T]) name() cloud.Kind { return n.kind }

func (n noun[S, T]) list(ctx context.Context, driver cloud.Driver, filter cloud.Filter) ([]object, error) {
	store := n.store(driver)
	if store == nil {
		return nil, nil
	}
	all, err := store.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	objects := make([]object, 0, len(all))
	for _, observed := range all {
		has, spec, meta := n.take(observed)
		id := cloud.ID{Location: meta.Location, Native: has.ID.Native}
		objects = append(objects, object{deployment: meta.Deployment, Orphan: Orphan{
			ID: id, Kind: n.kind, Name: meta.Name, Tenant: meta.Tenant, Tier: meta.Tier,
			NativeName: has.NativeName, Created: has.Created, Protected: meta.Protected,
			unprotect: func(ctx context.Context) error {
				_, err := store.Update(ctx, observed, n.free(spec))
				return err
			},
			remove: func(ctx context.Context) error { return store.Delete(ctx, id.Native) },
		}})
	}
	return objects, nil
}
