package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal/sealtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const (
	keyAda = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6OmJJSUnNvNclVyYk4PbEzJdcxRkls7kmyDMvsMfuK"
	keyBob = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFGswPANno6KO7DziqmPCVU9VEOqEEl1ubgMEyFN7zFb"
	ageKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	// The canaries, which must be found nowhere.
	resticPassword = "canary-restic-password-0123456789"
	secretKey      = "canary-secret-key"
	gcsKey         = `{"client_email":"x@example.com","private_key":"canary-gcs-key"}`
)

// guestWorld is a world whose machines are told something, with Tang servers.
type guestWorld struct {
	*world
	tf    *servicetest.Terraform
	tang  []*sealtest.Tang
	specs []cloud.VMSpec
}

// Driver implements service.Clouds.
func (w *guestWorld) Driver(name string) (cloud.Driver, error) {
	driver, err := w.world.Driver(name)
	return watched{driver, w}, err
}

// watched notes what machines are ordered with.
type watched struct {
	cloud.Driver
	w *guestWorld
}

func (d watched) VMs() cloud.VMs { return watchedVMs{d.Driver.VMs(), d.w} }

type watchedVMs struct {
	cloud.VMs
	w *guestWorld
}

func (s watchedVMs) Create(ctx context.Context, spec cloud.VMSpec, saved func(cloud.VM)) (cloud.VM, error) {
	s.w.specs = append(s.w.specs, spec)
	return s.VMs.Create(ctx, spec, saved)
}

func startGuest(t *testing.T, servers int) *guestWorld {
	t.Helper()
	w := &guestWorld{world: start(t)}
	for range servers {
		w.tang = append(w.tang, sealtest.Start(t))
	}
	env := servicetest.NewEnv(t, w)
	env.Tang = http.DefaultClient
	w.tf = servicetest.NewTerraform(t, env, NewResource)
	return w
}

type object = map[string]any

// with gives an object with a value at a path changed; nil removes it.
func with(o object, value any, path ...string) object {
	changed := maps.Clone(o)
	if len(path) > 1 {
		inner, _ := changed[path[0]].(object)
		value = with(inner, value, path[1:]...)
	}
	changed[path[0]] = value
	return changed
}

func (w *guestWorld) encryption(threshold int) object {
	servers := []any{}
	for _, s := range w.tang {
		servers = append(servers, object{"url": s.URL, "thumbprint": s.Thumbprint})
	}
	return object{"tang": servers, "threshold": threshold, "recovery_keys": []any{ageKey}}
}

const mountPoint = "/srv/data"

// told is all that a machine can be told.
func (w *guestWorld) told() object {
	return object{
		"admins": object{"bob": []any{keyBob}, "ada": []any{keyAda + " ada@example.com"}},
		"mounts": object{mountPoint: object{"id": w.volume, "name": "acme", "device": "/dev/disk/by-id/scsi-0HC_Volume_1", "encryption": w.encryption(1)}},
		"ports":  []any{443, 80}, "intrusion": object{"attempts": 3}, "maintenance": object{"update_at": "01:00"}, "proxy": "http://10.0.0.5:3128",
		"database": object{"engine": "postgresql", "mount": mountPoint},
		"backup": object{
			"plan": object{"name": "standard", "schedule": "02:30", "retention": object{"daily": 14}, "bucket_ids": []any{"google/us-central1-a/acme-b2", "hetzner/nbg1/acme-b1"}},
			"buckets": []any{object{"id": "google/us-central1-a/acme-b2", "immutable_days": 100},
				object{"id": "hetzner/nbg1/acme-b1", "endpoint": "https://nbg1.your-objectstorage.com", "immutable_days": 0}},
			"clears_locks": true, "password_wo": resticPassword, "password_wo_version": 1,
			"credentials_wo": object{"hetzner/nbg1/acme-b1": `{"access_key":"a","secret_key":"` + secretKey + `"}`, "google/us-central1-a/acme-b2": gcsKey},
		},
	}
}

func (w *guestWorld) config() servicetest.Config {
	return w.basic().With("volume_ids", []any{w.volume}).With("backup_plan_id", "standard").With("guest", w.told())
}

// specTold takes the spec out of a machine's user data.
func specTold(t *testing.T, userData string) guest.Spec {
	t.Helper()
	var document struct {
		Files []struct {
			Path    string `yaml:"path"`
			Content string `yaml:"content"`
		} `yaml:"write_files"`
	}
	var spec guest.Spec
	err := yaml.Unmarshal([]byte(userData), &document)
	if err == nil && len(document.Files) == 1 && document.Files[0].Path == guest.SpecPath {
		err = json.Unmarshal([]byte(document.Files[0].Content), &spec)
	}
	if err != nil || spec.Version == "" {
		t.Fatalf("no spec in the user data (%v):\n%s", err, userData)
	}
	return spec
}

