package sshkey

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// Model is the state of holdfast_ssh_key.
type Model struct {
	service.Common
	PublicKey   types.String `tfsdk:"public_key"`
	Fingerprint types.String `tfsdk:"fingerprint"`
}

func toSpec(_ context.Context, m *Model, meta cloud.Meta) (cloud.SSHKeySpec, diag.Diagnostics) {
	return cloud.SSHKeySpec{Meta: meta, PublicKey: strings.TrimSpace(m.PublicKey.ValueString())}, nil
}

// fromObject keeps the user's spelling of the key while it is the same key.
func fromObject(_ context.Context, m *Model, observed cloud.SSHKey) diag.Diagnostics {
	if !sameKey(m.PublicKey.ValueString(), observed.PublicKey) {
		m.PublicKey = types.StringValue(observed.PublicKey)
	}
	m.Fingerprint = types.StringNull()
	// A key that somebody else put there may be too weak to be read here; it
	// is shown, and refused by the next plan.
	if key, err := policy.ParsePublicKey(observed.PublicKey); err == nil {
		m.Fingerprint = types.StringValue(key.FingerprintSHA256)
	}
	return nil
}

// sameKey tells whether two texts hold the same key, whatever their comments
// and white space.
func sameKey(a, b string) bool {
	x, errX := policy.ParsePublicKey(a)
	y, errY := policy.ParsePublicKey(b)
	if errX != nil || errY != nil {
		return strings.TrimSpace(a) == strings.TrimSpace(b)
	}
	return x.FingerprintSHA256 == y.FingerprintSHA256
}
