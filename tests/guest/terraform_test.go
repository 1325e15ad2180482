package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// The canaries: secrets of the configuration.
const (
	canaryPassword = "canary-restic-password-0123456789"
	canaryS3       = "canary-s3-secret-key"
	canaryGCS      = "canary-gcs-private-key"
)

const project, bearer = "acme-prod", "canary-free-token"

// configuration is a machine with everything, on Google Cloud, whose API shows
// the user data that a machine was made with.
const configuration = `
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}
variable "password" {
  type      = string
  ephemeral = true
}
variable "s3" {
  type      = string
  ephemeral = true
}
variable "gcs" {
  type      = string
  ephemeral = true
}
variable "ports" {
  type    = set(number)
  default = [443]
}
provider "holdfast" {
  deployment = "acme-eu"
  google {
    project      = %q
    endpoint     = %q
    access_token = %q
  }
}
locals {
  here    = "google/europe-west3-a"
  buckets = {
    near = { id = "hetzner/nbg1/acme-eu-near", endpoint = "https://nbg1.your-objectstorage.com", immutable_days = 0 }
    far  = { id = "google/us-central1-a/acme-eu-far", endpoint = null, immutable_days = 100 }
  }
}
resource "holdfast_ssh_key" "admin" {
  name       = "admin"
  location   = local.here
  public_key = %[4]q
}
resource "holdfast_network" "acme" {
  name     = "acme"
  location = local.here
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
  subnets  = ["10.1.0.0/24"]
}
resource "holdfast_firewall" "web" {
  name       = "web"
  location   = local.here
  tenant     = "acme"
  network_id = holdfast_network.acme.id
  rules      = [{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }]
}
resource "holdfast_volume" "data" {
  name     = "data"
  location = local.here
  tenant   = "acme"
  size_gb  = 20
  encryption = {
    tang          = [%[5]s]
    threshold     = 2
    recovery_keys = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }
}
resource "holdfast_vm" "web" {
  name           = "web"
  location       = local.here
  tenant         = "acme"
  cpus           = 2
  memory_gb      = 4
  image          = "debian-12"
  ssh_key_ids    = [holdfast_ssh_key.admin.id]
  network_id     = holdfast_network.acme.id
  firewall_ids   = [holdfast_firewall.web.id]
  volume_ids     = [holdfast_volume.data.id]
  backup_plan_id = "standard"
  user_data      = "#cloud-config\npackages: [nginx]\n"
  guest = {
    admins   = { ada = [%[4]q] }
    mounts   = { "/srv/data" = holdfast_volume.data }
    ports    = var.ports
    database = { engine = "postgresql", mount = "/srv/data" }
    backup = {
      plan                   = { name = "standard", schedule = "02:30", retention = { daily = 7 } }
      buckets                = values(local.buckets)
      password_wo            = var.password
      password_wo_version    = 1
      credentials_wo_version = 1
      credentials_wo = {
        (local.buckets.near.id) = jsonencode({ access_key = "AK", secret_key = var.s3 })
        (local.buckets.far.id)  = jsonencode({ client_email = "x@example.com", private_key = var.gcs })
      }
    }
  }
  restore = { from = "latest" }
}
output "current" {
  value = holdfast_vm.web.guest_current
}
`

const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6OmJJSUnNvNclVyYk4PbEzJdcxRkls7kmyDMvsMfuK"

