package google

import (
	"slices"
	"strconv"
	"strings"
)

// diskRequest is the disk of an insert, an update or a patch.
type diskRequest struct {
	Name                      string            `json:"name"`
	Description               string            `json:"description"`
	SizeGB                    Int64             `json:"sizeGb"`
	Type                      string            `json:"type"`
	SourceImage               string            `json:"sourceImage"`
	SourceSnapshot            string            `json:"sourceSnapshot"`
	SourceDisk                string            `json:"sourceDisk"`
	SourceInstantSnapshot     string            `json:"sourceInstantSnapshot"`
	SourceStorageObject       string            `json:"sourceStorageObject"`
	Labels                    map[string]string `json:"labels"`
	DiskEncryptionKey         *encryptionKey    `json:"diskEncryptionKey"`
	PhysicalBlockSize         Int64             `json:"physicalBlockSizeBytes"`
	ProvisionedIOPS           Int64             `json:"provisionedIops"`
	ProvisionedThroughput     Int64             `json:"provisionedThroughput"`
	Architecture              string            `json:"architecture"`
	AccessMode                string            `json:"accessMode"`
	GuestOSFeatures           []osFeature       `json:"guestOsFeatures"`
	Licenses                  []string          `json:"licenses"`
	ResourcePolicies          []string          `json:"resourcePolicies"`
	ReplicaZones              []string          `json:"replicaZones"`
	StoragePool               string            `json:"storagePool"`
	EnableConfidentialCompute bool              `json:"enableConfidentialCompute"`
}

func insertDisk(c *call) (any, error) {
	var in diskRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if q := c.query().Get("sourceImage"); q != "" && in.SourceImage == "" {
		in.SourceImage = q
	}
	d, err := c.buildDisk("resource.", &in)
	if err != nil {
		return nil, err
	}
	return disks.insert(c, d, nil)
}

