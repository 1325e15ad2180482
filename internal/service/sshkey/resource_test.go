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
