package image

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	profile "github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/cloudbuild"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// leastGB is the memory that the hardening needs: the initial ram disk is packed
// with a compressor that wants more than the smallest types have.
const leastGB = 2

// googleCloud has no machine without a network.
const googleCloud = "google"

// NewResource makes the resource holdfast_image.
func NewResource() resource.Resource {
	return service.NewResource[model](service.Definition[model, cloud.ImageSpec, cloud.Image]{
		Kind:         cloud.KindImage,
		Noun:         cloud.KindImage.Noun(),
		Schema:       resourceSchema,
		Store:        storeOf,
		Check:        check,
		Replaces:     replaces,
		Review:       review,
		Lacks:        outdated,
		Moves:        true,
		BeforeDelete: unused,
		ToSpec:       toSpec,
		FromObject:   fromObject,
		Observed:     func(i cloud.Image) (cloud.Object, cloud.Meta) { return i.Object, i.Meta },
		Rebuild:      rebuild,
	})
}

// check judges what needs no environment.
func check(_ context.Context, m *model, diags *diag.Diagnostics) {
	refuse := func(attribute, summary, detail string) {
		diags.AddAttributeError(path.Root(attribute), summary, detail)
	}
	if service.Known(m.BaseImage) && m.BaseImage.ValueString() != cloudbuild.Base {
		refuse("base", "No base of the profile", fmt.Sprintf("The profile is for %q: what is claimed of a hardened machine was audited there and nowhere else. Write base = %[1]q.", cloudbuild.Base))
	}
	if service.Known(m.Profile) && m.Profile.ValueString() != hardened {
		refuse("profile", "No such profile", fmt.Sprintf("%q is none. Write %q, or leave it out.", m.Profile.ValueString(), hardened))
	}
	if concerns, err := profile.Load(); err == nil {
		for _, role := range texts(m.Roles) {
			if known := profile.Roles(concerns); !slices.Contains(known, role) {
				refuse("roles", "No such role", fmt.Sprintf("The profile has no role %q. It has: %s.", role, strings.Join(known, ", ")))
			}
		}
	}
	if minutes := m.BuildMinutes; !minutes.IsNull() && !minutes.IsUnknown() && (minutes.ValueInt64() < 1 || minutes.ValueInt64() > 240) {
		refuse("build_minutes", "No time limit", fmt.Sprintf("%d minutes are not possible: choose from 1 to 240.", minutes.ValueInt64()))
	}
	checkNetwork(m, refuse)
}

func checkNetwork(m *model, refuse func(attribute, summary, detail string)) {
	location, err := cloud.ParseLocation(m.Location.ValueString())
	if err != nil {
		return // judged where all objects are, or not known yet
	}
	switch {
	case m.NetworkID.IsUnknown():
	case m.NetworkID.IsNull():
		if location.Cloud == googleCloud {
			refuse("network_id", "No network", "Google Cloud has no machine without a network. Give the id of a holdfast_network in "+location.String()+" for the temporary machine.")
		}
	default:
		id, err := cloud.ParseID(m.NetworkID.ValueString())
		if err != nil || id.Location != location {
			refuse("network_id", "No network of this location", fmt.Sprintf("%q is not the id of a network in %s. Use the id attribute of a holdfast_network with the image's location.", m.NetworkID.ValueString(), location))
		}
	}
}

// planned is the digest of what a model asks for; false while something of it is
// unknown.
func planned(m *model) (string, bool) {
	if !service.Known(m.BaseImage) || m.Roles.IsUnknown() || len(texts(m.Roles)) != len(m.Roles.Elements()) {
		return "", false
	}
	digest, err := source(m.BaseImage.ValueString(), texts(m.Roles))
	return digest, err == nil
}

