package guest

import (
	"encoding/json"
	"slices"
)

// SpecVersion is the version of the contract between [Spec] and the agent:
// "<major>.<minor>". An agent refuses another major version, and ignores fields
// that it does not know.
// 1.1 added Tang.Advertisement.
const SpecVersion = "1.1"

// SpecPath is where cloud-init puts the spec, as JSON, readable by root only.
const SpecPath = "/etc/holdfast/guest.json"

// AdminGroup is the group of those who may log in: the image's sshd lets in
// nobody else, and says which rights they have on the machine.
const AdminGroup = "ssh-users"

// PostgreSQL is the only database engine.
const PostgreSQL = "postgresql"

// Spec is what a machine is told: public facts and ciphertext, nothing else.
type Spec struct {
	Version    string `json:"version"`
	Deployment string `json:"deployment"`
	Tenant     string `json:"tenant"`
	// Machine is the neutral name of the VM; also its host name.
	Machine string `json:"machine"`
	// Location is "<cloud>/<data centre>".
	Location string `json:"location"`
	// TimeZone is the IANA zone of the location: its quiet hours are told on it.
	TimeZone string `json:"time_zone"`
	// Admins are the named engineers who may log in (SYS-3).
	Admins []Admin `json:"admins"`
	// Networks are the tenant's own private networks, in CIDR: what only the
	// tenant may reach (the database) is reached from there (ISO-2).
	Networks []string `json:"networks"`
	// Ports are the TCP ports that the tenant's services listen on besides 22,
	// opened in the machine's own firewall.
	Ports       []int       `json:"ports"`
	Intrusion   Intrusion   `json:"intrusion"`
	Maintenance Maintenance `json:"maintenance"`
	// Proxy is the URL of an HTTP proxy that the machine uses to reach buckets
	// and package mirrors; empty for none.
	Proxy   string   `json:"proxy,omitempty"`
	Volumes []Volume `json:"volumes"`
	// Database is absent where the machine runs none.
	Database *Database `json:"database,omitempty"`
	// Backup is absent where the machine has no backup plan.
	Backup *Backup `json:"backup,omitempty"`
	// Restore is absent where the machine begins empty.
	Restore *Restore `json:"restore,omitempty"`
}

// Admin is a named engineer.
type Admin struct {
	// Name of the account: lower case letters, digits, '-' and '_'.
	Name string `json:"name"`
	// Keys are OpenSSH public keys.
	Keys []string `json:"keys"`
}

// Intrusion is when whoever tries to log in is blocked (NET-2).
type Intrusion struct {
	// Attempts is how many failures within WindowSeconds lead to a block.
	Attempts      int `json:"attempts"`
	WindowSeconds int `json:"window_seconds"`
	// CoolDownSeconds is how long the block lasts.
	CoolDownSeconds int `json:"cool_down_seconds"`
}

// Maintenance is when security updates are installed (SYS-1), and when the
// machine may restart for them (UPT-2): times of day, "HH:MM", in Spec.TimeZone.
type Maintenance struct {
	UpdateAt string `json:"update_at"`
	RebootAt string `json:"reboot_at"`
}

// Tang is a server of network-bound encryption: whoever can reach it can open
// what is bound to it, and nobody else.
type Tang struct {
	URL string `json:"url"`
	// Thumbprint is the SHA-256 thumbprint (RFC 7638) of a signing key, in
	// base64url: what the server says is trusted only if that key signed it.
	Thumbprint string `json:"thumbprint"`
	// Advertisement is what the server answers to GET /adv, a JSON object as
	// text: with it a volume is bound to the server without asking it (Clevis's
	// "adv", judged by the thumbprint all the same). Empty: it is asked.
	Advertisement string `json:"advertisement,omitempty"`
}

// Binding says what opens a secret unattended: Threshold of the Tang servers.
type Binding struct {
	Tang      []Tang `json:"tang"`
	Threshold int    `json:"threshold"`
	// VTPM adds the machine's virtual TPM as one more that must take part
	// (Google Cloud).
	VTPM bool `json:"vtpm,omitempty"`
}