func TestGuest(t *testing.T) {
	w := startGuest(t, 2)
	config := w.config().With("restore", object{"from": "latest", "bucket": "hetzner/nbg1/acme-b1"})
	plan := w.tf.Plan(servicetest.Instance{}, config)
	if problems := plan.Diags.Errors(); len(problems) > 0 || w.tang[0].Asked.Load() != 0 {
		t.Fatalf("the plan: %q; Tang was asked %d times", problems, w.tang[0].Asked.Load())
	}
	made, diags := w.tf.Apply(plan)
	if len(diags) > 0 || len(w.specs) != 1 {
		t.Fatal(diags.Errors(), diags.Warnings())
	}
	text := w.specs[0].UserData
	spec := specTold(t, text)
	if spec.Machine != "web" || spec.Tenant != "acme" || spec.Deployment != "test" || spec.Location != "hetzner/hel1" || spec.TimeZone != "Europe/Helsinki" || spec.Proxy != "http://10.0.0.5:3128" ||
		fmt.Sprint(spec.Networks, spec.Ports) != "[10.0.0.0/24] [80 443]" || len(spec.Admins) != 2 || spec.Admins[0].Name != "ada" ||
		spec.Intrusion != (guest.Intrusion{Attempts: 3, WindowSeconds: 600, CoolDownSeconds: 3600}) || spec.Maintenance != (guest.Maintenance{UpdateAt: "01:00", RebootAt: "03:30"}) {
		t.Errorf("%+v", spec)
	}
	v := spec.Volumes[0]
	if len(spec.Volumes) != 1 || v.Name != "acme" || v.Device != "/dev/disk/by-id/scsi-0HC_Volume_1" || v.Mount != mountPoint || len(v.Binding.Tang) != 2 || v.Binding.Tang[1] != w.tang[1].Tang ||
		v.Binding.Threshold != 1 || v.Recovery[0] != ageKey || *spec.Database != (guest.Database{Engine: "postgresql", Volume: "acme"}) {
		t.Errorf("%+v, %+v", spec.Volumes, spec.Database)
	}
	b := spec.Backup
	if b.At != "02:30" || b.TimeZone != "Europe/Helsinki" || b.Daily != 14 || b.Weekly != 4 || b.Monthly != 3 || len(b.Paths) != 0 || len(b.Buckets) != 2 {
		t.Fatalf("%+v", b)
	}
	// The nearest first.
	near, far := b.Buckets[0], b.Buckets[1]
	if near.Name != "acme-b1" || near.Kind != "s3" || near.Location != "hetzner/nbg1" || near.Endpoint != "https://nbg1.your-objectstorage.com" || !near.ClearsLocks || !far.ClearsLocks || far.Kind != "gcs" || far.ImmutableDays != 100 || far.Endpoint != "" {
		t.Errorf("%+v", b.Buckets)
	}
	if *spec.Restore != (guest.Restore{From: "latest", Bucket: "acme-b1"}) {
		t.Errorf("%+v", spec.Restore)
	}
	// Either server opens the secrets, and nobody else.
	for _, by := range w.tang {
		for want, sealed := range map[string]guest.Sealed{resticPassword: b.Password, `{"access_key":"a","secret_key":"` + secretKey + `"}`: near.Credentials, gcsKey: far.Credentials} {
			if got, ok := sealtest.Open(sealed, by); !ok || got != want {
				t.Errorf("opened %q, want %q", got, want)
			}
		}
	}
	if got, ok := sealtest.Open(b.Password, sealtest.Start(t)); ok {
		t.Errorf("a stranger opened %q", got)
	}
	// No secret is anywhere: not in what the cloud keeps, nor in plan and state.
	for place, content := range map[string]string{"user data": text, "plan": plan.Planned.String(), "state": made.State.String(), "private state": string(made.Private)} {
		if strings.Contains(content, "canary") {
			t.Errorf("a secret is in the %s: %s", place, content)
		}
	}
	hash, _ := made.Get(t, "guest_hash").(string)
	if len(hash) != 32 || made.Get(t, "guest_current") != true || w.specs[0].UserDataOrigin != hash {
		t.Errorf("hash %q, current %v", hash, made.Get(t, "guest_current"))
	}
	refreshed, diags := w.tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if again := w.tf.Plan(refreshed, config); !again.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", again.Planned, again.Diags.Errors())
	}
	// Made again from the same, it is sealed anew and counts as the same machine.
	w.tf.Change(servicetest.Instance{}, config)
	if w.specs[1].UserData == text || w.specs[1].Origin() != w.specs[0].Origin() {
		t.Error("the same user data twice, or another origin")
	}
}