// replaces: another digest is another image. What differs is named where the
// state knows it; an imported image knows its digest only.
func replaces(prior, plan *model) []string {
	if digest, known := planned(plan); known && digest == prior.SourceHash.ValueString() {
		return nil
	}
	var names []string
	if !plan.BaseImage.Equal(prior.BaseImage) {
		names = append(names, "base")
	}
	if !plan.Roles.Equal(prior.Roles) {
		names = append(names, "roles")
	}
	if len(names) == 0 {
		names = append(names, "source_hash")
	}
	return names
}

// outdated tells that the state's image is not what this provider makes of the
// same configuration.
func outdated(state map[string]tftypes.Value) bool {
	var base, had string
	var elements []tftypes.Value
	if state["base"].As(&base) != nil || state["source_hash"].As(&had) != nil || state["roles"].As(&elements) != nil {
		return true
	}
	var roles []string
	for _, element := range elements {
		var role string
		if element.As(&role) != nil {
			return true
		}
		roles = append(roles, role)
	}
	slices.Sort(roles)
	digest, err := source(base, roles)
	return err != nil || digest != had
}

// review fills in the digest, and finds a size for the temporary machine.
func review(ctx context.Context, r *service.Review[model]) {
	digest, known := planned(r.Plan)
	switch {
	case !known:
		r.Plan.SourceHash = types.StringUnknown()
	case r.Final && r.Plan.SourceHash.ValueString() != digest && !r.Plan.SourceHash.IsUnknown():
		r.Diags.AddAttributeError(path.Root("source_hash"), "Planned by another version",
			"The plan was made by a provider with another version of the hardening profile. Make a new plan.")
		return
	default:
		r.Plan.SourceHash = types.StringValue(digest)
	}
	// What exists needs no machine.
	if r.Prior != nil && len(replaces(r.Prior, r.Plan)) == 0 {
		return
	}
	location, err := cloud.ParseLocation(r.Plan.Location.ValueString())
	if err != nil || !known {
		return
	}
	driver, err := r.Env.Clouds.Driver(location.Cloud)
	if err != nil {
		return // reported where all objects are judged, or not known yet
	}
	if _, err := cloud.ImagesOf(driver); err != nil {
		r.Diags.Append(service.Explain(err, "make an image", func(string) bool { return true }))
		return
	}
	if text, err := script(texts(r.Plan.Roles)); err == nil && len(text) > driver.Capabilities().MaxUserDataBytes {
		r.Diags.AddAttributeError(path.Root("roles"), "Too much for user data", userDataTooLong(text, driver.Capabilities().MaxUserDataBytes).Error())
	}
	if !r.Plan.ServerType.IsNull() {
		return
	}
	want := cloud.Size{CPUs: 1, MemoryGB: leastGB, Architecture: cloud.ArchX86}
	sold, err := driver.ServerTypes(cloud.WithPriority(ctx, cloud.PriorityPaid), location)
	if err == nil {
		if fitting := cloud.Fitting(sold, want); len(fitting) > 0 {
			r.Plan.chosen = fitting[0].Name
			return
		}
		err = cloud.NoFit(sold, want, location)
	}
	r.Diags.Append(service.Explain(err, "choose a server type for the temporary machine", func(name string) bool { return name == "server_type" }))
}

// unused refuses to delete what a VM of the deployment was made from.
func unused(ctx context.Context, driver cloud.Driver, m *model, id cloud.ID) error {
	vms, err := driver.VMs().List(ctx, cloud.Filter{Deployment: m.Deployment.ValueString()})
	if err != nil {
		return err
	}
	var names []string
	for _, vm := range vms {
		if vm.Image == id.Native {
			names = append(names, fmt.Sprintf("%s (%s)", vm.Name, cloud.ID{Location: vm.Location, Native: vm.ID.Native}))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return &cloud.Error{Code: cloud.CodeInUse, Cloud: id.Location.Cloud, Kind: cloud.KindImage, ID: id.Native, Doing: "delete image",
		Message: "a VM was made from it: " + strings.Join(names, ", "),
		Remedy:  "The image is kept, and the next apply tries again. Replace or remove the VM first; with create_before_destroy in the image, a VM that names it in image_id is replaced before the old image goes."}
}
