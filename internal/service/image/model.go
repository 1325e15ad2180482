package image

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	profile "github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/cloudbuild"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// hardened is the one profile that there is.
const hardened = "hardened"

// standardMinutes is the time limit of a hardening without another: a stock
// machine fetches and unpacks some 300 MB, which takes 5 to 10 minutes.
const standardMinutes = 30

// model is the resource as Terraform holds it.
type model struct {
	service.Common
	BaseImage    types.String `tfsdk:"base"`
	Profile      types.String `tfsdk:"profile"`
	Roles        types.Set    `tfsdk:"roles"`
	ServerType   types.String `tfsdk:"server_type"`
	NetworkID    types.String `tfsdk:"network_id"`
	BuildMinutes types.Int64  `tfsdk:"build_minutes"`
	SourceHash   types.String `tfsdk:"source_hash"`
	Architecture types.String `tfsdk:"architecture"`
	MinDiskGB    types.Int64  `tfsdk:"min_disk_gb"`
	Status       types.String `tfsdk:"status"`

	// chosen is the server type of the temporary machine: only an apply knows
	// it, and no state keeps it.
	chosen string
}

// texts gives the known texts of a set, sorted.
func texts(set types.Set) []string {
	var list []string
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok && service.Known(text) {
			list = append(list, text.ValueString())
		}
	}
	slices.Sort(list)
	return list
}

// script renders the profile with the roles.
func script(roles []string) (string, error) {
	concerns, err := profile.Load()
	if err != nil {
		return "", err
	}
	params := profile.Defaults()
	params.Roles = roles
	plan, err := profile.Render(concerns, params)
	if err != nil {
		return "", err
	}
	return cloudbuild.Script(plan)
}

// source is the digest of what an image is made of.
func source(base string, roles []string) (string, error) {
	text, err := script(roles)
	if err != nil {
		return "", err
	}
	return cloudbuild.Digest(base, text), nil
}

// toSpec maps a model whose values are all known.
func toSpec(_ context.Context, m *model, meta cloud.Meta) (cloud.ImageSpec, diag.Diagnostics) {
	spec := cloud.ImageSpec{Meta: meta, Source: m.SourceHash.ValueString(), Base: m.BaseImage.ValueString(), ServerType: m.ServerType.ValueString(),
		TimeLimit: time.Duration(m.BuildMinutes.ValueInt64()) * time.Minute}
	if m.chosen != "" {
		spec.ServerType = m.chosen
	}
	if id, err := cloud.ParseID(m.NetworkID.ValueString()); err == nil {
		spec.Network = id.Native
	}
	var err error
	if spec.Script, err = script(texts(m.Roles)); err != nil {
		return spec, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("roles"), "The profile cannot be rendered", err.Error())}
	}
	return spec, nil
}

// fromObject writes what was observed into the model. Nobody keeps what an
// image was made with but its digest: an import takes what is usual.
func fromObject(_ context.Context, m *model, observed cloud.Image) diag.Diagnostics {
	m.SourceHash = service.OptionalString(observed.Source)
	m.Architecture = service.OptionalString(string(observed.Architecture))
	m.MinDiskGB = types.Int64Null()
	if observed.MinDiskGB > 0 {
		m.MinDiskGB = types.Int64Value(observed.MinDiskGB)
	}
	m.Status = service.OptionalString(observed.Status)
	if m.BaseImage.IsNull() || m.BaseImage.IsUnknown() {
		m.BaseImage = types.StringValue(cloudbuild.Base)
	}
	if m.Profile.IsNull() || m.Profile.IsUnknown() {
		m.Profile = types.StringValue(hardened)
	}
	if m.BuildMinutes.IsNull() || m.BuildMinutes.IsUnknown() {
		m.BuildMinutes = types.Int64Value(standardMinutes)
	}
	return nil
}

// rebuild makes the observed image again from a model that was read from it.
func rebuild(m *model, object cloud.Object, spec cloud.ImageSpec) cloud.Image {
	image := cloud.Image{Object: object, Status: m.Status.ValueString(), Architecture: cloud.Architecture(m.Architecture.ValueString()), MinDiskGB: m.MinDiskGB.ValueInt64()}
	image.Meta, image.Source = spec.Meta, m.SourceHash.ValueString()
	return image
}

// userDataTooLong tells that a vendor does not take the script.
func userDataTooLong(text string, most int) error {
	return fmt.Errorf("the profile as a script has %d bytes, and the cloud takes %d", len(text), most)
}
