package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	keyAda   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBPqVrK6Tm9RJ9Qy0kX3m8XkqHnF1cVbJ3Q2oTn0W5sK"
	ageKey   = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	thumb1   = "wUvZ-ZVZV1UU2DT7JM4N2QRTv4Dhm-TkfTIL2nqwOgA"
	thumb2   = "C9H3_NAFrFArXkdYGF-PqEPUrIbj-PjWqTSHQMrox2Q"
	someText = "eyJjbGV2aXMiOnt9fQ.a.b.c.d"
)

// least is the least that a machine needs to be told.
func least() Spec {
	return Spec{
		Version: SpecVersion, Deployment: "acme-eu", Tenant: "acme", Machine: "acme-web", Location: "hetzner/fsn1", TimeZone: "Europe/Berlin",
		Admins:      []Admin{{Name: "ada", Keys: []string{keyAda + " ada@example.com"}}},
		Intrusion:   Intrusion{Attempts: 3, WindowSeconds: 600, CoolDownSeconds: 3600},
		Maintenance: Maintenance{UpdateAt: "02:00", RebootAt: "03:30"},
	}
}

// full has everything.
func full() Spec {
	s := least()
	s.Networks, s.Ports, s.Proxy = []string{"10.0.1.0/24", "fd00:1::/64"}, []int{80, 443}, "http://10.0.1.2:3128"
	binding := Binding{Tang: []Tang{{URL: "http://tang-1.example.com:7500", Thumbprint: thumb1}, {URL: "http://tang-2.example.com:7500", Thumbprint: thumb2}}, Threshold: 1}
	s.Volumes = []Volume{{Name: "acme-data", Device: "/dev/disk/by-id/scsi-0HC_Volume_4711", Mount: "/srv/data", Binding: binding, Recovery: []string{ageKey, keyAda}}}
	s.Database = &Database{Engine: PostgreSQL, Volume: "acme-data"}
	s.Backup = &Backup{At: "02:30", TimeZone: "Europe/Berlin", Daily: 7, Weekly: 4, Monthly: 3, Password: Sealed{someText, someText}, Paths: []string{"/srv/data"},
		Buckets: []Bucket{
			{Name: "acme-eu-b1", Location: "hetzner/hel1", Kind: KindS3, Endpoint: "https://hel1.your-objectstorage.com", ImmutableDays: 100, Credentials: Sealed{someText}},
			{Name: "acme-eu-b2", Location: "google/us-central1-a", Kind: KindGCS, ClearsLocks: true, Credentials: Sealed{someText}},
		}}
	s.Restore = &Restore{From: "2026-11-22T02:30:00Z", Bucket: "acme-eu-b2", Machine: "acme-old"}
	return s
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

const (
	ownConfig = "#cloud-config\npackages: [nginx]\nwrite_files:\n- path: /etc/motd\n  content: Grüße\nusers:\n- name: app\n  system: true\nruncmd:\n- [touch, /run/own]\n"
	ownScript = "#!/bin/sh\ntouch /run/own\n"
)

// ownArchive has both, encoded and named.
func ownArchive() string {
	return "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n--XX\nContent-Type: text/x-shellscript\nContent-Disposition: attachment; filename=\"first.sh\"\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString([]byte(ownScript)) + "\n--XX\nContent-Type: multipart/mixed; boundary=YY\n\n--YY\nContent-Type: text/plain\nX-Merge-Type: list(append)\n\n" + ownConfig + "\n--YY--\n--XX--\n"
}

func TestUserDataGolden(t *testing.T) {
	for name, tc := range map[string]struct {
		spec Spec
		own  string
	}{
		"least.yaml":   {least(), ""},
		"full.yaml":    {full(), ""},
		"config.mime":  {least(), ownConfig},
		"script.mime":  {least(), ownScript},
		"archive.mime": {full(), ownArchive()},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := UserData(tc.spec, tc.own, 32768)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, text)
			for _, f := range policy.CheckUserData(text, 32768) {
				t.Errorf("the policy: %v", f)
			}
			if again, err := UserData(tc.spec, tc.own, 32768); err != nil || again != text {
				t.Errorf("the second time differs: %v", err)
			}
		})
	}
}

