package hetzner

import (
	"crypto/md5" //nolint:gosec // the vendor's fingerprint is MD5
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
)

type sshKeyView struct {
	ID          int64             `json:"id"`
	Name        string            `json:"name"`
	Fingerprint string            `json:"fingerprint"`
	PublicKey   string            `json:"public_key"`
	Labels      map[string]string `json:"labels"`
	Created     timestamp         `json:"created"`
}

func viewSSHKey(k *SSHKey) sshKeyView {
	return sshKeyView{ID: k.ID, Name: k.Name, Fingerprint: k.Fingerprint, PublicKey: k.PublicKey,
		Labels: labelsOf(k.Labels), Created: timestamp(k.Created)}
}

func (a *API) sshKeyRoutes() []*route {
	return []*route{
		{method: http.MethodGet, path: "/ssh_keys", do: listSSHKeys},
		{method: http.MethodPost, path: "/ssh_keys", do: createSSHKey},
		{method: http.MethodGet, path: "/ssh_keys/{id}", do: getSSHKey},
		{method: http.MethodPut, path: "/ssh_keys/{id}", do: updateSSHKey},
		{method: http.MethodDelete, path: "/ssh_keys/{id}", do: deleteSSHKey},
	}
}

func listSSHKeys(c *call) (any, error) {
	rows, err := filtered(c, sshKeys.All(c.tx, c.project))
	if err != nil {
		return nil, err
	}
	if fp, ok := c.query()["fingerprint"]; ok {
		var some []*SSHKey
		for _, k := range rows {
			if k.Fingerprint == fp[0] {
				some = append(some, k)
			}
		}
		rows = some
	}
	return page(c, "ssh_keys", rows, recordOrders[SSHKey]("id", "name"), viewSSHKey)
}

func getSSHKey(c *call) (any, error) {
	k, err := mustGet(c, sshKeys)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ssh_key": viewSSHKey(k)}, nil
}

func createSSHKey(c *call) (any, error) {
	var in struct {
		Name      string            `json:"name"`
		PublicKey string            `json:"public_key"`
		Labels    map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	v.name(in.Name, 128)
	v.labels(in.Labels)
	fingerprint, ok := sshFingerprint(in.PublicKey)
	if !ok {
		v.add("public_key", "is not a valid SSH public key")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := uniqueName(c, sshKeys, in.Name, 0); err != nil {
		return nil, err
	}
	if sshKeys.Find(c.tx, c.project, func(k *SSHKey) bool { return k.Fingerprint == fingerprint }) != nil {
		return nil, notUnique("SSH key with the same fingerprint already exists", "public_key")
	}
	if err := room(c, sshKeys); err != nil {
		return nil, err
	}
	k := &SSHKey{Fingerprint: fingerprint, PublicKey: strings.TrimSpace(in.PublicKey)}
	k.Project, k.Name, k.Labels = c.project, in.Name, in.Labels
	sshKeys.Insert(c.tx, k)
	return map[string]any{"ssh_key": viewSSHKey(k)}, nil
}

func updateSSHKey(c *call) (any, error) {
	var in struct {
		Name   *string            `json:"name"`
		Labels *map[string]string `json:"labels"`
	}
	if _, err := mustGet(c, sshKeys); err != nil {
		return nil, err
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.Name != nil {
		v.name(*in.Name, 128)
	}
	if in.Labels != nil {
		v.labels(*in.Labels)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	k := sshKeys.Edit(c.tx, c.project, c.id())
	if in.Name != nil {
		if err := uniqueName(c, sshKeys, *in.Name, k.ID); err != nil {
			return nil, err
		}
		k.Name = *in.Name
	}
	if in.Labels != nil {
		k.Labels = *in.Labels
	}
	return map[string]any{"ssh_key": viewSSHKey(k)}, nil
}

func deleteSSHKey(c *call) (any, error) {
	if _, err := mustGet(c, sshKeys); err != nil {
		return nil, err
	}
	sshKeys.Delete(c.tx, c.id())
	return nil, nil
}

// sshFingerprint is the MD5 fingerprint of an OpenSSH public key, as the vendor
// shows it; false for what is no public key.
func sshFingerprint(s string) (string, bool) {
	parts := strings.Fields(s)
	if len(parts) < 2 || strings.ContainsAny(strings.TrimSpace(s), "\r\n") {
		return "", false
	}
	known := map[string]bool{"ssh-rsa": true, "ssh-dss": true, "ssh-ed25519": true, "ecdsa-sha2-nistp256": true,
		"ecdsa-sha2-nistp384": true, "ecdsa-sha2-nistp521": true, "sk-ssh-ed25519@openssh.com": true,
		"sk-ecdsa-sha2-nistp256@openssh.com": true}
	blob, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil || !known[parts[0]] || len(blob) < 4 {
		return "", false
	}
	// The blob repeats the type, with its length in front.
	n := binary.BigEndian.Uint32(blob)
	if uint64(n) > uint64(len(blob)-4) || string(blob[4:4+n]) != parts[0] {
		return "", false
	}
	sum := md5.Sum(blob) //nolint:gosec // see above
	hex := make([]string, len(sum))
	for i, b := range sum {
		hex[i] = string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15])
	}
	return strings.Join(hex, ":"), true
}
