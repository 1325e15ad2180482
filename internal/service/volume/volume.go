package volume

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/encryption"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/googleblock"
)

// NewResource makes the resource holdfast_volume.
func NewResource() resource.Resource {
	return service.NewResource[model](service.Definition[model, cloud.VolumeSpec, cloud.Volume]{
		Kind:       cloud.KindVolume,
		Noun:       "volume",
		Schema:     resourceSchema,
		Store:      func(d cloud.Driver) cloud.Store[cloud.VolumeSpec, cloud.Volume] { return d.Volumes() },
		Check:      check,
		Replaces:   replaces,
		Review:     review,
		ToSpec:     toSpec,
		FromObject: fromObject,
		Observed:   func(v cloud.Volume) (cloud.Object, cloud.Meta) { return v.Object, v.Meta },
		Rebuild:    rebuild,
	})
}

// check judges what needs no environment: the encryption (ENC-1), and that
// the size is one at all.
func check(_ context.Context, m *model, diags *diag.Diagnostics) {
	findings, _ := policy.CheckVolume(policy.Volume{Encrypted: encrypted(m.Encrypted), SizeGB: size(m.SizeGB)}, cloud.Capabilities{})
	findings = append(findings, googleblock.Check(m.Location, m.Google)...)
	// Where it is not known yet, a virtual TPM counts as possible.
	vtpm := !service.Known(m.Location) || strings.HasPrefix(m.Location.ValueString(), googleblock.Name+"/")
	service.Report(diags, append(findings, encryption.Check(encryption.Name, m.Encryption, vtpm)...)...)
}

// encrypted reads the attribute; without it the default holds.
func encrypted(value types.Bool) policy.Opt[bool] {
	switch {
	case value.IsUnknown():
		return policy.Unknown[bool]()
	case value.IsNull():
		return policy.Known(true)
	}
	return policy.Known(value.ValueBool())
}

func size(value types.Int64) policy.Opt[int64] {
	if value.IsUnknown() || value.IsNull() {
		return policy.Unknown[int64]()
	}
	return policy.Known(value.ValueInt64())
}

// replaces: a volume of one tenant never becomes another's, because the data
// would come along (ISO-2). One that had no tenant yet gets one in place. No
// disk changes its type or key.
func replaces(prior, plan *model) []string {
	var names []string
	if !prior.Tenant.IsNull() && !plan.Tenant.Equal(prior.Tenant) {
		names = append(names, "tenant")
	}
	if googleblock.Replaces(plan.Location, prior.Google, plan.Google, false) {
		names = append(names, googleblock.Name)
	}
	return names
}

// review judges the size: what the cloud sells, and that it never shrinks. A
// volume that is replaced anyway may be smaller.
func review(_ context.Context, r *service.Review[model]) {
	location, err := cloud.ParseLocation(r.Plan.Location.ValueString())
	wanted, known := size(r.Plan.SizeGB).Get()
	if err != nil || !known {
		return
	}
	if r.Prior != nil && r.Plan.Location.Equal(r.Prior.Location) && len(replaces(r.Prior, r.Plan)) == 0 {
		service.Report(r.Diags, policy.CheckResize(r.Prior.SizeGB.ValueInt64(), wanted)...)
		if wanted == r.Prior.SizeGB.ValueInt64() {
			return
		}
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported where all objects are judged, or not known yet
	}
	findings, _ := policy.CheckVolume(policy.Volume{SizeGB: policy.Known(wanted)}, driver.Capabilities())
	service.Report(r.Diags, findings...)
}

// toSpec maps a model whose values are all known.
func toSpec(_ context.Context, m *model, meta cloud.Meta) (cloud.VolumeSpec, diag.Diagnostics) {
	spec := cloud.VolumeSpec{Meta: meta, SizeGB: m.SizeGB.ValueInt64()}
	if meta.Location.Cloud == googleblock.Name {
		spec.Options = googleblock.Options(m.Google)
	}
	return spec, nil
}

// fromObject writes what was observed into the model. That a volume is
// encrypted is not the cloud's to observe: the guest does it (LUKS2), or the
// cloud always does.
func fromObject(_ context.Context, m *model, v cloud.Volume) diag.Diagnostics {
	m.SizeGB = types.Int64Value(v.SizeGB)
	m.Encrypted = types.BoolValue(true)
	m.Device = service.OptionalString(v.Device)
	if m.Encryption.IsNull() { // an import: no cloud keeps it
		m.Encryption = types.ObjectNull(encryption.Types())
	}
	location, err := cloud.ParseLocation(m.Location.ValueString())
	if err != nil {
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("location"), "Not a location", err.Error())}
	}
	m.Google = googleblock.Observe(m.Google, googleblock.VolumeTypes(), v.Options, location)
	return nil
}

// rebuild makes the observed volume again from a model that was read from it.
func rebuild(m *model, object cloud.Object, spec cloud.VolumeSpec) cloud.Volume {
	return cloud.Volume{Object: object, VolumeSpec: spec, Device: m.Device.ValueString()}
}
