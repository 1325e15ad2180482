package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
)

// The golden files of internal/guest that are one document are what
// cloud-init's own schema allows.
func TestCloudConfigSchema(t *testing.T) {
	cloudInit := needs(t, "cloud-init", "cloud-init")
	files, err := filepath.Glob("../../internal/guest/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		if out, err := try(t, "", cloudInit, "schema", "--config-file", file); err != nil || !strings.Contains(out, "Valid") {
			t.Errorf("%s: %s %v", file, out, err)
		}
	}
	// The test can fail.
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("#cloud-config\nbootcmd: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := try(t, "", cloudInit, "schema", "--config-file", bad); err == nil {
		t.Errorf("a bad document is valid: %s", out)
	}
}

// merge lets cloud-init's own code read user data, and prints the cloud-config
// that it arrives at, and the other parts.
const merge = `
import json, sys, tempfile
from cloudinit import handlers, helpers, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler

paths = helpers.Paths({"cloud_dir": tempfile.mkdtemp()})
message = user_data.UserDataProcessor(paths).process(sys.stdin.buffer.read())
config, others = CloudConfigPartHandler(paths), []
config.file_names, config.cloud_buf = ["first"], {}
for part in message.walk():
    if part.is_multipart():
        continue
    kind, text = part.get_content_type(), util.fully_decoded_payload(part)
    if isinstance(text, bytes):
        text = text.decode()
    if kind == "text/cloud-config":
        config._merge_part(text, dict(part))
    else:
        others.append([kind, part.get_filename(), text])
json.dump({"config": config.cloud_buf, "others": others}, sys.stdout)
`

type merged struct {
	Config struct {
		Hostname   string           `json:"hostname"`
		PWAuth     *bool            `json:"ssh_pwauth"`
		Packages   []string         `json:"packages"`
		Runcmd     [][]string       `json:"runcmd"`
		Bootcmd    []any            `json:"bootcmd"`
		Groups     []string         `json:"groups"`
		Users      []map[string]any `json:"users"`
		WriteFiles []struct {
			Path     string `json:"path"`
			Content  string `json:"content"`
			Encoding string `json:"encoding"`
		} `json:"write_files"`
		MergeHow any `json:"merge_how"`
	} `json:"config"`
	Others [][]string `json:"others"`
}

