package google

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// keyItemPrefix begins the metadata items that hold SSH keys.
const keyItemPrefix = "holdfast-ssh-key-"

// sshKeys is the noun SSH key: items of the project's metadata.
type sshKeys struct{ d *Driver }

// keyItem is one such item.
type keyItem struct {
	name  string
	value keyValue
}

// keyValue is what an item holds.
type keyValue struct {
	PublicKey string            `json:"public_key"`
	Labels    map[string]string `json:"labels,omitempty"`
}

var _ noun[cloud.SSHKeySpec, keyItem, cloud.SSHKey] = sshKeys{}

func (sshKeys) kind() cloud.Kind                                   { return cloud.KindSSHKey }
func (sshKeys) specMeta(spec cloud.SSHKeySpec) cloud.Meta          { return spec.Meta }
func (sshKeys) healthy(cloud.SSHKey, cloud.SSHKeySpec) bool        { return true }
func (sshKeys) object(key cloud.SSHKey) (cloud.Object, cloud.Meta) { return key.Object, key.Meta }

func (sshKeys) at(key cloud.SSHKey, location cloud.Location) cloud.SSHKey {
	key.ID.Location = location
	return key
}

func (sshKeys) observe(have keyItem) cloud.SSHKey {
	var key cloud.SSHKey
	key.Meta = metaOf(have.name, "", have.value.Labels, false)
	key.Object = objectOf(have.name, "", key.Meta, have.value.Labels)
	key.PublicKey = have.value.PublicKey
	if parsed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key.PublicKey)); err == nil {
		key.Fingerprint = ssh.FingerprintSHA256(parsed)
	}
	return key
}

// encode writes an item's value.
func (v keyValue) encode() (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// parseKeyItem reads an item; what is not this driver's JSON counts as a bare
// public key that somebody put there.
func parseKeyItem(name, text string) keyItem {
	item := keyItem{name: name}
	if json.Unmarshal([]byte(text), &item.value) != nil || item.value.PublicKey == "" {
		item.value = keyValue{PublicKey: strings.TrimSpace(text)}
	}
	return item
}

func (n sshKeys) create(ctx context.Context, spec cloud.SSHKeySpec) (cloud.SSHKey, []cloud.Operation, error) {
	item := keyItem{name: nativeName(cloud.KindSSHKey, spec.Meta),
		value: keyValue{PublicKey: spec.PublicKey, Labels: labelsOf(cloud.KindSSHKey, spec.Meta)}}
	text, err := item.value.encode()
	if err != nil {
		return cloud.SSHKey{}, nil, err
	}
	operations, err := n.d.metadata.change(ctx, func(items map[string]string) error {
		if _, taken := items[keyItemPrefix+item.name]; taken {
			return &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, VendorCode: "alreadyExists", Field: "name",
				Message: fmt.Sprintf("the project's metadata has an item %s%s already", keyItemPrefix, item.name)}
		}
		items[keyItemPrefix+item.name] = text
		return nil
	})
	if err != nil {
		return cloud.SSHKey{}, nil, err
	}
	return n.at(n.observe(item), spec.Location), operations, nil
}

func (n sshKeys) read(ctx context.Context, id cloud.ID) (keyItem, bool, error) {
	items, _, err := n.d.metadata.read(ctx)
	text, exists := items[keyItemPrefix+id.Native]
	return parseKeyItem(id.Native, text), exists, err
}

func (n sshKeys) list(ctx context.Context, _ cloud.Filter) ([]keyItem, error) {
	items, _, err := n.d.metadata.read(ctx)
	if err != nil {
		return nil, err
	}
	var found []keyItem
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if name, ok := strings.CutPrefix(key, keyItemPrefix); ok {
			found = append(found, parseKeyItem(name, items[key]))
		}
	}
	return found, nil
}

func (sshKeys) adoptable(have keyItem, spec cloud.SSHKeySpec) error {
	if samePublicKey(have.value.PublicKey, spec.PublicKey) {
		return nil
	}
	return unsupported(cloud.KindSSHKey, have.name, "public_key", "an earlier attempt registered another public key under this name")
}

func (sshKeys) plan(current cloud.SSHKey, want cloud.SSHKeySpec) ([]step, error) {
	if !samePublicKey(current.PublicKey, want.PublicKey) {
		return nil, unsupported(cloud.KindSSHKey, current.ID.Native, "public_key", "a registered public key cannot be changed")
	}
	if sameLabels(cloud.KindSSHKey, current.Meta, want.Meta) {
		return nil, nil
	}
	return []step{relabelKey{labelsOf(cloud.KindSSHKey, want.Meta)}}, nil
}

func (sshKeys) merge(current cloud.SSHKey, want cloud.SSHKeySpec) cloud.SSHKey {
	current.Object, current.Meta = mergedMeta(current.Object, want.Meta)
	current.Protected = false
	return current
}

func (n sshKeys) remove(ctx context.Context, native string) error {
	operations, err := n.d.metadata.change(ctx, func(items map[string]string) error {
		delete(items, keyItemPrefix+native)
		return nil
	})
	if err != nil {
		return err
	}
	return n.d.wait(ctx, operations)
}

// relabelKey sets the labels of a key.
type relabelKey struct{ Labels map[string]string }

func (relabelKey) String() string { return "set the labels of SSH key" }

func (s relabelKey) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	return d.metadata.change(ctx, func(items map[string]string) error {
		text, exists := items[keyItemPrefix+id.Native]
		if !exists {
			return &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name, Message: "it does not exist"}
		}
		item := parseKeyItem(id.Native, text)
		item.value.Labels = s.Labels
		text, err := item.value.encode()
		items[keyItemPrefix+id.Native] = text
		return err
	})
}

// samePublicKey compares type and key, not the comment or white space.
func samePublicKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && x[1] == y[1]
}

// login is what a VM is told of a key.
type login struct{ User, PublicKey string }

// publicKeys gives the keys with these native ids, in this order, from what
// the run knows of the project's metadata, or with one request.
func (d *Driver) publicKeys(ctx context.Context, natives []string) ([]login, error) {
	logins := make([]login, 0, len(natives))
	for i, native := range natives {
		text, ok := d.metadata.known(keyItemPrefix + native)
		if !ok {
			items, _, err := d.metadata.read(ctx)
			if err != nil {
				return nil, d.fail(err, cloud.KindSSHKey, native, "read SSH key")
			}
			if text, ok = items[keyItemPrefix+native]; !ok {
				return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindSSHKey, ID: native, Doing: "read SSH key",
					Field: fmt.Sprintf("ssh_key_ids[%d]", i), Message: "the project's metadata holds no such key"}
			}
		}
		logins = append(logins, login{User: loginName(native), PublicKey: parseKeyItem(native, text).value.PublicKey})
	}
	return logins, nil
}

// maxLogin is the longest user name of Linux (useradd(8)).
const maxLogin = 32

// systemUsers are accounts that a Debian system has already (base-passwd);
// the guest's agent would hand them the key and its rights.
func systemUsers() []string {
	return []string{"root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
		"backup", "list", "irc", "nobody", "sshd", "messagebus"}
}

// loginName is the user whom the guest lets in with a key: the key's name, as
// far as that can be a user's.
func loginName(key string) string {
	if slices.Contains(systemUsers(), key) {
		return "holdfast-" + key
	}
	if len(key) > maxLogin {
		return strings.TrimRight(key[:maxLogin-shortHash-1], "-") + "-" + digest(shortHash, key)
	}
	return key
}
