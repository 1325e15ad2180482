package google

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func diskModule() module {
	const all, one = "projects/{project}/zones/{zone}/disks", "projects/{project}/zones/{zone}/disks/{disk}"
	return module{
		kinds: []engine.AnyKind{disks.kind},
		routes: routes(disks.reads(viewDisk), []*route{
			{method: http.MethodPost, path: all, do: insertDisk},
			{method: http.MethodPost, path: all + "/bulkInsert", do: bulkInsertDisks},
			{method: http.MethodDelete, path: one, do: deleteDisk},
			{method: http.MethodPatch, path: one, do: updateDisk},
			{method: http.MethodPost, path: one + "/resize", do: resizeDisk},
			{method: http.MethodPost, path: one + "/setLabels", do: setDiskLabels},
			{method: http.MethodPost, path: one + "/updateKmsKey", do: updateDiskKey},
		}),
		completions: map[string]engine.Completion{
			"disks.insert":       inserted(disks, nil),
			"disks.delete":       deleted(disks),
			"disks.resize":       changed(disks, applyDisk),
			"disks.setLabels":    changed(disks, applyDisk),
			"disks.update":       changed(disks, applyDisk),
			"disks.updateKmsKey": changed(disks, applyDisk),
		},
		// Assumed: see module.
		durations: map[string]time.Duration{
			"disks.insert": 3 * time.Second, "disks.delete": 2 * time.Second, "disks.resize": 3 * time.Second,
			"disks.setLabels": time.Second, "disks.update": 2 * time.Second, "disks.updateKmsKey": 5 * time.Second,
		},
		usage: diskUsage(),
	}
}

// diskUsage counts the gigabytes of each class of disks in a region.
func diskUsage() map[string]func(tx *engine.Tx, project, region string) float64 {
	out := map[string]func(*engine.Tx, string, string) float64{}
	for _, class := range diskClasses {
		out[class.quota] = func(tx *engine.Tx, project, region string) float64 {
			used := int64(0)
			for _, d := range disks.kind.All(tx, project) {
				if diskClasses[d.Type].quota == class.quota && d.region() == region {
					used += d.SizeGB
				}
			}
			return float64(used)
		}
	}
	return out
}

// diskChange is what the operations on a disk may change, all at their end.
type diskChange struct {
	SizeGB        int64             `json:"size_gb,omitempty"`
	SetLabels     bool              `json:"set_labels,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	IOPS          int64             `json:"iops,omitempty"`
	Throughput    int64             `json:"throughput,omitempty"`
	AccessMode    string            `json:"access_mode,omitempty"`
	EncryptionKey *encryptionKey    `json:"encryption_key,omitempty"`
}

func applyDisk(_ *engine.Tx, d *Disk, p diskChange) *engine.ActionError {
	if p.SizeGB > 0 {
		d.SizeGB = p.SizeGB
	}
	if p.SetLabels {
		d.Labels = p.Labels
	}
	if p.IOPS > 0 {
		d.ProvisionedIOPS = p.IOPS
	}
	if p.Throughput > 0 {
		d.ProvisionedThroughput = p.Throughput
	}
	if p.AccessMode != "" {
		d.AccessMode = p.AccessMode
	}
	if p.EncryptionKey != nil {
		d.EncryptionKey = p.EncryptionKey
	}
	return nil
}

func deleteDisk(c *call) (any, error) {
	d, err := disks.free(c)
	if err != nil {
		return nil, err
	}
	if err := unused(c, disks, d, nil); err != nil {
		return nil, err
	}
	return disks.start(c, "delete", d, nil)
}

func resizeDisk(c *call) (any, error) {
	d, err := disks.free(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		SizeGB Int64 `json:"sizeGb"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if err := c.growDisk("sizeGb", d, int64(in.SizeGB)); err != nil {
		return nil, err
	}
	return disks.start(c, "resize", d, diskChange{SizeGB: int64(in.SizeGB)})
}

// growDisk refuses sizes that the disk cannot grow to.
func (c *call) growDisk(field string, d *Disk, size int64) error {
	switch {
	case size == 0:
		return required(field)
	case size <= d.SizeGB:
		return invalid(field, strconv.FormatInt(size, 10), "New disk size '%d' GB must be larger than existing size '%d' GB.", size, d.SizeGB)
	}
	if _, err := checkDiskSize(field, c.api.cat.diskType(d.Type), size, 0); err != nil {
		return err
	}
	return c.room(diskClasses[d.Type].quota, d.region(), float64(size-d.SizeGB))
}

func setDiskLabels(c *call) (any, error) {
	// The vendor's name of the placeholder is "resource"; the path is the same.
	d, err := disks.free(c)
	if err != nil {
		return nil, err
	}
	labels, err := c.newLabels(d.Labels)
	if err != nil {
		return nil, err
	}
	return disks.start(c, "setLabels", d, diskChange{SetLabels: true, Labels: labels})
}

