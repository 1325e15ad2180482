package google

import (
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Disk is a stored zonal persistent disk. Which instances use it is stored with
// them (Instance.Disks).
type Disk struct {
	Resource
	SizeGB                int64          `json:"size_gb"`
	Type                  string         `json:"type"` // its name: "pd-balanced"
	SourceImage           string         `json:"source_image,omitempty"`
	SourceImageID         string         `json:"source_image_id,omitempty"`
	SourceDisk            string         `json:"source_disk,omitempty"`
	SourceDiskID          string         `json:"source_disk_id,omitempty"`
	Architecture          string         `json:"architecture,omitempty"`
	GuestOSFeatures       []string       `json:"guest_os_features,omitempty"`
	Licenses              []string       `json:"licenses,omitempty"`
	EncryptionKey         *encryptionKey `json:"encryption_key,omitempty"`
	PhysicalBlockSize     int64          `json:"physical_block_size"`
	ProvisionedIOPS       int64          `json:"provisioned_iops,omitempty"`
	ProvisionedThroughput int64          `json:"provisioned_throughput,omitempty"`
	AccessMode            string         `json:"access_mode,omitempty"`
	LastAttach            time.Time      `json:"last_attach,omitzero"`
	LastDetach            time.Time      `json:"last_detach,omitzero"`
}

// Collection is the plural in paths.
func (d *Disk) Collection() string { return "disks" }

// Links is the index entry of the name.
func (d *Disk) Links() []engine.Ref { return []engine.Ref{nameLink(d)} }

func (d *Disk) has(feature string) bool { return slices.Contains(d.GuestOSFeatures, feature) }

const diskKind = "google_disk"

// diskRef points at a disk, also where disks themselves depend on it.
func diskRef(id int64) engine.Ref { return engine.Ref{Type: diskKind, ID: id} }

var disks = noun[Disk]{
	kind: engine.NewKind[Disk](diskKind), name: "disk", collection: "disks", variable: "disk",
	levels: []string{"zones"}, aggregated: true,
}

type diskView struct {
	Kind                  string            `json:"kind"`
	ID                    uint64            `json:"id,string"`
	CreationTimestamp     string            `json:"creationTimestamp"`
	Name                  string            `json:"name"`
	Description           string            `json:"description,omitempty"`
	SizeGB                Int64             `json:"sizeGb"`
	Zone                  string            `json:"zone"`
	Status                string            `json:"status"`
	SourceImage           string            `json:"sourceImage,omitempty"`
	SourceImageID         string            `json:"sourceImageId,omitempty"`
	SourceDisk            string            `json:"sourceDisk,omitempty"`
	SourceDiskID          string            `json:"sourceDiskId,omitempty"`
	SelfLink              string            `json:"selfLink"`
	Type                  string            `json:"type"`
	Licenses              []string          `json:"licenses,omitempty"`
	GuestOSFeatures       []osFeature       `json:"guestOsFeatures,omitempty"`
	LastAttachTimestamp   string            `json:"lastAttachTimestamp,omitempty"`
	LastDetachTimestamp   string            `json:"lastDetachTimestamp,omitempty"`
	Users                 []string          `json:"users,omitempty"`
	Labels                map[string]string `json:"labels,omitempty"`
	LabelFingerprint      string            `json:"labelFingerprint"`
	DiskEncryptionKey     *encryptionKey    `json:"diskEncryptionKey,omitempty"`
	PhysicalBlockSize     Int64             `json:"physicalBlockSizeBytes"`
	ProvisionedIOPS       *Int64            `json:"provisionedIops,omitempty"`
	ProvisionedThroughput *Int64            `json:"provisionedThroughput,omitempty"`
	Architecture          string            `json:"architecture,omitempty"`
	AccessMode            string            `json:"accessMode,omitempty"`
	EnableConfidential    bool              `json:"enableConfidentialCompute"`
	SatisfiesPzi          bool              `json:"satisfiesPzi"`
	SatisfiesPzs          bool              `json:"satisfiesPzs"`
}

func viewDisk(c *call, d *Disk) any {
	v := diskView{Kind: "compute#disk", ID: d.number(), CreationTimestamp: stamp(d.Created), Name: d.Name,
		Description: d.Description, SizeGB: Int64(d.SizeGB), Zone: scopeLink(&d.Resource), Status: c.diskStatus(d),
		SourceImageID: d.SourceImageID, SourceDiskID: d.SourceDiskID, SelfLink: linkTo(d), Type: zonalLink(&d.Resource, "diskTypes", d.Type),
		GuestOSFeatures: featureViews(d.GuestOSFeatures), LastAttachTimestamp: stamp(d.LastAttach), LastDetachTimestamp: stamp(d.LastDetach),
		Labels: d.Labels, LabelFingerprint: fingerprint(d.Labels), DiskEncryptionKey: d.EncryptionKey,
		PhysicalBlockSize: Int64(d.PhysicalBlockSize), ProvisionedIOPS: orAbsent(d.ProvisionedIOPS),
		ProvisionedThroughput: orAbsent(d.ProvisionedThroughput), Architecture: d.Architecture, AccessMode: d.AccessMode, Licenses: d.Licenses}
	if d.SourceImage != "" {
		v.SourceImage = base + d.SourceImage
	}
	if d.SourceDisk != "" {
		v.SourceDisk = base + d.SourceDisk
	}
	for _, u := range users(c.tx, d.Project, diskRef(d.ID)) {
		v.Users = append(v.Users, linkTo(u))
	}
	return v
}

// diskStatus is CREATING until the disk's insertion has ended and DELETING while
// its deletion is under way.
func (c *call) diskStatus(d *Disk) string {
	switch a := c.tx.Holder(diskRef(d.ID), 0); {
	case !d.Ready:
		return "CREATING"
	case a != nil && a.Command == "disks.delete":
		return "DELETING"
	}
	return "READY"
}

// scopeLink is the link of the zone that a resource stands in.
func scopeLink(r *Resource) string { return base + "projects/" + r.Project + "/" + r.Scope }

// zonalLink is the link of a catalogue entry of the resource's zone.
func zonalLink(r *Resource, collection, name string) string {
	return scopeLink(r) + "/" + collection + "/" + name
}

func orAbsent(n int64) *Int64 {
	if n == 0 {
		return nil
	}
	return ptr(Int64(n))
}

func featureViews(features []string) []osFeature {
	var out []osFeature
	for _, f := range features {
		out = append(out, osFeature{Type: f})
	}
	return out
}