// Volume is a data volume (ENC-1).
type Volume struct {
	// Name is the neutral name.
	Name string `json:"name"`
	// Device is the path by which the machine sees it, such as
	// /dev/disk/by-id/scsi-0HC_Volume_4711.
	Device string `json:"device"`
	// Mount is where it is mounted.
	Mount   string  `json:"mount"`
	Binding Binding `json:"binding"`
	// Recovery are the operators' public keys (age1…, or ssh-ed25519 and
	// ssh-rsa) that the recovery key is sealed to.
	Recovery []string `json:"recovery"`
}

// Database is the optional role.
type Database struct {
	// Engine is "postgresql".
	Engine string `json:"engine"`
	// Volume is the name of the volume that holds its data.
	Volume string `json:"volume"`
}

// Backup is how the machine is backed up.
type Backup struct {
	// At is the time of day, "HH:MM", in TimeZone.
	At       string `json:"at"`
	TimeZone string `json:"time_zone"`
	// Daily, Weekly and Monthly are how many are kept.
	Daily   int `json:"daily"`
	Weekly  int `json:"weekly"`
	Monthly int `json:"monthly"`
	// Buckets, the nearest first: a backup is made there, and copied to the
	// others.
	Buckets []Bucket `json:"buckets"`
	// Password is restic's password, sealed.
	Password Sealed `json:"password"`
	// Paths are what is backed up, besides dumps of the database.
	Paths []string `json:"paths"`
}

// Bucket is where backups are held.
type Bucket struct {
	// Name is the bucket's name at its vendor.
	Name     string `json:"name"`
	Location string `json:"location"`
	// Kind is "s3" or "gcs".
	Kind string `json:"kind"`
	// Endpoint is the URL of the store; empty for the vendor's own.
	Endpoint string `json:"endpoint,omitempty"`
	// ImmutableDays is for how long nothing can be deleted there; 0 is not at
	// all. Retention is not applied to an immutable bucket.
	ImmutableDays int `json:"immutable_days"`
	// ClearsLocks tells that the credentials may remove restic's locks.
	ClearsLocks bool `json:"clears_locks"`
	// Credentials is a JSON object, sealed: for "s3" access_key and secret_key,
	// for "gcs" the key file of a service account. Empty for "gcs" where the
	// machine has the service account itself.
	Credentials Sealed `json:"credentials"`
}

// Sealed is a secret that Tang servers open: RFC 7516 JWEs in compact form, as
// `clevis decrypt` takes them. Any one of them gives the secret; one that needs
// several servers is a JWE whose content is the next JWE, and has the header
// parameter "cty": "jose". What has been opened is the secret if it has not the
// form of a JWE with a header "clevis" ([IsSealed]); no secret has that form.
// The texts stand in the order of the configuration's servers.
type Sealed []string

// Restore is what a new machine begins with.
type Restore struct {
	// From is "latest", a time (RFC 3339: the newest backup not after it), or
	// the id of a snapshot.
	From string `json:"from"`
	// Bucket is the name of the one to read; empty for the nearest that holds
	// it.
	Bucket string `json:"bucket,omitempty"`
	// Machine is the name of the machine whose backup it is; empty for its own.
	Machine string `json:"machine,omitempty"`
}

// JSON is the spec as the agent reads it, with a line end. It is deterministic,
// and has empty lists where the spec has none.
func (s Spec) JSON() ([]byte, error) {
	s.Admins, s.Networks, s.Ports, s.Volumes = list(s.Admins), list(s.Networks), list(s.Ports), slices.Clone(list(s.Volumes))
	for i, v := range s.Volumes {
		s.Volumes[i].Recovery, s.Volumes[i].Binding.Tang = list(v.Recovery), list(v.Binding.Tang)
	}
	if s.Backup != nil {
		backup := *s.Backup
		backup.Buckets, backup.Paths, backup.Password = slices.Clone(list(backup.Buckets)), list(backup.Paths), list(backup.Password)
		for i, b := range backup.Buckets {
			backup.Buckets[i].Credentials = list(b.Credentials)
		}
		s.Backup = &backup
	}
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// list gives the empty list for none.
func list[L ~[]E, E any](values L) L {
	if values == nil {
		return L{}
	}
	return values
}