// A real Terraform makes a machine. What the machine is told goes through
// cloud-init's own code, and its secrets are opened by Debian's Clevis with the
// tenant's Tang servers; they are nowhere else.
func TestTerraformTellsTheMachine(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Skip(err)
	}
	servers := []*tangServer{startTang(t), startTang(t), startTang(t)}
	dir := t.TempDir()
	provider, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	var tang []string
	for _, s := range servers {
		tang = append(tang, fmt.Sprintf("{ url = %q, thumbprint = %q }", s.URL, s.Thumbprint))
	}
	// One cannot be asked from here: the operator has given what it advertises.
	text := strings.TrimSpace(run(t, "", "curl", "-sf", servers[2].URL+"/adv"))
	servers[2].stop()
	tang[2] = fmt.Sprintf("{ url = %q, thumbprint = %q, advertisement = %q }", servers[2].URL, servers[2].Thumbprint, text)
	config := fmt.Sprintf(configuration, project, sim.GoogleEndpoint(), bearer, sshKey, strings.Join(tang, ", "))
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := harness.NewWorkspace(cli, dir, provider)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "trace.log")
	w.Env = []string{"TF_VAR_password=" + canaryPassword, "TF_VAR_s3=" + canaryS3, "TF_VAR_gcs=" + canaryGCS, "TF_LOG_PROVIDER=TRACE", "TF_LOG_PATH=" + log}
	do := func(arguments ...string) string {
		t.Helper()
		result, err := w.Run(t.Context(), arguments...)
		if err != nil {
			if strings.Contains(err.Error(), "Write-only Attribute Not Allowed") || strings.Contains(err.Error(), `argument named "ephemeral" is not expected`) {
				t.Skipf("%s is older than write-only attributes: %v", cli.Version, err)
			}
			t.Fatal(err)
		}
		return result.Stdout + result.Stderr
	}
	do("init", "-no-color")
	planned := do("plan", "-no-color", "-out=plan.bin")
	planned += do("show", "-json", "plan.bin")
	applied := do("apply", "-no-color", "-auto-approve")
	applied += do("show", "-json")
	if out := do("plan", "-no-color", "-detailed-exitcode"); !strings.Contains(out, "No changes") {
		t.Errorf("the second plan is not empty: %s", out)
	}

	data := userData(t, sim)
	m := mergeWith(t, data)
	if len(m.Config.Packages) != 1 || m.Config.Hostname != "web" || len(m.Config.Users) != 1 || m.Config.Users[0]["name"] != "ada" {
		t.Errorf("%+v", m.Config)
	}
	var spec guest.Spec
	if err := json.Unmarshal([]byte(m.Config.WriteFiles[0].Content), &spec); err != nil {
		t.Fatal(err)
	}
	v := spec.Volumes[0]
	if spec.TimeZone != "Europe/Berlin" || len(spec.Networks) != 1 || spec.Networks[0] != "10.1.0.0/24" || !strings.HasPrefix(v.Device, "/dev/disk/by-id/google-") || v.Binding.Threshold != 2 || spec.Restore.From != "latest" {
		t.Errorf("%+v", spec)
	}
	for want, sealed := range map[string]guest.Sealed{canaryPassword: spec.Backup.Password, canaryS3: spec.Backup.Buckets[0].Credentials, canaryGCS: spec.Backup.Buckets[1].Credentials} {
		if got, err := open(t, sealed); err != nil || !strings.Contains(got, want) {
			t.Errorf("opened %q: %v", got, err)
		}
	}

	// A change is written, tells that the machine is not as declared, and moves
	// nothing.
	changed := do("apply", "-no-color", "-auto-approve", "-var", "ports=[80,443]")
	if !strings.Contains(changed, "keeps what it was told") || !strings.Contains(changed, "0 added, 1 changed, 0 destroyed") || !strings.Contains(do("output", "current"), "false") {
		t.Errorf("%s", changed)
	}
	if again := userData(t, sim); again != data {
		t.Error("the machine's user data changed")
	}

	for place, content := range map[string]string{"plan": planned, "output of apply": applied + changed, "user data": data} {
		clean(t, place, content)
	}
	logged := false
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "mirror") || strings.Contains(path, ".terraform/") {
			return err
		}
		content, err := os.ReadFile(path)
		logged = logged || path == log && strings.Contains(string(content), "holdfast")
		clean(t, filepath.Base(path), string(content))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !logged {
		t.Error("the provider's log at TRACE is empty, so it proves nothing")
	}
	do("destroy", "-no-color", "-auto-approve")
}

// clean finds no canary in a text.
func clean(t *testing.T, place, content string) {
	t.Helper()
	for _, canary := range []string{canaryPassword, canaryS3, canaryGCS} {
		if at := strings.Index(content, canary); at >= 0 {
			t.Errorf("%s holds a secret: …%q…", place, content[max(0, at-200):min(len(content), at+60)])
		}
	}
}

// userData asks the cloud what its only machine was made with.
func userData(t *testing.T, sim *harness.Sim) string {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, sim.GoogleEndpoint()+"projects/"+project+"/zones/europe-west3-a/instances", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []struct {
			Metadata struct {
				Items []struct{ Key, Value string }
			}
		}
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	for _, item := range list.Items[0].Metadata.Items {
		if item.Key == "user-data" {
			return item.Value
		}
	}
	t.Fatalf("no user data: %s", body)
	return ""
}

// rest is what the guide's configuration refers to, from another guide.
const rest = `
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}
resource "holdfast_ssh_key" "ada" {
  name       = "ada"
  location   = "hetzner/fsn1"
  public_key = "` + sshKey + `"
}
resource "holdfast_network" "acme" {
  name     = "acme"
  location = "hetzner/fsn1"
  tenant   = "acme"
  cidr     = "10.1.0.0/16"
  subnets  = ["10.1.0.0/24"]
}
resource "holdfast_firewall" "web" {
  name     = "web"
  location = "hetzner/fsn1"
  rules    = [{ protocol = "tcp", port = "443", networks = ["0.0.0.0/0"] }]
}
resource "holdfast_backup_bucket" "all" {
  for_each       = { "hetzner/nbg1" = 100, "hetzner/hel1" = 0, "google/us-central1-a" = 0 }
  name           = "backups"
  location       = each.key
  immutable_days = each.value
}
resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30"
  protects = ["hetzner/fsn1"]
  buckets  = values(holdfast_backup_bucket.all)
}
provider "holdfast" {
  deployment = "acme-eu"
  hetzner {
    endpoint = %q
    token    = "t"
  }
  google {
    project      = "acme-prod"
    access_token = "t"
    endpoint     = %q
  }
}
`

// The guide's configuration is one: its first plan makes everything, and all
// promises that can be judged then hold.
func TestGuide(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile("../../templates/guides/what-a-machine-is-told.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	config := fmt.Sprintf(rest, sim.HetznerEndpoint(), sim.GoogleEndpoint())
	for _, block := range strings.Split(string(text), "```terraform\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		config += block
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := harness.NewWorkspace(cli, dir, provider)
	if err != nil {
		t.Fatal(err)
	}
	w.Env = []string{"TF_VAR_restic_password=" + canaryPassword, `TF_VAR_bucket_credentials={}`, "HCLOUD_S3_ACCESS_KEY=a", "HCLOUD_S3_SECRET_KEY=b",
		"GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + sim.StorageEndpoint()}
	for _, arguments := range [][]string{{"init", "-no-color"}, {"plan", "-no-color"}} {
		result, err := w.Run(t.Context(), arguments...)
		if err != nil {
			t.Fatal(err)
		}
		if out := result.Stdout; arguments[0] == "plan" && !strings.Contains(out, "9 to add, 0 to change, 0 to destroy") {
			t.Errorf("%s", out)
		}
	}
}
