package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// BootUnit is the agent's unit that the image installs. It is enabled there,
// waits for cloud-init.service, and does nothing without a file at [SpecPath].
const BootUnit = "holdfast-boot.service"

// UserData renders what cloud-init acts on at the first boot: the machine's
// name, the engineers' accounts, and the spec at [SpecPath]. It is
// deterministic. own is the tenant's user data, or empty: both are acted on (see
// combine). maxBytes is the vendor's limit, 0 for none: a spec that is too long
// as plain text is compressed.
//
// The error is a policy.Finding about the field user_data, or the first one of
// [Check].
//
// A power cut in the middle converges: cloud-init marks a module as done before
// it begins, so a first boot that was cut off would never write the files that
// it had come to. What stands in bootcmd runs at every boot, before the other
// modules: it takes the marks of write_files and users_groups away until a first
// boot was finished and left a spec that is not empty. It also starts the
// agent, which converges by itself.
func UserData(s Spec, own string, maxBytes int) (string, error) {
	if findings := Check(s); len(findings) > 0 {
		return "", findings[0]
	}
	parts, err := ownParts(own, s)
	if err != nil {
		return "", err
	}
	text, err := s.JSON()
	if err != nil {
		return "", err
	}
	plain, err := render(s, file{Content: string(text)}, parts)
	if err != nil || maxBytes <= 0 || len(plain) <= maxBytes {
		return plain, err
	}
	packed, err := pack(text)
	if err != nil {
		return "", err
	}
	short, err := render(s, file{Content: packed, Encoding: "gz+b64"}, parts)
	if err != nil || len(short) <= maxBytes {
		return short, err
	}
	return "", policy.Finding{Field: "user_data", Summary: "User data too long",
		Detail: fmt.Sprintf("What the machine is told at first boot has %d bytes; the cloud takes at most %d. %d of them are the sealed secrets and settings, %d the tenant's own user data.", len(short), maxBytes, len(packed), len(own)),
		Remedy: "Put what is long of the tenant's own user data into the image, or seal to fewer Tang servers: each choice of the threshold holds every secret once more."}
}

// pack compresses a text for write_files.
func pack(text []byte) (string, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err = w.Write(text); err == nil {
		err = w.Close()
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), err
}

// settings are scalars: the tenant's user data say nothing else about them.
type settings struct {
	Hostname         string `yaml:"hostname"`
	PreserveHostname bool   `yaml:"preserve_hostname"`
	ManageEtcHosts   string `yaml:"manage_etc_hosts"`
	DisableRoot      bool   `yaml:"disable_root"`
	PasswordAuth     bool   `yaml:"ssh_pwauth"`
}

// lists are what the tenant's user data may add to.
type lists struct {
	Bootcmd    [][]string `yaml:"bootcmd"`
	Groups     []string   `yaml:"groups"`
	Users      []account  `yaml:"users"`
	WriteFiles []file     `yaml:"write_files"`
	MergeHow   []merger   `yaml:"merge_how,omitempty"`
}

type account struct {
	Name       string   `yaml:"name"`
	Groups     []string `yaml:"groups"`
	LockPasswd bool     `yaml:"lock_passwd"`
	Shell      string   `yaml:"shell"`
	Keys       []string `yaml:"ssh_authorized_keys"`
}

type file struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Encoding    string `yaml:"encoding,omitempty"`
	Content     string `yaml:"content"`
}

type merger struct {
	Name     string   `yaml:"name"`
	Settings []string `yaml:"settings,flow"`
}

// finished tells that a first boot was finished, and left a spec.
const finished = "[ -s " + SpecPath + " ] && [ -e /var/lib/cloud/instance/boot-finished ]"

// retry lets cloud-init run its modules once more.
const retry = "rm -f /var/lib/cloud/instance/sem/config_write_files /var/lib/cloud/instance/sem/config_users_groups"

func settingsOf(s Spec) settings {
	// The host's own name resolves without DNS.
	return settings{Hostname: s.Machine, ManageEtcHosts: "localhost", DisableRoot: true}
}

func listsOf(s Spec, spec file) (lists, error) {
	spec.Path, spec.Owner, spec.Permissions = SpecPath, "root:root", "0600"
	l := lists{
		Bootcmd:    [][]string{{"sh", "-c", finished + " || " + retry}, {"systemctl", "start", "--no-block", BootUnit}},
		Groups:     []string{AdminGroup},
		WriteFiles: []file{spec},
	}
	for _, admin := range s.Admins {
		a := account{Name: admin.Name, Groups: []string{AdminGroup}, LockPasswd: true, Shell: "/bin/bash"}
		for _, text := range admin.Keys {
			key, err := policy.ParsePublicKey(text)
			if err != nil {
				return l, err
			}
			a.Keys = append(a.Keys, key.Text+" "+admin.Name)
		}
		l.Users = append(l.Users, a)
	}
	return l, nil
}

// render writes the whole.
func render(s Spec, spec file, own []part) (string, error) {
	set := settingsOf(s)
	l, err := listsOf(s, spec)
	if err != nil {
		return "", err
	}
	if len(own) == 0 {
		return cloudConfig(struct {
			settings `yaml:",inline"`
			lists    `yaml:",inline"`
		}{set, l})
	}
	return combine(own, l, set)
}

// cloudConfig writes one document.
func cloudConfig(content any) (string, error) {
	var b strings.Builder
	b.WriteString("#cloud-config\n")
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(content); err != nil {
		return "", err
	}
	return b.String(), encoder.Close()
}
