package google

import (
	"slices"
	"strconv"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// imageRequest is the image of an insert or a patch.
type imageRequest struct {
	Name             string            `json:"name"`
	Description      string            `json:"description"`
	Family           string            `json:"family"`
	Labels           map[string]string `json:"labels"`
	Architecture     string            `json:"architecture"`
	DiskSizeGB       Int64             `json:"diskSizeGb"`
	GuestOSFeatures  []osFeature       `json:"guestOsFeatures"`
	Licenses         []string          `json:"licenses"`
	SourceDisk       string            `json:"sourceDisk"`
	SourceImage      string            `json:"sourceImage"`
	SourceSnapshot   string            `json:"sourceSnapshot"`
	StorageLocations []string          `json:"storageLocations"`
	RawDisk          *rawDisk          `json:"rawDisk"`
}

// rawDisk is an archive in a bucket that an image is made of.
type rawDisk struct {
	Source        string `json:"source"`
	SHA1          string `json:"sha1Checksum"`
	ContainerType string `json:"containerType"`
}

// insertImage makes an image of a disk, or of another image. One that is in use
// by an instance which runs is refused, unless forceCreate says that the risk is
// known (https://cloud.google.com/compute/docs/images/create-custom).
func insertImage(c *call) (any, error) {
	var in imageRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := c.checkImage(&in); err != nil {
		return nil, err
	}
	force, err := c.boolParam("forceCreate")
	if err != nil {
		return nil, err
	}
	m := &Image{Family: in.Family, Architecture: in.Architecture, Licenses: in.Licenses, StorageLocations: in.StorageLocations}
	m.Name, m.Description, m.Labels = in.Name, in.Description, in.Labels
	for _, f := range in.GuestOSFeatures {
		m.Features = append(m.Features, f.Type)
	}
	if err := c.imageSource(&in, m, force); err != nil {
		return nil, err
	}
	if size := int64(in.DiskSizeGB); size != 0 {
		if size < m.DiskGB {
			return nil, invalid("resource.diskSizeGb", strconv.FormatInt(size, 10), "The image's disk size must not be smaller than its source's, %d GB.", m.DiskGB)
		}
		m.DiskGB = size
	}
	if err := c.room("IMAGES", "", 1); err != nil {
		return nil, err
	}
	return images.insert(c, m, nil)
}

func (c *call) checkImage(in *imageRequest) error {
	if err := checkDescription(in.Description); err != nil {
		return err
	}
	if err := checkLabels("resource.labels", in.Labels); err != nil {
		return err
	}
	if in.Family != "" {
		if err := checkName("resource.family", in.Family); err != nil {
			return err
		}
	}
	if len(in.StorageLocations) > 1 {
		return invalid("resource.storageLocations", "", "At most one storage location can be specified.")
	}
	return oneOf("resource.architecture", in.Architecture, "ARCHITECTURE_UNSPECIFIED", "ARM64", "X86_64")
}

// imageSource resolves the one source of a new image, and takes over what it
// inherits.
func (c *call) imageSource(in *imageRequest, m *Image, force bool) error {
	sources := 0
	for _, named := range []bool{in.SourceDisk != "", in.SourceImage != "", in.SourceSnapshot != "", in.RawDisk != nil} {
		if named {
			sources++
		}
	}
	switch {
	case sources == 0:
		return invalid("resource", "", "An image needs a source: sourceDisk, sourceImage, sourceSnapshot or rawDisk.")
	case sources > 1:
		return invalid("resource", "", "Exactly one of sourceDisk, sourceImage, sourceSnapshot and rawDisk can be specified.")
	case in.SourceSnapshot != "":
		return invalid("resource.sourceSnapshot", in.SourceSnapshot, "The referenced snapshot resource cannot be found.")
	case in.RawDisk != nil:
		// Disks are not made of bytes here.
		return invalid("resource.rawDisk.source", in.RawDisk.Source, "The referenced object cannot be found.")
	case in.SourceImage != "":
		from, err := c.resolveImage("resource.sourceImage", in.SourceImage)
		if err != nil {
			return err
		}
		m.SourceImage, m.DiskGB, m.ArchiveBytes = pathOf(from), from.DiskGB, from.ArchiveBytes
		m.inherit(from.Architecture, from.Features, from.Licenses)
		return nil
	}
	d, err := resolve(c, disks, "resource.sourceDisk", in.SourceDisk)
	if err != nil {
		return err
	}
	if c.tx.Holder(diskRef(d.ID), 0) != nil || !d.Ready {
		return notReady(d)
	}
	for _, user := range users(c.tx, c.project, diskRef(d.ID)) {
		if i, ok := user.(*Instance); ok && !force && i.state(c.tx) != vmTerminated {
			return inUse(d, i)
		}
	}
	m.SourceDisk, m.SourceDiskID, m.DiskGB = pathOf(d), uintString(d.number()), d.SizeGB
	// An archive is as large as what was written; here, a tenth of the disk.
	m.ArchiveBytes = d.SizeGB << 30 / 10
	m.inherit(d.Architecture, d.GuestOSFeatures, d.Licenses)
	return nil
}

func (m *Image) inherit(architecture string, features, licenses []string) {
	if m.Architecture == "" || m.Architecture == "ARCHITECTURE_UNSPECIFIED" {
		m.Architecture = architecture
	}
	for _, f := range features {
		if !slices.Contains(m.Features, f) {
			m.Features = append(m.Features, f)
		}
	}
	if len(m.Licenses) == 0 {
		m.Licenses = licenses
	}
}

// imageChange is what operations on an image may change.
type imageChange struct {
	SetLabels   bool              `json:"set_labels,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Family      *string           `json:"family,omitempty"`
	Description *string           `json:"description,omitempty"`
	Deprecate   bool              `json:"deprecate,omitempty"`
	Deprecated  string            `json:"deprecated,omitempty"`
	Replacement string            `json:"replacement,omitempty"`
}

func applyImage(_ *engine.Tx, m *Image, p imageChange) *engine.ActionError {
	if p.SetLabels {
		m.Labels = p.Labels
	}
	if p.Family != nil {
		m.Family = *p.Family
	}
	if p.Description != nil {
		m.Description = *p.Description
	}
	if p.Deprecate {
		m.Deprecated, m.Replacement = p.Deprecated, p.Replacement
	}
	return nil
}

// deleteImage deletes an image, also one that disks were made from: they are
// copies.
func deleteImage(c *call) (any, error) {
	m, err := images.free(c)
	if err != nil {
		return nil, err
	}
	return images.start(c, "delete", m, nil)
}

func patchImage(c *call) (any, error) {
	m, err := images.free(c)
	if err != nil {
		return nil, err
	}
	var in imageRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := c.checkImage(&in); err != nil {
		return nil, err
	}
	var change imageChange
	if c.has("labels") {
		change.SetLabels, change.Labels = true, in.Labels
	}
	if c.has("family") {
		change.Family = &in.Family
	}
	if c.has("description") {
		change.Description = &in.Description
	}
	return images.start(c, "patch", m, change)
}

func setImageLabels(c *call) (any, error) {
	m, err := images.free(c)
	if err != nil {
		return nil, err
	}
	labels, err := c.newLabels(m.Labels)
	if err != nil {
		return nil, err
	}
	return images.start(c, "setLabels", m, imageChange{SetLabels: true, Labels: labels})
}

// deprecateImage tells users of an image to take another; ACTIVE takes that
// back.
func deprecateImage(c *call) (any, error) {
	m, err := images.free(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		State       string `json:"state"`
		Replacement string `json:"replacement"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := oneOf("state", in.State, "ACTIVE", "DEPRECATED", "OBSOLETE", "DELETED"); err != nil {
		return nil, err
	}
	if in.State == "ACTIVE" {
		in.State = ""
	}
	return images.start(c, "deprecate", m, imageChange{Deprecate: true, Deprecated: in.State, Replacement: in.Replacement})
}
