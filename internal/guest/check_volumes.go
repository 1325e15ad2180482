package guest

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// MaxTang bounds the Tang servers of one binding: of 5 there are at most 10
// choices of a threshold, each of which takes room in user data.
const MaxTang = 5

// devicePath is a name that stays the same whatever order the disks are found
// in.
var devicePath = regexp.MustCompile(`^/dev/disk/by-id/[A-Za-z0-9._:-]+$`)

func (c *check) volumes(s Spec) {
	names, devices := map[string]bool{}, map[string]bool{}
	for i, v := range s.Volumes {
		here := at("volumes", i)
		c.add(policy.CheckName(here+".name", v.Name)...)
		if names[v.Name] {
			c.bad(here+".name", "Volume named twice", fmt.Sprintf("%.60q is in the list twice.", v.Name), "Name it once.")
		}
		switch {
		case !devicePath.MatchString(v.Device):
			c.promise(policy.ENC1, here+".device", "Not the path of a disk", fmt.Sprintf("%.100q is not a path below /dev/disk/by-id, so that another disk could be encrypted in its place.", v.Device), "Give the volume's own device.")
		case devices[v.Device]:
			c.promise(policy.ENC1, here+".device", "Device of another volume", fmt.Sprintf("%.100q is in the list twice.", v.Device), "Give the volume's own device.")
		}
		names[v.Name], devices[v.Device] = true, true
		c.add(CheckBinding(here+".binding", v.Binding, strings.HasPrefix(s.Location, "google/"))...)
		c.add(CheckRecovery(here+".recovery", v.Recovery)...)
	}
	var mounts []string
	for _, v := range s.Volumes {
		mounts = append(mounts, v.Mount)
	}
	for _, f := range CheckMounts(mounts) {
		f.Field = strings.Replace(f.Field, "mounts[", "volumes[", 1) + ".mount"
		c.add(f)
	}
}

// systemPaths belong to the image: a volume mounted there would hide it.
func systemPaths() []string {
	return []string{"/bin", "/boot", "/dev", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr",
		"/var/cache", "/var/lib/apt", "/var/lib/cloud", "/var/lib/dpkg", "/var/lib/holdfast", "/var/lib/systemd", "/var/log", "/var/spool", "/var/tmp"}
}