// A change of the settings never replaces the machine and is never silent.
func TestGuestChanges(t *testing.T) {
	w := startGuest(t, 1)
	made := w.tf.Create(w.config())
	hash := made.Get(t, "guest_hash")
	calls := w.Calls()
	for name, changed := range map[string]object{
		"a port":         with(w.told(), []any{80}, "ports"),
		"an engineer":    with(w.told(), []any{keyBob}, "admins", "bob2"),
		"the plan":       with(w.told(), "03:00", "backup", "plan", "schedule"),
		"the password":   with(w.told(), 2, "backup", "password_wo_version"),
		"the encryption": with(w.told(), []any{keyAda}, "mounts", mountPoint, "encryption", "recovery_keys"),
	} {
		if name == "an engineer" {
			changed = with(w.told(), object{"ada": []any{keyAda}}, "admins")
		}
		t.Run(name, func(t *testing.T) {
			config := w.config().With("guest", changed)
			plan := w.tf.Plan(made, config)
			if warnings := plan.Diags.Warnings(); len(plan.Replaces) > 0 || len(warnings) != 1 || !strings.Contains(warnings[0], "keeps what it was told") || !strings.Contains(warnings[0], "-replace") {
				t.Fatalf("replaces %v, %q, %q", plan.Replaces, warnings, plan.Diags.Errors())
			}
			after, diags := w.tf.Apply(plan)
			if len(diags.Errors()) > 0 || after.Get(t, "guest_current") != false || after.Get(t, "guest_hash") != hash {
				t.Fatalf("%v, current %v, hash %v", diags.Errors(), after.Get(t, "guest_current"), after.Get(t, "guest_hash"))
			}
			if plan := w.tf.Plan(after, config); !plan.IsNoOp() {
				t.Errorf("the plan after is not empty: %v", plan.Diags.Errors())
			}
			back := w.tf.Change(after, w.config())
			if back.Get(t, "guest_current") != true {
				t.Error("changed back, and not current")
			}
		})
	}
	if len(w.specs) != 1 {
		t.Errorf("%d machines were made", len(w.specs))
	}
	// What is only restored when a machine is made is no change of the machine.
	plan := w.tf.Plan(made, w.config().With("restore", object{"from": "latest"}))
	if len(plan.Diags) > 0 || len(plan.Replaces) > 0 || plan.IsNoOp() {
		t.Errorf("restore: replaces %v, %v", plan.Replaces, plan.Diags)
	}
	// Replaced on purpose, it has the new settings.
	config := w.config().With("guest", with(w.told(), []any{8080}, "ports"))
	replaced, diags := w.tf.Apply(w.tf.Plan(made, config, true))
	if len(diags.Errors()) > 0 || replaced.Get(t, "guest_current") != true || replaced.Get(t, "guest_hash") == hash || len(specTold(t, w.specs[1].UserData).Ports) != 1 {
		t.Errorf("%v, current %v", diags.Errors(), replaced.Get(t, "guest_current"))
	}
	// Without it nothing is told, and nothing said.
	plain := w.tf.Change(replaced, w.config().With("guest", nil))
	if plain.Get(t, "guest_current") != nil || w.Calls() == calls {
		t.Errorf("current %v", plain.Get(t, "guest_current"))
	}
}

// An imported machine is not known to have any settings.
func TestGuestImported(t *testing.T) {
	w := startGuest(t, 1)
	w.tf.Create(w.config())
	imported, diags := w.tf.Import(w.only(t).ID.String())
	if len(diags) > 0 || imported.Get(t, "guest") != nil || imported.Get(t, "guest_hash") != nil {
		t.Fatalf("%v, %v", diags, imported.Get(t, "guest"))
	}
	plan := w.tf.Plan(imported, w.config())
	if len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 || len(plan.Diags.Warnings()) != 1 {
		t.Fatalf("replaces %v, %v", plan.Replaces, plan.Diags)
	}
	if after, diags := w.tf.Apply(plan); len(diags.Errors()) > 0 || after.Get(t, "guest_current") != false {
		t.Errorf("%v", diags.Errors())
	}
}

// The tenant's own user data go with the guest's.
func TestGuestWithUserData(t *testing.T) {
	w := startGuest(t, 1)
	w.tf.Create(w.config().With("user_data", "#!/bin/sh\ntouch /run/own\n"))
	if text := w.specs[0].UserData; !strings.HasPrefix(text, "Content-Type: multipart/mixed") || !strings.Contains(text, "touch /run/own") || !strings.Contains(text, guest.SpecPath) {
		t.Errorf("%s", text)
	}
	problems := w.tf.Plan(servicetest.Instance{}, w.config().With("user_data", "#cloud-config\nhostname: mine\n")).Diags.Errors()
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "user_data: ") || !strings.Contains(problems[0], "They set hostname") {
		t.Errorf("%q", problems)
	}
	if s := w.specs[0]; !bytes.Contains([]byte(s.UserData), []byte("holdfast-boot.service")) {
		t.Error("nothing starts the agent")
	}
}
