package hetzner

import (
	"context"
	"maps"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// images is the noun image: snapshots of /images. They are one for the project,
// and machines of all locations can be made from them.
type images struct {
	d *Driver
	// builder is the server whose disk a create makes the image of.
	builder int64
}

var _ noun[cloud.ImageSpec, *hcloud.Image, cloud.Image] = images{}

func (images) kind() cloud.Kind                                    { return cloud.KindImage }
func (images) specMeta(spec cloud.ImageSpec) cloud.Meta            { return spec.Meta }
func (images) object(image cloud.Image) (cloud.Object, cloud.Meta) { return image.Object, image.Meta }
func (images) quiet(have *hcloud.Image) bool                       { return have.Status != hcloud.ImageStatusCreating }
func (images) adoptable(*hcloud.Image, cloud.ImageSpec) error      { return nil }
func (images) healthy(have cloud.Image, _ cloud.ImageSpec) bool {
	return have.Status == string(hcloud.ImageStatusAvailable)
}
func (images) rivals(context.Context, cloud.ImageSpec) ([]*hcloud.Image, error) { return nil, nil }

func (images) key(spec cloud.ImageSpec) string { return cloud.ImageKey(spec.Meta, spec.Source) }

func (images) at(image cloud.Image, location cloud.Location) cloud.Image {
	image.ID.Location = location
	return image
}

// observe: a snapshot has no name; its description says for people what it is.
func (images) observe(have *hcloud.Image) cloud.Image {
	image := cloud.Image{Status: string(have.Status), Architecture: cloud.Architecture(have.Architecture), MinDiskGB: int64(have.DiskSize)}
	image.Meta = cloud.MetaOf(Name, have.Labels)
	image.Protected = have.Protection.Delete
	if image.Name == "" {
		image.Name = native(have.ID)
	}
	image.Source = have.Labels[cloud.LabelSource]
	image.Object = objectOf(have.ID, have.Description, image.Meta, nil)
	image.Key = cloud.ImageKeyIn(have.Labels, image.Meta, image.Source)
	image.Created = have.Created
	return image
}

func (n images) create(ctx context.Context, spec cloud.ImageSpec) (cloud.Image, []*hcloud.Action, error) {
	result, resp, err := n.d.client.Server.CreateImage(ctx, &hcloud.Server{ID: n.builder}, &hcloud.ServerCreateImageOpts{
		Type: hcloud.ImageTypeSnapshot, Description: new(describeImage(spec)), Labels: cloud.ImageLabels(spec)})
	if err != nil {
		return cloud.Image{}, nil, answered(resp, err)
	}
	made := n.at(n.observe(result.Image), spec.Location)
	made.Status = string(hcloud.ImageStatusAvailable)
	return made, []*hcloud.Action{result.Action}, nil
}

// describeImage is the vendor-side name: with the source's beginning, since two
// images of one name may be there for a while.
func describeImage(spec cloud.ImageSpec) string {
	return nativeName(cloud.KindImage, spec.Meta) + "-" + spec.Source[:min(len(spec.Source), 8)]
}

func (n images) read(ctx context.Context, id int64) (*hcloud.Image, bool, error) {
	have, resp, err := n.d.client.Image.GetByID(ctx, id)
	// The vendor's own images are nobody's to manage.
	return have, have != nil && have.Type == hcloud.ImageTypeSnapshot, answered(resp, err)
}

func (n images) page(ctx context.Context, options hcloud.ListOpts, _ string) ([]*hcloud.Image, *hcloud.Response, error) {
	return n.d.client.Image.List(ctx, hcloud.ImageListOpts{ListOpts: options, Type: []hcloud.ImageType{hcloud.ImageTypeSnapshot}, Sort: byID()})
}

func (n images) running(ctx context.Context, id int64) ([]*hcloud.Action, error) {
	return many(n.d.client.Image.Action.ListFor(ctx, &hcloud.Image{ID: id}, runningActions()))
}

func (images) plan(current cloud.Image, want cloud.ImageSpec) ([]step, error) {
	if current.Source != want.Source {
		return nil, unsupported(cloud.KindImage, current.ID.Native, "source_hash", "an image keeps what it was made of")
	}
	var steps []step
	if current.NativeName != describeImage(want) || !maps.Equal(cloud.ImageLabels(cloud.ImageSpec{Meta: current.Meta, Source: current.Source}), cloud.ImageLabels(want)) {
		steps = append(steps, describe{Description: describeImage(want), Labels: cloud.ImageLabels(want)})
	}
	return append(steps, protectIfNeeded(cloud.KindImage, current.Meta, want.Meta)...), nil
}

func (images) merge(current cloud.Image, want cloud.ImageSpec) cloud.Image {
	current.Object, current.Meta = mergedMeta(cloud.KindImage, current.Object, want.Meta)
	current.NativeName = describeImage(want)
	return current
}

func (n images) remove(ctx context.Context, id int64) error {
	return n.d.whileBusy(ctx, func() error {
		return answered(n.d.client.Image.Delete(ctx, &hcloud.Image{ID: id}))
	})
}

// describe sets what an image is called and its labels.
type describe struct {
	Description string
	Labels      map[string]string
}

func (describe) String() string { return "set the description and labels of image" }

func (s describe) run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error) {
	_, resp, err := d.client.Image.Update(ctx, &hcloud.Image{ID: id}, hcloud.ImageUpdateOpts{Description: &s.Description, Labels: s.Labels})
	return nil, answered(resp, err)
}
