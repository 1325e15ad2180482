package google

import (
	"context"
	"maps"
	"strings"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// images is the noun image: those of the project. They are global, and machines
// of all zones can be made from them.
type images struct {
	d *Driver
	// disk is the path of the disk that a create makes the image of.
	disk string
}

var _ noun[cloud.ImageSpec, *computepb.Image, cloud.Image] = images{}

// imageReady is the vendor's status of an image that can be used.
const imageReady = "READY"

func (images) kind() cloud.Kind                                    { return cloud.KindImage }
func (images) specMeta(spec cloud.ImageSpec) cloud.Meta            { return spec.Meta }
func (images) object(image cloud.Image) (cloud.Object, cloud.Meta) { return image.Object, image.Meta }
func (images) observe(have *computepb.Image) cloud.Image           { return imageFrom(have) }
func (images) native(spec cloud.ImageSpec) string                  { return imageName(spec) }
func (images) adoptable(*computepb.Image, cloud.ImageSpec) error   { return nil }
func (images) healthy(have cloud.Image, _ cloud.ImageSpec) bool    { return have.Status == imageReady }

func (images) at(image cloud.Image, location cloud.Location) cloud.Image {
	image.ID.Location = location
	return image
}

// imageName is the native name: of another source, another one.
func imageName(spec cloud.ImageSpec) string {
	return spec.Name + "-" + spec.Source[:min(len(spec.Source), 8)]
}

func imageFrom(have *computepb.Image) cloud.Image {
	image := cloud.Image{Status: have.GetStatus(), MinDiskGB: have.GetDiskSizeGb(), Architecture: cloud.ArchX86}
	if have.GetArchitecture() == computepb.Image_ARM64.String() {
		image.Architecture = cloud.ArchARM
	}
	image.Meta = metaOf(have.GetName(), "", have.GetLabels(), false)
	image.Source = have.GetLabels()[cloud.LabelSource]
	image.Object = objectOf(have.GetName(), have.GetCreationTimestamp(), image.Meta, nil)
	image.Key = cloud.ImageKeyIn(have.GetLabels(), image.Meta, image.Source)
	return image
}

func (n images) create(ctx context.Context, spec cloud.ImageSpec) (cloud.Image, []cloud.Operation, error) {
	name := imageName(spec)
	operations, err := n.d.write(ctx, func(request *string) (*compute.Operation, error) {
		return n.d.api.images.Insert(ctx, &computepb.InsertImageRequest{Project: n.d.project, RequestId: request,
			ImageResource: &computepb.Image{Name: &name, Description: new("Made by Holdfast from " + spec.Base), SourceDisk: &n.disk, Labels: cloud.ImageLabels(spec)}})
	})
	if err != nil {
		return cloud.Image{}, nil, err
	}
	made := cloud.Image{Object: objectOf(name, "", spec.Meta, nil), Status: imageReady}
	made.Meta, made.Source = spec.Meta, spec.Source
	made.Key = cloud.KeyOf(cloud.KindImage, spec.Meta, true)
	made.Labels, made.Protected = maps.Clone(spec.Labels), false
	return made, operations, nil
}

func (n images) read(ctx context.Context, id cloud.ID) (*computepb.Image, bool, error) {
	have, err := n.d.api.images.Get(ctx, &computepb.GetImageRequest{Project: n.d.project, Image: id.Native})
	return have, err == nil, err
}

func (n images) list(ctx context.Context, filter cloud.Filter) ([]*computepb.Image, error) {
	request := &computepb.ListImagesRequest{Project: n.d.project, MaxResults: new(uint32(maxResults))}
	if expression := labelFilter(filter); expression != "" {
		request.Filter = &expression
	}
	return all(n.d.api.images.List(ctx, request).Next)
}

func (images) plan(current cloud.Image, want cloud.ImageSpec) ([]step, error) {
	if current.Source != want.Source {
		return nil, unsupported(cloud.KindImage, current.ID.Native, "source_hash", "an image keeps what it was made of")
	}
	if maps.Equal(cloud.ImageLabels(cloud.ImageSpec{Meta: current.Meta, Source: current.Source}), cloud.ImageLabels(want)) {
		return nil, nil
	}
	return []step{labelImage{cloud.ImageLabels(want)}}, nil
}

func (images) merge(current cloud.Image, want cloud.ImageSpec) cloud.Image {
	current.Object, current.Meta = mergedMeta(current.Object, want.Meta)
	current.Protected = false // the vendor does not protect images
	return current
}

func (n images) remove(ctx context.Context, native string) error {
	return n.d.done(ctx, func(request *string) (*compute.Operation, error) {
		return n.d.api.images.Delete(ctx, &computepb.DeleteImageRequest{Project: n.d.project, Image: native, RequestId: request})
	})
}

// labelImage sets an image's labels.
type labelImage struct{ Labels map[string]string }

func (labelImage) String() string { return "set the labels of image" }

func (s labelImage) run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error) {
	var operations []cloud.Operation
	err := d.fresh(ctx, func() error {
		have, _, err := images{d: d}.read(ctx, id)
		if err != nil {
			return err
		}
		operations, err = d.write(ctx, func(request *string) (*compute.Operation, error) {
			return d.api.images.SetLabels(ctx, &computepb.SetLabelsImageRequest{Project: d.project, Resource: id.Native,
				GlobalSetLabelsRequestResource: &computepb.GlobalSetLabelsRequest{Labels: s.Labels, LabelFingerprint: new(have.GetLabelFingerprint())}})
		})
		return err
	})
	return operations, err
}

// lastLines gives the end of a text, of at most count lines.
func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r", "")), "\n")
	return strings.Join(lines[max(len(lines)-count, 0):], "\n")
}