// newLabels reads the body of a setLabels.
func (c *call) newLabels(old map[string]string) (map[string]string, error) {
	var in struct {
		Labels           map[string]string `json:"labels"`
		LabelFingerprint string            `json:"labelFingerprint"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.LabelFingerprint != fingerprint(old) {
		e := conditionNotMet("Labels fingerprint either invalid or resource labels have changed")
		e.Errors[0].Location, e.Errors[0].LocationType = "If-Match", "header"
		return nil, e
	}
	return in.Labels, checkLabels("labels", in.Labels)
}

// diskPaths are the fields that update can change, by their paths in the
// request's paths or updateMask.
var diskPaths = []string{"sizeGb", "labels", "provisionedIops", "provisionedThroughput", "accessMode"}

// diskFields are the fields that the request says it means; none: all in its
// body. The paths may be in camel case or, as of the protocol buffers, with
// underscores.
func (c *call) diskFields() ([]string, error) {
	var out []string
	for _, p := range append(slices.Clone(c.query()["paths"]), strings.Split(c.query().Get("updateMask"), ",")...) {
		words := strings.Split(strings.TrimSpace(p), "_")
		for k, w := range words[1:] {
			if w != "" {
				words[k+1] = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		switch field := strings.Join(words, ""); {
		case field == "":
		case !slices.Contains(diskPaths, field):
			return nil, invalid("paths", p, "The field cannot be updated.")
		default:
			out = append(out, field)
		}
	}
	return out, nil
}

func updateDisk(c *call) (any, error) {
	d, err := disks.free(c)
	if err != nil {
		return nil, err
	}
	var in diskRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	paths, err := c.diskFields()
	if err != nil {
		return nil, err
	}
	named := func(field string) bool {
		return slices.Contains(paths, field) || (len(paths) == 0 && c.has(field))
	}
	var change diskChange
	if named("sizeGb") && int64(in.SizeGB) != d.SizeGB {
		if err := c.growDisk("resource.sizeGb", d, int64(in.SizeGB)); err != nil {
			return nil, err
		}
		change.SizeGB = int64(in.SizeGB)
	}
	if named("labels") {
		if err := checkLabels("resource.labels", in.Labels); err != nil {
			return nil, err
		}
		change.SetLabels, change.Labels = true, in.Labels
	}
	if named("provisionedIops") || named("provisionedThroughput") {
		// What is not named stays; 0 asks for the default.
		iops, throughput := d.ProvisionedIOPS, d.ProvisionedThroughput
		if named("provisionedIops") {
			iops = int64(in.ProvisionedIOPS)
		}
		if named("provisionedThroughput") {
			throughput = int64(in.ProvisionedThroughput)
		}
		if change.IOPS, change.Throughput, err = provisioned("resource.", d.Type, iops, throughput); err != nil {
			return nil, err
		}
	}
	if named("accessMode") {
		if err := checkAccessMode("resource.accessMode", in.AccessMode, d.Type); err != nil {
			return nil, err
		}
		change.AccessMode = in.AccessMode
	}
	return disks.start(c, "update", d, change)
}

// updateDiskKey gives a disk under a key of the customer's another version of it.
func updateDiskKey(c *call) (any, error) {
	d, err := disks.free(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		KMSKeyName string `json:"kmsKeyName"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if d.EncryptionKey == nil || d.EncryptionKey.KMSKeyName == "" {
		return nil, badRequest("The disk '%s' is not encrypted with a customer-managed encryption key.", pathOf(d))
	}
	if in.KMSKeyName == "" { // the primary version of the same key
		in.KMSKeyName, _, _ = strings.Cut(d.EncryptionKey.KMSKeyName, "/cryptoKeyVersions/")
	}
	k, err := c.checkEncryption("resource", d.region(), &encryptionKey{KMSKeyName: in.KMSKeyName, KMSKeyServiceAccount: d.EncryptionKey.KMSKeyServiceAccount})
	if err != nil {
		return nil, err
	}
	return disks.start(c, "updateKmsKey", d, diskChange{EncryptionKey: k})
}

// bulkInsertDisks clones the disks of a consistency group. There are no resource
// policies here, so that the one named is never found.
func bulkInsertDisks(c *call) (any, error) {
	var in struct {
		Policy string `json:"sourceConsistencyGroupPolicy"`
	}
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Policy == "" {
		return nil, required("resource.sourceConsistencyGroupPolicy")
	}
	if _, err := c.parseAs("resource.sourceConsistencyGroupPolicy", in.Policy, "resourcePolicies"); err != nil {
		return nil, err
	}
	return nil, invalid("resource.sourceConsistencyGroupPolicy", in.Policy, "The referenced resourcepolicy resource cannot be found.")
}