func mergeWith(t *testing.T, text string) merged {
	t.Helper()
	needs(t, "cloud-init", "cloud-init")
	// Debian's modules belong to Debian's interpreter.
	out := run(t, text, "/usr/bin/python3", "-c", merge)
	var m merged
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

func spec() guest.Spec {
	return guest.Spec{
		Version: guest.SpecVersion, Deployment: "acme-eu", Tenant: "acme", Machine: "acme-web", Location: "hetzner/fsn1", TimeZone: "Europe/Berlin",
		Admins:      []guest.Admin{{Name: "ada", Keys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6OmJJSUnNvNclVyYk4PbEzJdcxRkls7kmyDMvsMfuK"}}},
		Intrusion:   guest.Intrusion{Attempts: 3, WindowSeconds: 600, CoolDownSeconds: 3600},
		Maintenance: guest.Maintenance{UpdateAt: "02:00", RebootAt: "03:30"},
	}
}

const own = "#cloud-config\npackages: [nginx]\ngroups: [app]\nbootcmd: [[touch, /run/boot]]\nwrite_files:\n- path: /etc/motd\n  content: Grüße, 世界\nusers:\n- name: app\n  system: true\nruncmd:\n- [touch, /run/own]\n"

// Whatever the tenant's own user data are, both they and the guest's settings
// are acted on.
func TestUserDataMerged(t *testing.T) {
	const script = "#!/bin/sh\necho 'Grüße, 世界'\n"
	archive := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n--XX\nContent-Type: text/cloud-config\n\n" + own +
		"\n--XX\nContent-Type: text/x-shellscript\nContent-Disposition: attachment; filename=\"first.sh\"\n\n" + script + "\n--XX--\n"
	split := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n--XX\nContent-Type: text/cloud-config\n\npackages: [htop]\n" +
		"--XX\nContent-Type: text/cloud-config\nX-Merge-Type: dict(no_replace,recurse_list)+list(append)\n\n" + own + "--XX--\n"
	for _, tc := range []struct {
		name, own string
		packages  []string
		scripts   [][]string
	}{
		{"nothing", "", nil, nil},
		{"cloud-config", own, []string{"nginx"}, nil},
		{"a script", script, nil, [][]string{{"text/x-shellscript", "part-001", script}}},
		{"an archive", archive, []string{"nginx"}, [][]string{{"text/x-shellscript", "first.sh", script}}},
		{"parts with rules of their own", split, []string{"htop", "nginx"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := guest.UserData(spec(), tc.own, 32768)
			if err != nil {
				t.Fatal(err)
			}
			m := mergeWith(t, text)
			hasOwn := strings.Contains(tc.own, "nginx")
			if m.Config.Hostname != "acme-web" || m.Config.PWAuth == nil || *m.Config.PWAuth || m.Config.MergeHow != nil || !slices.Equal(m.Config.Packages, tc.packages) {
				t.Errorf("hostname %q, ssh_pwauth %v, merge_how %v, packages %v", m.Config.Hostname, m.Config.PWAuth, m.Config.MergeHow, m.Config.Packages)
			}
			files, users, groups, boot := []string{}, []string{}, m.Config.Groups, len(m.Config.Bootcmd)
			for _, f := range m.Config.WriteFiles {
				files = append(files, f.Path)
			}
			for _, u := range m.Config.Users {
				users = append(users, u["name"].(string))
			}
			wantFiles, wantUsers, wantGroups, wantBoot := []string{guest.SpecPath}, []string{"ada"}, []string{guest.AdminGroup}, 2
			if hasOwn {
				wantFiles, wantUsers, wantGroups, wantBoot = []string{"/etc/motd", guest.SpecPath}, []string{"app", "ada"}, []string{"app", guest.AdminGroup}, 3
				if m.Config.WriteFiles[0].Content != "Grüße, 世界" || len(m.Config.Runcmd) != 1 {
					t.Errorf("the tenant's file %q, commands %v", m.Config.WriteFiles[0].Content, m.Config.Runcmd)
				}
			}
			if !slices.Equal(files, wantFiles) || !slices.Equal(users, wantUsers) || !slices.Equal(groups, wantGroups) || boot != wantBoot {
				t.Errorf("files %v, users %v, groups %v, %d boot commands", files, users, groups, boot)
			}
			var back guest.Spec
			if err := json.Unmarshal([]byte(m.Config.WriteFiles[len(files)-1].Content), &back); err != nil || back.Machine != "acme-web" {
				t.Errorf("the spec: %v", err)
			}
			if !slices.EqualFunc(m.Others, tc.scripts, func(got, want []string) bool {
				return got[0] == want[0] && (got[1] == want[1] || want[1] == "part-001") && got[2] == want[2]
			}) {
				t.Errorf("scripts %q", m.Others)
			}
		})
	}
}

// cloud-init's own semaphores: what a boot that was cut off had begun runs
// again, and what was finished does not. The command is the one of the user
// data, on a copy of the paths.
func TestPowerCutConverges(t *testing.T) {
	text, err := guest.UserData(spec(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	m := mergeWith(t, text)
	command, ok := m.Config.Bootcmd[0].([]any)
	if !ok || len(command) != 3 || command[0] != "sh" || command[1] != "-c" {
		t.Fatalf("the first boot command is %v", m.Config.Bootcmd[0])
	}
	for _, tc := range []struct {
		name     string
		spec     string
		finished bool
		again    bool
	}{
		{"before anything", "-", false, true},
		{"the file is not there", "-", true, true},
		{"the file is empty", "", true, true},
		{"cut before the end", "{}", false, true},
		{"a later boot", "{}", true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			script := strings.NewReplacer(guest.SpecPath, root+"/guest.json", "/var/lib/cloud/instance/", root+"/").Replace(command[2].(string))
			for _, dir := range []string{root + "/sem"} {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write := func(name, content string) {
				if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			marks := []string{"sem/config_write_files", "sem/config_users_groups"}
			for _, mark := range append(marks, "sem/config_scripts_user") {
				write(mark, "1: 2\n")
			}
			if tc.spec != "-" {
				write("guest.json", tc.spec)
			}
			if tc.finished {
				write("boot-finished", "")
			}
			run(t, "", "sh", "-c", script)
			for _, mark := range marks {
				if _, err := os.Stat(filepath.Join(root, mark)); os.IsNotExist(err) != tc.again {
					t.Errorf("%s: %v, want it to run again: %v", mark, err, tc.again)
				}
			}
			// The tenant's own scripts are never run twice.
			if _, err := os.Stat(filepath.Join(root, "sem/config_scripts_user")); err != nil {
				t.Error(err)
			}
		})
	}
	// These are the names that cloud-init gives to its marks.
	names := run(t, "", "/usr/bin/python3", "-c", `
from cloudinit import helpers
print(helpers.FileSemaphores("/x")._get_path(helpers.canon_sem_name("config-write-files"), "once-per-instance"))
print(helpers.FileSemaphores("/x")._get_path(helpers.canon_sem_name("config-users-groups"), "once-per-instance"))`)
	if names != "/x/config_write_files\n/x/config_users_groups\n" {
		t.Errorf("cloud-init calls its marks %s", names)
	}
}
