package hetzner

import (
	"context"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"golang.org/x/crypto/ssh"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// sshKeys is the noun SSH key: /ssh_keys. Keys are one for the project; both
// their names and their fingerprints are unique in it.
type sshKeys struct{ d *Driver }

var _ noun[cloud.SSHKeySpec, *hcloud.SSHKey, cloud.SSHKey] = sshKeys{}

func (sshKeys) kind() cloud.Kind                            { return cloud.KindSSHKey }
func (sshKeys) specMeta(spec cloud.SSHKeySpec) cloud.Meta   { return spec.Meta }
func (sshKeys) healthy(cloud.SSHKey, cloud.SSHKeySpec) bool { return true }

func (sshKeys) quiet(*hcloud.SSHKey) bool { return true }

func (sshKeys) object(key cloud.SSHKey) (cloud.Object, cloud.Meta) { return key.Object, key.Meta }

func (sshKeys) at(key cloud.SSHKey, location cloud.Location) cloud.SSHKey {
	key.ID.Location = location
	return key
}

func (sshKeys) observe(have *hcloud.SSHKey) cloud.SSHKey {
	key := cloud.SSHKey{Fingerprint: have.Fingerprint}
	key.Meta = metaOf(cloud.KindSSHKey, have.Name, "", have.Labels, false)
	key.Object = objectOf(have.ID, have.Name, key.Meta, have.Labels)
	key.Created = have.Created
	key.PublicKey = have.PublicKey
	return key
}

func (n sshKeys) create(ctx context.Context, spec cloud.SSHKeySpec) (cloud.SSHKey, []*hcloud.Action, error) {
	made, resp, err := n.d.client.SSHKey.Create(ctx, hcloud.SSHKeyCreateOpts{
		Name:      nativeName(cloud.KindSSHKey, spec.Meta),
		PublicKey: spec.PublicKey,
		Labels:    labelsOf(cloud.KindSSHKey, spec.Meta),
	})
	if err != nil {
		return cloud.SSHKey{}, nil, answered(resp, err)
	}
	return n.at(n.observe(made), spec.Location), nil, nil
}

func (n sshKeys) read(ctx context.Context, id int64) (*hcloud.SSHKey, bool, error) {
	have, resp, err := n.d.client.SSHKey.GetByID(ctx, id)
	return have, have != nil, answered(resp, err)
}

func (n sshKeys) page(ctx context.Context, options hcloud.ListOpts, name string) ([]*hcloud.SSHKey, *hcloud.Response, error) {
	return n.d.client.SSHKey.List(ctx, hcloud.SSHKeyListOpts{ListOpts: options, Name: name, Sort: byID()})
}

func (sshKeys) running(context.Context, int64) ([]*hcloud.Action, error) { return nil, nil }

func (sshKeys) adoptable(have *hcloud.SSHKey, spec cloud.SSHKeySpec) error {
	if samePublicKey(have.PublicKey, spec.PublicKey) {
		return nil
	}
	return unsupported(cloud.KindSSHKey, native(have.ID), "public_key", "an earlier attempt registered another public key under this name")
}

// rivals looks for the name first, then for the fingerprint: the same public
// key cannot be registered twice in a project.
func (n sshKeys) rivals(ctx context.Context, spec cloud.SSHKeySpec) ([]*hcloud.SSHKey, error) {
	found, resp, err := n.page(ctx, hcloud.ListOpts{PerPage: 1}, nativeName(cloud.KindSSHKey, spec.Meta))
	if err != nil || len(found) > 0 {
		return found, answered(resp, err)
	}
	parsed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(spec.PublicKey))
	if err != nil {
		return nil, err
	}
	found, resp, err = n.d.client.SSHKey.List(ctx, hcloud.SSHKeyListOpts{Fingerprint: ssh.FingerprintLegacyMD5(parsed)})
	return found, answered(resp, err)
}

func (sshKeys) plan(current cloud.SSHKey, want cloud.SSHKeySpec) ([]step, error) {
	if !samePublicKey(current.PublicKey, want.PublicKey) {
		return nil, unsupported(cloud.KindSSHKey, current.ID.Native, "public_key", "a registered public key cannot be changed")
	}
	return relabelIfNeeded(cloud.KindSSHKey, current.NativeName, current.Meta, want.Meta), nil
}

func (sshKeys) merge(current cloud.SSHKey, want cloud.SSHKeySpec) cloud.SSHKey {
	current.Object, current.Meta = mergedMeta(cloud.KindSSHKey, current.Object, want.Meta)
	// The vendor does not protect keys.
	current.Protected = false
	return current
}

func (n sshKeys) remove(ctx context.Context, id int64) error {
	return n.d.whileBusy(ctx, func() error {
		return answered(n.d.client.SSHKey.Delete(ctx, &hcloud.SSHKey{ID: id}))
	})
}

// samePublicKey compares type and key, not the comment or white space.
func samePublicKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && x[1] == y[1]
}