// buildDisk makes the record of a new disk in the request's zone and checks that
// there is room for it. prefix is the path of its fields in the request; within
// an instance, some of them have other names.
func (c *call) buildDisk(prefix string, in *diskRequest) (*Disk, error) {
	d := &Disk{PhysicalBlockSize: 4096, AccessMode: in.AccessMode, Architecture: in.Architecture}
	d.Name, d.Description, d.Labels = in.Name, in.Description, in.Labels
	sizeField, typeField := prefix+"sizeGb", prefix+"type"
	if strings.HasSuffix(prefix, "initializeParams.") {
		sizeField, typeField = prefix+"diskSizeGb", prefix+"diskType"
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	if err := checkLabels(strings.TrimSuffix(prefix, "resource.")+"labels", in.Labels); err != nil {
		return nil, err
	}
	t := c.api.cat.diskType("pd-standard") // the vendor's default
	if in.Type != "" {
		var err error
		if t, err = c.resolveDiskType(typeField, in.Type); err != nil {
			return nil, err
		}
	}
	d.Type = t.Name
	sourceGB, err := c.diskSource(prefix, in, d)
	if err != nil {
		return nil, err
	}
	if d.SizeGB, err = checkDiskSize(sizeField, t, int64(in.SizeGB), sourceGB); err != nil {
		return nil, err
	}
	if d.ProvisionedIOPS, d.ProvisionedThroughput, err = provisioned(prefix, d.Type, int64(in.ProvisionedIOPS), int64(in.ProvisionedThroughput)); err != nil {
		return nil, err
	}
	if d.EncryptionKey, err = c.checkEncryption(prefix+"diskEncryptionKey", c.region(), in.DiskEncryptionKey); err != nil {
		return nil, err
	}
	if err := checkAccessMode(prefix+"accessMode", in.AccessMode, d.Type); err != nil {
		return nil, err
	}
	if b := int64(in.PhysicalBlockSize); b != 0 {
		if b != 4096 && b != 16384 {
			return nil, invalid(prefix+"physicalBlockSizeBytes", strconv.FormatInt(b, 10), "Must be 4096 or 16384.")
		}
		d.PhysicalBlockSize = b
	}
	return d, c.room(diskClasses[d.Type].quota, c.region(), float64(d.SizeGB))
}

// diskSource resolves the source of a new disk, takes over what it inherits from
// it, and answers the source's size in GB: 0 for an empty disk.
func (c *call) diskSource(prefix string, in *diskRequest, d *Disk) (int64, error) {
	if err := oneOf(prefix+"architecture", in.Architecture, "ARCHITECTURE_UNSPECIFIED", "ARM64", "X86_64"); err != nil {
		return 0, err
	}
	for _, f := range in.GuestOSFeatures {
		d.GuestOSFeatures = append(d.GuestOSFeatures, f.Type)
	}
	sources := 0
	for _, s := range []string{in.SourceImage, in.SourceSnapshot, in.SourceDisk, in.SourceInstantSnapshot, in.SourceStorageObject} {
		if s != "" {
			sources++
		}
	}
	if sources > 1 {
		return 0, invalid(strings.TrimSuffix(prefix, "."), "", "At most one source can be specified for a disk.")
	}
	if err := c.absentSources(prefix, in); err != nil {
		return 0, err
	}
	switch {
	case in.SourceDisk != "":
		src, err := resolve(c, disks, prefix+"sourceDisk", in.SourceDisk)
		if err != nil {
			return 0, err
		}
		if src.Scope != c.scope {
			return 0, invalid(prefix+"sourceDisk", in.SourceDisk, "The source disk must be in the same zone as the new disk.")
		}
		d.SourceDisk, d.SourceDiskID = pathOf(src), uintString(src.number())
		d.SourceImage, d.SourceImageID, d.Licenses = src.SourceImage, src.SourceImageID, src.Licenses
		d.inherit(src.Architecture, src.GuestOSFeatures)
		return src.SizeGB, nil
	case in.SourceImage != "":
		m, err := c.resolveImage(prefix+"sourceImage", in.SourceImage)
		if err != nil {
			return 0, err
		}
		d.SourceImage, d.SourceImageID, d.Licenses = pathOf(m), uintString(m.number()), m.Licenses
		d.inherit(m.Architecture, m.Features)
		return m.DiskGB, nil
	}
	return 0, nil
}

func (d *Disk) inherit(architecture string, features []string) {
	if d.Architecture == "" || d.Architecture == "ARCHITECTURE_UNSPECIFIED" {
		d.Architecture = architecture
	}
	for _, f := range features {
		if !slices.Contains(d.GuestOSFeatures, f) {
			d.GuestOSFeatures = append(d.GuestOSFeatures, f)
		}
	}
}

// absentSources refuses references to what this cloud has none of, in the
// way in which the vendor refuses what is not there.
func (c *call) absentSources(prefix string, in *diskRequest) error {
	for _, s := range []struct{ field, value, noun string }{
		{"sourceSnapshot", in.SourceSnapshot, "snapshot"},
		{"sourceInstantSnapshot", in.SourceInstantSnapshot, "instantSnapshot"},
		{"storagePool", in.StoragePool, "storagePool"},
	} {
		if s.value != "" {
			return invalid(prefix+s.field, s.value, "The referenced %s resource cannot be found.", strings.ToLower(s.noun))
		}
	}
	if len(in.ResourcePolicies) > 0 {
		return invalid(prefix+"resourcePolicies[0]", in.ResourcePolicies[0], "The referenced resourcepolicy resource cannot be found.")
	}
	if in.SourceStorageObject != "" {
		return invalid(prefix+"sourceStorageObject", in.SourceStorageObject, "The referenced object cannot be found.")
	}
	if len(in.ReplicaZones) > 0 {
		return invalid(prefix+"replicaZones", in.ReplicaZones[0], "Replica zones are only allowed for regional disks.")
	}
	return nil
}
