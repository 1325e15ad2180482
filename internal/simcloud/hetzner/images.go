package hetzner

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

type imageView struct {
	ID           int64             `json:"id"`
	Type         string            `json:"type"`
	Status       string            `json:"status"`
	Name         *string           `json:"name"`
	Description  string            `json:"description"`
	ImageSize    *float64          `json:"image_size"`
	DiskSize     float64           `json:"disk_size"`
	Created      timestamp         `json:"created"`
	CreatedFrom  *imageSource      `json:"created_from"`
	BoundTo      *int64            `json:"bound_to"`
	OSFlavor     string            `json:"os_flavor"`
	OSVersion    *string           `json:"os_version"`
	RapidDeploy  bool              `json:"rapid_deploy"`
	Protection   protectionView    `json:"protection"`
	Deprecated   *timestamp        `json:"deprecated"`
	Deleted      *timestamp        `json:"deleted"`
	Labels       map[string]string `json:"labels"`
	Architecture string            `json:"architecture"`
}

type imageSource struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type protectionView struct {
	Delete bool `json:"delete"`
}

func viewImage(i *Image) imageView {
	v := imageView{ID: i.ID, Type: i.Type, Status: i.Status, Name: orNull(i.Name), Description: i.Description,
		ImageSize: i.ImageSize, DiskSize: i.DiskSize, Created: timestamp(i.Created), BoundTo: orNull(i.BoundTo),
		OSFlavor: i.OSFlavor, OSVersion: orNull(i.OSVersion), RapidDeploy: i.RapidDeploy,
		Protection: protectionView{Delete: i.Protected}, Labels: labelsOf(i.Labels), Architecture: i.Architecture}
	if i.FromID != 0 {
		v.CreatedFrom = &imageSource{ID: i.FromID, Name: i.FromName}
	}
	if i.Deprecated != nil {
		v.Deprecated = ptr(timestamp(*i.Deprecated))
	}
	return v
}

func (a *API) imageRoutes() []*route {
	return append([]*route{
		{method: http.MethodGet, path: "/images", do: listImages},
		{method: http.MethodGet, path: "/images/{id}", do: getImage},
		{method: http.MethodPut, path: "/images/{id}", do: updateImage},
		{method: http.MethodDelete, path: "/images/{id}", do: deleteImage},
		{method: http.MethodPost, path: "/images/{id}/actions/change_protection", do: protectImage},
	}, resourceActionRoutes("images", images)...)
}

// allImages are the vendor's images and the project's own.
func (c *call) allImages() []*Image {
	return append(slices.Clone(c.api.cat.images), images.All(c.tx, c.project)...)
}

// image is the vendor's or the project's image of that id, or nil.
func (c *call) image(id int64) *Image {
	all := c.allImages()
	if i := slices.IndexFunc(all, func(i *Image) bool { return i.ID == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// imageFor finds the image that a server of an architecture is to be made from.
// A name means the vendor's image of that architecture; an id means that image,
// whatever its architecture is.
func (c *call) imageFor(x idOrName, architecture string) *Image {
	for _, i := range c.allImages() {
		if string(x) == strconv.FormatInt(i.ID, 10) || (i.Name != "" && i.Name == string(x) && i.Architecture == architecture) {
			return i
		}
	}
	return nil
}

func listImages(c *call) (any, error) {
	types, err := c.allowed("type", "system", "app", "snapshot", "backup", "temporary")
	if err != nil {
		return nil, err
	}
	status, err := c.allowed("status", "available", "creating", "unavailable")
	if err != nil {
		return nil, err
	}
	archs, err := c.allowed("architecture", "x86", "arm")
	if err != nil {
		return nil, err
	}
	rows, err := filtered(c, c.allImages())
	if err != nil {
		return nil, err
	}
	q := c.query()
	rows = slices.DeleteFunc(slices.Clone(rows), func(i *Image) bool {
		return (len(types) > 0 && !slices.Contains(types, i.Type)) ||
			(len(status) > 0 && !slices.Contains(status, i.Status)) ||
			(len(archs) > 0 && !slices.Contains(archs, i.Architecture)) ||
			(i.Deprecated != nil && q.Get("include_deprecated") != "true") ||
			(len(q["bound_to"]) > 0 && (i.BoundTo == 0 || !slices.Contains(q["bound_to"], strconv.FormatInt(i.BoundTo, 10))))
	})
	return page(c, "images", rows, recordOrders[Image]("id", "name", "created"), viewImage)
}

func getImage(c *call) (any, error) {
	i := c.image(c.id())
	if i == nil {
		return nil, notFound("image", c.id())
	}
	return map[string]any{"image": viewImage(i)}, nil
}

// ownImage is a private copy of the project's image in the path. The vendor's
// images cannot be changed.
func (c *call) ownImage() (*Image, error) {
	if own := images.Edit(c.tx, c.project, c.id()); own != nil {
		return own, nil
	}
	if c.image(c.id()) != nil {
		return nil, fail("invalid_input", "only images of type snapshot and backup can be changed")
	}
	return nil, notFound("image", c.id())
}

func updateImage(c *call) (any, error) {
	i, err := c.ownImage()
	if err != nil {
		return nil, err
	}
	var in struct {
		Description *string            `json:"description"`
		Type        *string            `json:"type"`
		Labels      *map[string]string `json:"labels"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	var v fields
	if in.Type != nil && *in.Type != "snapshot" {
		v.add("type", "must be one of: snapshot")
	}
	if in.Labels != nil {
		v.labels(*in.Labels)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if in.Description != nil {
		i.Description = *in.Description
	}
	if in.Type != nil {
		i.Type, i.BoundTo = "snapshot", 0
	}
	if in.Labels != nil {
		i.Labels = *in.Labels
	}
	return map[string]any{"image": viewImage(i)}, nil
}

func deleteImage(c *call) (any, error) {
	i, err := c.ownImage()
	if err != nil {
		return nil, err
	}
	if i.Protected {
		return nil, fail("protected", "image deletion is protected")
	}
	if err := c.unlocked("image", i.ID); err != nil {
		return nil, err
	}
	images.Delete(c.tx, i.ID)
	return nil, nil
}

func protectImage(c *call) (any, error) {
	i, err := c.ownImage()
	if err != nil {
		return nil, err
	}
	var in struct {
		Delete *bool `json:"delete"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if i.Type != "snapshot" {
		return nil, fail("invalid_input", "only snapshots can be protected")
	}
	if in.Delete != nil {
		i.Protected = *in.Delete
	}
	return c.actionAnswer(c.instant("change_protection", nil, engine.Ref{Type: "image", ID: i.ID}))
}

// stamp copies an image as it is now, for the server that is made from it.
func (i *Image) stamp() *Image {
	c := *i
	return &c
}

// gone tells whether no new server can be made from the image: the vendor
// allows it for three months after the deprecation.
func (i *Image) gone(now time.Time) bool {
	return i.Deprecated != nil && now.After(i.Deprecated.AddDate(0, 3, 0))
}
