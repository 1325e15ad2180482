package volume

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const (
	thumb1 = "wUvZ-ZVZV1UU2DT7JM4N2QRTv4Dhm-TkfTIL2nqwOgA"
	thumb2 = "C9H3_NAFrFArXkdYGF-PqEPUrIbj-PjWqTSHQMrox2Q"
	ageKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
)

func tang(url, thumbprint any) map[string]any {
	return map[string]any{"url": url, "thumbprint": thumbprint}
}

func encrypted1() map[string]any {
	return map[string]any{"tang": []any{tang("http://tang-1:7500", thumb1), tang("http://tang-2:7500", thumb2)}, "recovery_keys": []any{ageKey}}
}

// The settings are kept in the state only: written, changed in place with
// nothing asked, unknown to an import.
func TestEncryption(t *testing.T) {
	c, tf := start(t)
	config := basic().With("encryption", encrypted1())
	made := tf.Create(config)
	got, ok := made.Get(t, "encryption").(map[string]any)
	if !ok || len(got["tang"].([]any)) != 2 || got["threshold"] != nil {
		t.Fatalf("encryption %v", made.Get(t, "encryption"))
	}
	refreshed, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(refreshed, config); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	more := encrypted1()
	more["threshold"] = 2
	calls := c.Calls()
	plan := tf.Plan(refreshed, config.With("encryption", more))
	if len(plan.Replaces) > 0 || plan.IsNoOp() {
		t.Errorf("replaces because of %v, no-op %t", plan.Replaces, plan.IsNoOp())
	}
	changed, diags := tf.Apply(plan)
	if got, ok := changed.Get(t, "encryption").(map[string]any); len(diags) > 0 || !ok || got["threshold"] != int64(2) {
		t.Errorf("%v, %v", changed.Get(t, "encryption"), diags.Errors())
	}
	if writes := c.Calls() - calls; writes > 1 {
		t.Errorf("%d requests", writes)
	}
	imported, diags := tf.Import("hetzner/fsn1/1")
	if len(diags.Errors()) > 0 || imported.Get(t, "encryption") != nil {
		t.Fatalf("import: %v, %v", diags.Errors(), imported.Get(t, "encryption"))
	}
	if plan := tf.Plan(imported, config); len(plan.Replaces) > 0 || len(plan.Diags.Errors()) > 0 {
		t.Errorf("after an import: replaces %v, %v", plan.Replaces, plan.Diags.Errors())
	}
}

func TestEncryptionRefusals(t *testing.T) {
	with := func(name string, value any) servicetest.Config {
		e := encrypted1()
		e[name] = value
		return basic().With("encryption", e)
	}
	given := tang("http://tang-1:7500", thumb1)
	given["advertisement"] = "{}"
	for _, tc := range []struct {
		name   string
		config servicetest.Config
		want   string
	}{
		{"no servers", with("tang", nil), "encryption.tang: No Tang server (ENC-1)"},
		{"no recovery keys", with("recovery_keys", nil), "encryption.recovery_keys: No recovery key (ENC-1)"},
		{"a private key", with("recovery_keys", []any{"AGE-SECRET-KEY-1QQQQ"}), "encryption.recovery_keys[0]: Private key where a public key belongs (SYS-3)"},
		{"a thumbprint", with("tang", []any{tang("http://x", "abc")}), "encryption.tang[0].thumbprint: Not a thumbprint (ENC-1)"},
		{"a URL", with("tang", []any{tang("x", thumb1)}), "encryption.tang[0].url: Not the URL of a Tang server"},
		{"an advertisement", with("tang", []any{given}), "encryption.tang[0].advertisement: Advertisement not accepted (ENC-1)"},
		{"three of two", with("threshold", 3), "encryption.threshold: Threshold cannot be met (ENC-1)"},
		{"a vTPM", with("vtpm", true), "encryption.vtpm: No virtual TPM"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, tf := start(t)
			problems := tf.Plan(servicetest.Instance{}, tc.config).Diags.Errors()
			if len(problems) != 1 || !strings.HasPrefix(problems[0], tc.want) {
				t.Errorf("%q, want %q", problems, tc.want)
			}
		})
	}
	u := servicetest.Unknown
	for name, config := range map[string]servicetest.Config{
		"all": basic().With("encryption", u), "servers": with("tang", u), "a server": with("tang", []any{u}), "a thumbprint": with("tang", []any{tang("http://x", u)}),
		"keys": with("recovery_keys", u), "the threshold": with("threshold", u), "a vTPM in an unknown place": with("vtpm", true).With("location", u),
	} {
		_, tf := start(t)
		if problems := tf.Plan(servicetest.Instance{}, config).Diags.Errors(); len(problems) > 0 {
			t.Errorf("%s unknown: %q", name, problems)
		}
	}
}
