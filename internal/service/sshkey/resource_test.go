package sshkey

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const (
	alice = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFU72SmcowFiMstiWUxYpG91YBLuwPSzOkuBTbUVuFs5"
	bob   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICrqi4ynu4dmFa+LHENZpEHeIXOOvp9glERKHbCSy5RA"
)

func config() servicetest.Config {
	return servicetest.Config{"name": "alice", "location": "hetzner/fsn1", "public_key": alice + " alice@example\n"}
}

func TestLifecycle(t *testing.T) {
	c := servicetest.NewCloud()
	tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
	plan := tf.Plan(servicetest.Instance{}, config())
	key, diags := tf.Apply(plan)
	if problems := diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := key.Get(t, "id"); got != "hetzner/fsn1/1" {
		t.Errorf("id is %v", got)
	}
	if got, _ := key.Get(t, "fingerprint").(string); !strings.HasPrefix(got, "SHA256:") {
		t.Errorf("fingerprint is %v", got)
	}
	key, _ = tf.Refresh(key)
	if again := tf.Plan(key, config()); !again.IsNoOp() {
		t.Errorf("the second plan is not empty: %v", again.Planned)
	}

	renamed := tf.Change(key, config().With("name", "alice-2").With("labels", map[string]any{"team": "ops"}))
	if got := c.SSHKeyStore.All()["1"]; got.Name != "alice-2" || got.Labels["team"] != "ops" {
		t.Errorf("renamed to %+v", got)
	}
	if n := c.Count("get", cloud.KindSSHKey); n != 1 {
		t.Errorf("%d reads: an update needs none", n)
	}
	replaced := tf.Plan(renamed, config().With("public_key", bob))
	if len(replaced.Replaces) != 1 || replaced.Replaces[0] != "public_key" {
		t.Errorf("another key replaces %v", replaced.Replaces)
	}
	key, _ = tf.Apply(replaced)
	if got := key.Get(t, "native_id"); got != "2" {
		t.Errorf("replaced by %v", got)
	}
	tf.Change(key, nil)
	if left := c.SSHKeyStore.All(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Where the vendor keeps one list of keys, another location gives the key
// another id, in place: VMs that were made with it are not touched, and what
// stands in a location that comes back is adopted.
func TestMove(t *testing.T) {
	c := servicetest.NewCloud()
	env := servicetest.NewEnv(t, c)
	tf := servicetest.NewTerraform(t, env, NewResource)
	guarded := config().With("deletion_protection", true)
	there := guarded.With("location", "hetzner/hel1")
	key := tf.Create(guarded)
	plan := tf.Plan(key, there)
	if len(plan.Replaces) != 0 || len(plan.Diags.Errors()) != 0 {
		t.Fatalf("replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
	key, diags := tf.Apply(plan)
	if problems := diags.Errors(); len(problems) > 0 || key.Get(t, "id") != "hetzner/hel1/1" || key.Get(t, "native_id") != "1" {
		t.Fatalf("moved to %v: %v", key.State, problems)
	}
	if got := c.SSHKeyStore.All()["1"].Location.String(); got != "hetzner/hel1" {
		t.Errorf("the cloud has it in %s", got)
	}
	key, _ = tf.Refresh(key)
	if plan := tf.Plan(key, there); !plan.IsNoOp() {
		t.Errorf("the next plan is not empty: %v", plan.Planned)
	}

	// What stands in a lost location is left alone.
	dark := servicetest.NewTerraform(t, servicetest.NewEnv(t, c, "hetzner/hel1"), NewResource)
	if plan := dark.Plan(key, config()); len(plan.Replaces) != 1 {
		t.Errorf("out of a lost location: replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
	// Where each location has keys of its own, it is another key.
	c.Caps.Global = nil
	if plan := tf.Plan(tf.Change(key, config().With("location", "hetzner/hel1")), config()); len(plan.Replaces) != 1 || plan.Replaces[0] != "location" {
		t.Errorf("on such a cloud: replaces %v", plan.Replaces)
	}
}

// A comment and white space are no part of the key.
func TestSpelling(t *testing.T) {
	c := servicetest.NewCloud()
	tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, c), NewResource)
	key := tf.Create(config())
	c.SSHKeyStore.Change("1", func(k *cloud.SSHKey) { k.PublicKey = alice })
	key, _ = tf.Refresh(key)
	if plan := tf.Plan(key, config()); !plan.IsNoOp() {
		t.Errorf("a comment that the cloud dropped is drift: %v", plan.Planned)
	}
	plan := tf.Plan(key, config().With("public_key", "  "+alice+" other comment"))
	if len(plan.Replaces) != 0 || len(plan.Diags.Errors()) != 0 {
		t.Errorf("another comment: replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
	c.SSHKeyStore.Change("1", func(k *cloud.SSHKey) { k.PublicKey = bob })
	key, _ = tf.Refresh(key)
	if plan := tf.Plan(key, config()); len(plan.Replaces) != 1 {
		t.Error("another key in the cloud is no drift")
	}
}

func TestBadInput(t *testing.T) {
	tests := map[string]struct {
		config servicetest.Config
		want   string
	}{
		"a private key": {config().With("public_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"), "public_key: "},
		"a weak key":    {config().With("public_key", "ssh-dss AAAAB3NzaC1kc3MAAACBAP"), "(SYS-3)"},
		"a bad name":    {config().With("name", "Alice"), "name: Invalid name"},
		"a bad label":   {config().With("labels", map[string]any{"holdfast-x": "y"}), `labels["holdfast-x"]: Invalid label`},
		"a null label":  {config().With("labels", map[string]any{"x": nil}), `labels["x"]: Label without a value`},
		"no location":   {config().With("location", "fsn1"), "location: Not a location"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tf := servicetest.NewTerraform(t, servicetest.NewEnv(t, servicetest.NewCloud()), NewResource)
			problems := strings.Join(tf.Validate(test.config).Errors(), "\n")
			if !strings.Contains(problems, test.want) {
				t.Errorf("got %q, want %q", problems, test.want)
			}
			if strings.Contains(problems, "c2VjcmV0") {
				t.Error("the message repeats the secret")
			}
		})
	}
}
