package vm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// imageOf is what a machine is made from in the vendor's words: a name, or the
// native id of an image.
func imageOf(m *model) string {
	if id, err := cloud.ParseID(m.ImageID.ValueString()); err == nil {
		return id.Native
	}
	return m.Image.ValueString()
}

// otherImage tells whether a plan wants another image than the machine was made
// from. Images are their cloud's, so that the location in an image's id may
// change while the image does not. What an imported machine was made from may
// not be known.
func otherImage(prior, plan *model) bool {
	if plan.ImageID.IsUnknown() || plan.Image.IsUnknown() {
		return true
	}
	had := imageOf(prior)
	return had != "" && had != imageOf(plan)
}

// imageAttribute is the attribute that a changed image is seen on.
func imageAttribute(prior, plan *model) string {
	if plan.ImageID.Equal(prior.ImageID) {
		return "image"
	}
	return "image_id"
}

// checkImage judges how the image is named. Only a configuration is judged,
// which has no id: an imported machine has a name in the state beside the id
// that the configuration gives.
func checkImage(m *model, diags *diag.Diagnostics) {
	if service.Known(m.Image) && strings.TrimSpace(m.Image.ValueString()) == "" {
		diags.AddAttributeError(path.Root("image"), "No image", "The image has no name. Write the name of one of the vendor's images, for example \"debian-12\".")
	}
	if m.ID.IsNull() {
		switch {
		case m.Image.IsNull() && m.ImageID.IsNull():
			diags.AddAttributeError(path.Root("image"), "No image", "Say what the VM is made from: image_id, the id of a holdfast_image, or image, the name of one of the vendor's images.")
		case !m.Image.IsNull() && !m.ImageID.IsNull():
			diags.AddAttributeError(path.Root("image_id"), "Two images", "The VM can be made from one image only. Give either image_id or image.")
		}
	}
	if !service.Known(m.ImageID) {
		return
	}
	id, err := cloud.ParseID(m.ImageID.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("image_id"), "Not an object's id",
			fmt.Sprintf("%q is not written <cloud>/<location>/<native id>, as in \"hetzner/fsn1/4711\". Use the id attribute of a holdfast_image.", m.ImageID.ValueString()))
		return
	}
	if location, err := cloud.ParseLocation(m.Location.ValueString()); err == nil && location.Cloud != id.Location.Cloud {
		diags.AddAttributeError(path.Root("image_id"), "Object of another cloud",
			fmt.Sprintf("The machine stands in %s, but the image %s is on %s. Declare a holdfast_image with a location of the machine's cloud.", location, id, id.Location.Cloud))
	}
}

// reviewImage reads the image of a machine that is to be made, and judges
// whether it can be: a machine that stays needs nothing of it any more. The
// zero value tells that nothing is known.
func reviewImage(ctx context.Context, r *service.Review[model], driver cloud.Driver, location cloud.Location) cloud.Image {
	stays := r.Prior != nil && r.Prior.Location.Equal(r.Plan.Location) && !otherImage(r.Prior, r.Plan)
	id, err := cloud.ParseID(r.Plan.ImageID.ValueString())
	if err != nil || stays || id.Location.Cloud != location.Cloud || r.Env.Lost.Contains(id.Location) {
		return cloud.Image{}
	}
	images, err := cloud.ImagesOf(driver)
	if err != nil {
		return cloud.Image{}
	}
	image, err := images.Get(ctx, id.Native)
	refuse := func(summary, detail string) { r.Diags.AddAttributeError(path.Root("image_id"), summary, detail) }
	switch want := r.Config.Architecture.ValueString(); {
	case cloud.IsNotFound(err):
		refuse("No such object", fmt.Sprintf("%s does not exist. Refer to the id of a holdfast_image that does.", id))
	case errors.Is(err, context.Canceled):
		r.Diags.AddError("Interrupted", "The check of image_id was interrupted.")
	case err != nil:
		explained := service.Explain(err, "look at the image "+id.String(), nil)
		refuse(explained.Summary(), explained.Detail())
	case want != "" && image.Architecture != "" && want != string(image.Architecture):
		refuse("Image of another architecture", fmt.Sprintf("The image %s is for %s, and architecture = %q is asked for.", id, image.Architecture, want))
	default:
		return image
	}
	return cloud.Image{}
}

// suiting leaves out the types whose own disk is too small for the image, or
// whose architecture is another. A machine that has a type keeps it.
func suiting(types []cloud.ServerType, had *before, image cloud.Image) []cloud.ServerType {
	if had != nil || image.ID.IsZero() {
		return types
	}
	return slices.DeleteFunc(slices.Clone(types), func(t cloud.ServerType) bool {
		return t.DiskGB > 0 && t.DiskGB < image.MinDiskGB || image.Architecture != "" && t.Architecture != image.Architecture
	})
}
