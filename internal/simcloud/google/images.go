package google

import (
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Image is an image that disks are made from: one of a stock project, from the
// catalogue, or one of the project's own.
type Image struct {
	Resource
	Family       string   `json:"family,omitempty"`
	DiskGB       int64    `json:"disk_gb"`
	ArchiveBytes int64    `json:"archive_bytes,omitempty"`
	Architecture string   `json:"architecture"`
	Features     []string `json:"features,omitempty"` // guestOsFeatures
	Licenses     []string `json:"licenses,omitempty"`
	Deprecated   string   `json:"deprecated,omitempty"` // state: DEPRECATED, OBSOLETE
	Replacement  string   `json:"replacement,omitempty"`
	Published    string   `json:"published,omitempty"` // of stock images
	SourceDisk   string   `json:"source_disk,omitempty"`
	SourceDiskID string   `json:"source_disk_id,omitempty"`
	SourceImage  string   `json:"source_image,omitempty"`
	// StorageLocations is empty where the vendor chooses.
	StorageLocations []string `json:"storage_locations,omitempty"`
}

// Collection is "images".
func (m *Image) Collection() string { return "images" }

// Links let an image be found.
func (m *Image) Links() []engine.Ref { return []engine.Ref{nameLink(m)} }

var images = noun[Image]{kind: engine.NewKind[Image]("google_image"), name: "image", collection: "images", variable: "image",
	levels: []string{global}}

func imageModule() module {
	return module{
		kinds: []engine.AnyKind{images.kind},
		routes: []*route{
			{method: http.MethodGet, path: "projects/{project}/global/images/family/{family}", group: groupRead, do: func(c *call) (any, error) {
				return c.shownImage(c.project, "family/"+c.vars["family"])
			}},
			{method: http.MethodGet, path: "projects/{project}/global/images/{image}", group: groupRead, do: func(c *call) (any, error) {
				return c.shownImage(c.project, c.vars["image"])
			}},
			{method: http.MethodGet, path: "projects/{project}/global/images", group: groupList, do: func(c *call) (any, error) {
				var rows []row
				for _, m := range c.imagesOf(c.project) {
					rows = append(rows, row{name: m.Name, id: m.ID, labels: m.Labels, view: func() any { return viewImage(c, m) }})
				}
				return list(c, "image", rows)
			}},
			{method: http.MethodPost, path: "projects/{project}/global/images", do: insertImage},
			{method: http.MethodDelete, path: "projects/{project}/global/images/{image}", do: deleteImage},
			{method: http.MethodPatch, path: "projects/{project}/global/images/{image}", do: patchImage},
			{method: http.MethodPost, path: "projects/{project}/global/images/{image}/setLabels", do: setImageLabels},
			{method: http.MethodPost, path: "projects/{project}/global/images/{image}/deprecate", do: deprecateImage},
		},
		completions: map[string]engine.Completion{
			"images.insert": inserted(images, nil), "images.delete": deleted(images),
			"images.patch": changed(images, applyImage), "images.setLabels": changed(images, applyImage),
			"images.deprecate": changed(images, applyImage),
		},
		// Assumed: see module.
		durations: map[string]time.Duration{
			"images.insert": 40 * time.Second, "images.delete": 5 * time.Second, "images.patch": 2 * time.Second,
			"images.setLabels": 2 * time.Second, "images.deprecate": 2 * time.Second,
		},
		usage: map[string]func(tx *engine.Tx, project, region string) float64{"IMAGES": counted(images)},
	}
}

// stockProjects are the vendor's projects with public images.
var stockProjects = map[string]bool{"debian-cloud": true, "ubuntu-os-cloud": true, "rocky-linux-cloud": true, "cos-cloud": true}

// stockProject tells whether everybody may read the project, and nobody write.
func stockProject(name string) bool { return stockProjects[name] }

// imagesOf are the images of a project.
func (c *call) imagesOf(project string) []*Image {
	if !stockProject(project) {
		return images.kind.All(c.tx, project)
	}
	var out []*Image
	for _, m := range c.api.cat.Images {
		if m.Project == project {
			out = append(out, m)
		}
	}
	return out
}

// image is a project's image of that name, or the newest of a family that is
// not deprecated when the name begins with family/; nil when there is none.
func (c *call) image(project, name string) *Image {
	family, byFamily := strings.CutPrefix(name, "family/")
	var found *Image
	for _, m := range c.imagesOf(project) {
		switch {
		case !byFamily && m.Name == name:
			return m
		case byFamily && m.Family == family && m.Deprecated == "" && m.Ready && (found == nil || newer(m, found)):
			found = m
		}
	}
	return found
}

func newer(a, b *Image) bool {
	if a.Published != b.Published {
		return a.Published > b.Published
	}
	return a.ID > b.ID
}

func (c *call) shownImage(project, name string) (any, error) {
	m := c.image(project, name)
	if m == nil {
		return nil, notFound("projects/" + project + "/global/images/" + name)
	}
	return viewImage(c, m), nil
}

// resolveImage is the image that a field refers to, by name or by family.
func (c *call) resolveImage(field, value string) (*Image, error) {
	r, err := c.parse(field, value)
	if err != nil {
		return nil, err
	}
	name := r.name
	switch r.collection {
	case "images":
	case "images/family":
		name = "family/" + name
	default:
		return nil, invalid(field, value, "The URL is malformed.")
	}
	m := c.image(r.project, name)
	switch {
	case m == nil, r.project != c.project && !stockProject(r.project):
		return nil, notFound("projects/" + r.project + "/global/images/" + name)
	case !m.Ready:
		return nil, notReady(m)
	case m.Deprecated == "OBSOLETE":
		return nil, invalid(field, value, "The image is obsolete.")
	}
	return m, nil
}

func viewImage(_ *call, m *Image) any {
	features := make([]map[string]string, 0, len(m.Features))
	for _, f := range m.Features {
		features = append(features, map[string]string{"type": f})
	}
	created := m.Published
	if created == "" {
		created = stamp(m.Created)
	}
	status := "PENDING"
	if m.Ready {
		status = "READY"
	}
	out := map[string]any{"kind": "compute#image", "id": uintString(m.number()), "creationTimestamp": created, "name": m.Name,
		"description": m.Description, "sourceType": "RAW", "status": status, "diskSizeGb": Int64(m.DiskGB),
		"archiveSizeBytes": Int64(m.ArchiveBytes), "guestOsFeatures": features,
		"labelFingerprint": fingerprint(m.Labels), "selfLink": linkTo(m), "storageLocations": []string{"us", "eu", "asia"}}
	if m.Architecture != "" { // of a disk that was empty, nobody knows
		out["architecture"] = m.Architecture
	}
	if m.Family != "" {
		out["family"] = m.Family
	}
	if len(m.Labels) > 0 {
		out["labels"] = m.Labels
	}
	if len(m.Licenses) > 0 {
		out["licenses"] = m.Licenses
	}
	if m.SourceDisk != "" {
		out["sourceDisk"], out["sourceDiskId"] = base+m.SourceDisk, m.SourceDiskID
	}
	if m.SourceImage != "" {
		out["sourceImage"] = base + m.SourceImage
	}
	if len(m.StorageLocations) > 0 {
		out["storageLocations"] = m.StorageLocations
	}
	if m.Deprecated != "" {
		out["deprecated"] = map[string]string{"state": m.Deprecated, "replacement": m.Replacement}
	}
	return out
}