// specIn takes the spec out of a document as cloud-init would write it.
func specIn(t *testing.T, text string) []byte {
	t.Helper()
	var document struct {
		WriteFiles []file `yaml:"write_files"`
	}
	if err := yaml.Unmarshal([]byte(text), &document); err != nil || len(document.WriteFiles) != 1 {
		t.Fatalf("%v: %v", err, document)
	}
	f := document.WriteFiles[0]
	if f.Path != SpecPath || f.Permissions != "0600" || f.Owner != "root:root" {
		t.Errorf("%s %s %s", f.Path, f.Permissions, f.Owner)
	}
	if f.Encoding == "" {
		return []byte(f.Content)
	}
	packed, err := base64.StdEncoding.DecodeString(f.Content)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// A spec that does not fit as text is compressed, and one that does not fit at
// all is refused.
func TestUserDataLimit(t *testing.T) {
	s := full()
	plain, err := UserData(s, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if got := specIn(t, plain); !bytes.Equal(got, want) {
		t.Errorf("the file has %s, want %s", got, want)
	}
	if same, err := UserData(s, "", len(plain)); err != nil || same != plain {
		t.Errorf("what fits just so: %v", err)
	}
	packed, err := UserData(s, "", len(plain)-1)
	if err != nil || len(packed) >= len(plain) || !strings.Contains(packed, "encoding: gz+b64") {
		t.Fatalf("%v, %d bytes of %d", err, len(packed), len(plain))
	}
	if got := specIn(t, packed); !bytes.Equal(got, want) {
		t.Errorf("the compressed file has %s, want %s", got, want)
	}
	for _, f := range policy.CheckUserData(packed, 0) {
		t.Errorf("the policy: %v", f)
	}
	_, err = UserData(s, "", len(packed)-1)
	var f policy.Finding
	if !errors.As(err, &f) || f.Field != "user_data" || f.Summary != "User data too long" || !strings.Contains(f.Remedy, "fewer Tang servers") {
		t.Errorf("%v", err)
	}
}

func TestUserDataRefuses(t *testing.T) {
	bad := least()
	bad.Admins = nil
	if text, err := UserData(bad, "", 0); text != "" || err == nil || !strings.Contains(err.Error(), "Nobody may log in (SYS-3)") {
		t.Errorf("%q, %v", text, err)
	}
	mime := func(parts ...string) string {
		return "Content-Type: multipart/mixed; boundary=XX\nMIME-Version: 1.0\n\n--XX\n" + strings.Join(parts, "\n--XX\n") + "\n--XX--\n"
	}
	for _, tc := range []struct{ name, own, want string }{
		{"a password", "#cloud-config\npassword: x\n", "set up a password (SYS-3)"},
		{"no form", "nonsense", "unknown form"},
		{"a jinja template", "## template: jinja\n#cloud-config\nruncmd: [\"{{ v1.region }}\"]\n", "neither cloud-config nor a script"},
		{"an archive", "#cloud-config-archive\n- '#!/bin/sh'\n", "neither cloud-config nor a script"},
		{"a jinja part", mime("Content-Type: text/jinja2\n\n## template: jinja\n#cloud-config\na: 1"), `type "text/jinja2"`},
		{"an archive in a part", mime("Content-Type: text/plain\n\n#cloud-config-archive\n- '#!/bin/sh'"), "neither cloud-config nor a script"},
		{"the host name", "#cloud-config\nhostname: mine\n", "They set hostname"},
		{"the host name in a part", mime("Content-Type: text/x-shellscript\n\n#!/bin/sh", "Content-Type: text/cloud-config\n\nfqdn: mine.example.com"), "They set fqdn"},
		{"the host name in what is said to be a script", mime("Content-Type: text/x-shellscript\n\n#cloud-config\nhostname: mine"), "They set hostname"},
		{"root's login", "#cloud-config\ndisable_root: false\n", "They set disable_root"},
		{"users by name", "#cloud-config\nusers: app\n", "They give users in another form than a list"},
		{"groups as a mapping", "#cloud-config\ngroups: {app: []}\n", "They give groups in another form than a list"},
		{"files as a mapping", "#cloud-config\nwrite_files: {path: /x}\n", "They give write_files in another form than a list"},
		{"boot commands as text", "#cloud-config\nbootcmd: echo\n", "They give bootcmd in another form than a list"},
		{"the spec", "#cloud-config\nwrite_files:\n- path: /etc/holdfast/guest.json\n  content: x\n", "They write into /etc/holdfast"},
		{"beside the spec", "#cloud-config\nwrite_files:\n- path: /etc/../etc/holdfast/x\n  content: x\n", "They write into /etc/holdfast"},
		{"an engineer", "#cloud-config\nusers:\n- default\n- name: ada\n", `They make the user "ada"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := UserData(least(), tc.own, 0)
			var f policy.Finding
			if text != "" || !errors.As(err, &f) || !strings.Contains(f.Error(), tc.want) || f.Field != "user_data" {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	near := "#cloud-config\nusers: [default, {name: adam}]\nwrite_files:\n- path: /etc/holdfast-own\n  content: x\n"
	if _, err := UserData(least(), near, 0); err != nil {
		t.Errorf("near to what is refused: %v", err)
	}
}

// The agent finds lists, not null, and what was there before is not touched.
func TestSpecJSON(t *testing.T) {
	s := least()
	s.Volumes = []Volume{{Name: "v"}}
	s.Backup = &Backup{Buckets: []Bucket{{Name: "b"}}}
	text, err := s.JSON()
	if err != nil || bytes.Contains(text, []byte("null")) {
		t.Errorf("%v: %s", err, text)
	}
	if s.Volumes[0].Recovery != nil || s.Backup.Buckets[0].Credentials != nil || s.Backup.Password != nil {
		t.Error("the spec was changed")
	}
	var back Spec
	whole := full()
	if text, err = whole.JSON(); err == nil {
		err = json.Unmarshal(text, &back)
	}
	if again, _ := back.JSON(); err != nil || !bytes.Equal(again, text) {
		t.Errorf("%v: %s", err, again)
	}
}

func FuzzUserData(f *testing.F) {
	for _, seed := range []string{"", ownConfig, ownScript, ownArchive(), "#cloud-config\nusers: [&a {name: x}, *a]\n", "Content-Type: text/plain\n\n#!/bin/sh\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, own string) {
		text, err := UserData(least(), own, 0)
		if err != nil {
			return
		}
		if findings := policy.CheckUserData(text, 0); len(findings) > 0 {
			t.Errorf("accepted, and refused once combined: %v\n%s", findings, text)
		}
	})
}
