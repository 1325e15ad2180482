package sshkey

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewResource makes holdfast_ssh_key.
func NewResource() resource.Resource {
	return service.NewResource[Model, cloud.SSHKeySpec, cloud.SSHKey](service.Definition[Model, cloud.SSHKeySpec, cloud.SSHKey]{
		Kind:       cloud.KindSSHKey,
		Noun:       "SSH key",
		Schema:     resourceSchema,
		Store:      cloud.Driver.SSHKeys,
		Check:      check,
		Replaces:   replaces,
		Review:     review,
		Moves:      true,
		ToSpec:     toSpec,
		FromObject: fromObject,
		Observed:   func(k cloud.SSHKey) (cloud.Object, cloud.Meta) { return k.Object, k.Meta },
		Rebuild: func(_ *Model, object cloud.Object, spec cloud.SSHKeySpec) cloud.SSHKey {
			return cloud.SSHKey{Object: object, SSHKeySpec: spec}
		},
	})
}

func resourceSchema(context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The public SSH key of a named engineer (promise SYS-3): Ed25519, ECDSA of at least 256 bits, RSA of at least 3072 bits, or a hardware-backed key. " +
			"VMs refer to it in `ssh_key_ids`.\n\nWhere a cloud keeps one list of keys for all its locations (Hetzner Cloud does), keys of one name in two of its locations are the same key.",
		Attributes: map[string]schema.Attribute{
			"location": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "`<cloud>/<data centre>`, for example `hetzner/fsn1`; see the data sources `holdfast_site` and `holdfast_locations`. " +
					"Changing this replaces the SSH key, unless the cloud keeps one list of keys for all its locations: there it changes only the `id`, in place.",
			},
			"public_key": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "One line in OpenSSH's format, such as the contents of `~/.ssh/id_ed25519.pub`. " +
					"Changing this replaces the SSH key; a change of only the comment or of white space does not.",
			},
			"fingerprint": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "OpenSSH's SHA-256 fingerprint, as `ssh-keygen -l` prints it: `SHA256:…`.",
			},
		},
	}
}

// check holds the key to SYS-3.
func check(_ context.Context, m *Model, diags *diag.Diagnostics) {
	if m.PublicKey.IsNull() || m.PublicKey.IsUnknown() {
		return
	}
	service.Report(diags, policy.CheckPublicKey(m.PublicKey.ValueString())...)
}

// replaces compares keys, not their spelling.
func replaces(prior, plan *Model) []string {
	if plan.PublicKey.IsUnknown() || !sameKey(prior.PublicKey.ValueString(), plan.PublicKey.ValueString()) {
		return []string{"public_key"}
	}
	return nil
}

// review shows the fingerprint in the plan.
func review(_ context.Context, r *service.Review[Model]) {
	if r.Plan.PublicKey.IsUnknown() {
		return
	}
	if key, err := policy.ParsePublicKey(r.Plan.PublicKey.ValueString()); err == nil {
		r.Plan.Fingerprint = types.StringValue(key.FingerprintSHA256)
	}
}