// mountPath has no character that fstab(5) or systemd would have to escape but
// '-'.
var mountPath = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$`)

// CheckMounts judges where volumes are mounted: clean paths outside the image's
// own directories, none within another. The fields are mounts[i].
func CheckMounts(mounts []string) []policy.Finding {
	c := &check{}
	for i, mount := range mounts {
		here := at("mounts", i)
		switch {
		case !mountPath.MatchString(mount) || path.Clean(mount) != mount:
			c.bad(here, "Not a path to mount at", fmt.Sprintf("%.100q is not an absolute path of letters, digits, \".\", \"_\" and \"-\".", mount), "Write one such as \"/srv/data\".")
		case mount == "/var" || mount == "/var/lib" || slices.ContainsFunc(systemPaths(), func(p string) bool { return mount == p || strings.HasPrefix(mount, p+"/") }):
			c.bad(here, "Directory of the system", fmt.Sprintf("A volume mounted at %s would hide what the image has there.", mount), "Mount it below /srv, /home, /opt, /mnt or a directory of the service below /var/lib.")
		}
		for j, other := range mounts {
			if i != j && (mount == other && j < i || mount != other && strings.HasPrefix(mount, other+"/")) {
				c.bad(here, "Mounts overlap", fmt.Sprintf("%.100q lies in %.100q, where another volume is mounted, so that it depended on the order which one is seen.", mount, other), "Mount the volumes beside each other.")
			}
		}
	}
	return c.findings
}

// CheckBinding judges what opens a volume or a secret unattended (ENC-1): up to
// [MaxTang] different Tang servers, of which the threshold is a part. vtpm tells
// whether the machine's cloud has virtual TPMs.
func CheckBinding(field string, b Binding, vtpm bool) []policy.Finding {
	c := &check{}
	servers := field + ".tang"
	switch {
	case len(b.Tang) == 0:
		c.promise(policy.ENC1, servers, "No Tang server", "Nothing could open the volume when the machine restarts, so it would have to keep its key beside the data.", "Name at least one Tang server that the machine reaches.")
	case len(b.Tang) > MaxTang:
		c.bad(servers, "Too many Tang servers", fmt.Sprintf("There are %d; at most %d can be used together.", len(b.Tang), MaxTang), "Name those that the machine reaches best.")
	case b.Threshold < 1 || b.Threshold > len(b.Tang):
		c.promise(policy.ENC1, field+".threshold", "Threshold cannot be met", fmt.Sprintf("%d of %d Tang servers cannot answer.", b.Threshold, len(b.Tang)), fmt.Sprintf("Choose a number from 1 to %d.", len(b.Tang)))
	}
	urls, keys := map[string]bool{}, map[string]bool{}
	for i, tang := range b.Tang {
		here := at(servers, i)
		url, err := ParseTangURL(tang.URL)
		if err != nil {
			c.add(policy.Finding{Field: here + ".url", Summary: "Not the URL of a Tang server", Detail: sentence(err), Remedy: "Write it such as \"http://tang-1.example.com:7500\"."})
		} else if urls[url] {
			c.promise(policy.ENC1, here+".url", "Tang server named twice", fmt.Sprintf("%.200q is in the list twice, and would count twice.", url), "Name each server once.")
		}
		if err := CheckThumbprint(tang.Thumbprint); err != nil {
			c.add(policy.Finding{Promise: policy.ENC1, Field: here + ".thumbprint", Summary: "Not a thumbprint", Detail: sentence(err),
				Remedy: "Ask for it on the server itself, with `tang-show-keys PORT`: what the network says is trusted only if this key signed it."})
		} else if keys[tang.Thumbprint] {
			c.promise(policy.ENC1, here+".thumbprint", "Key of another Tang server", fmt.Sprintf("%s is in the list twice: two servers with one key are one.", tang.Thumbprint), "Give each server keys of its own.")
		}
		if tang.Advertisement != "" && !json.Valid([]byte(tang.Advertisement)) {
			c.bad(here+".advertisement", "Not an advertisement", "It is not JSON, as a Tang server answers.", "Fetch it from the server itself (curl http://127.0.0.1:PORT/adv).")
		}
		urls[url], keys[tang.Thumbprint] = true, true
	}
	if b.VTPM && !vtpm {
		c.bad(field+".vtpm", "No virtual TPM", "Only machines on Google Cloud have one.", "Leave it out, or set it only for volumes there.")
	}
	return c.findings
}

// CheckRecovery judges the operators' public keys that a recovery key is sealed
// to: with the Tang servers gone for ever, nothing else opens the volume.
// Accepted is what Debian's age encrypts to: its own X25519 recipients,
// ssh-ed25519 and ssh-rsa.
func CheckRecovery(field string, keys []string) []policy.Finding {
	c := &check{}
	if len(keys) == 0 {
		c.promise(policy.ENC1, field, "No recovery key", "Whoever loses the Tang servers would lose the data.", "Name at least one operator's public key: age1…, ssh-ed25519 or ssh-rsa.")
	}
	seen := map[string]bool{}
	for i, text := range keys {
		name := strings.TrimSpace(text)
		if strings.HasPrefix(strings.ToLower(name), "age1") {
			if _, err := age.ParseX25519Recipient(name); err != nil {
				// The library's message repeats the text.
				c.bad(at(field, i), "Not an age recipient", "It begins with age1 and is not an X25519 recipient; perhaps it was cut off, or is one of a plugin.", "Give the public key that age-keygen prints.")
			}
		} else if key, err := policy.ParsePublicKey(text); err != nil {
			c.because(at(field, i), err)
		} else if name = key.FingerprintSHA256; key.Type != ssh.KeyAlgoED25519 && key.Type != ssh.KeyAlgoRSA {
			c.bad(at(field, i), "age cannot encrypt to this key", fmt.Sprintf("The key is of the type %s.", key.Type), "Give an age1…, ssh-ed25519 or ssh-rsa key.")
		}
		if seen[name] {
			c.bad(at(field, i), "Key given twice", "It is in the list twice.", "Give it once.")
		}
		seen[name] = true
	}
	return c.findings
}

func (c *check) database(s Spec) {
	if s.Database == nil {
		return
	}
	if s.Database.Engine != PostgreSQL {
		c.bad("database.engine", "Unknown database", fmt.Sprintf("%.60q is none that the machine can run.", s.Database.Engine), "Write \"postgresql\".")
	}
	if !slices.ContainsFunc(s.Volumes, func(v Volume) bool { return v.Name == s.Database.Volume }) {
		c.promise(policy.ENC1, "database.volume", "Database outside of an encrypted volume", fmt.Sprintf("%.60q is none of the machine's volumes.", s.Database.Volume), "Name one of volumes.")
	}
}
