package google

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// buildDisks makes the disks of a new instance: it fills i.Disks in and answers
// the records of those that have to be made, at the places of the former.
func (c *call) buildDisks(i *Instance, t *machineType, in []attachedDiskRequest) ([]*Disk, error) {
	if len(in) == 0 {
		return nil, invalid("resource.disks", "", "No disks are specified.")
	}
	if !in[0].Boot {
		return nil, invalid("resource.disks[0]", "", "Boot disk must be the first disk attached to the instance.")
	}
	made := make([]*Disk, len(in))
	var types []string
	needed := map[string]int64{}
	persistent := 0
	for k := range in {
		a, d, err := c.buildAttached(i, k, &in[k])
		if err != nil {
			return nil, err
		}
		typ := "local-ssd"
		switch {
		case d != nil:
			typ = d.Type
			// Each disk was checked alone; together they must fit as well.
			quota := diskClasses[typ].quota
			needed[quota] += d.SizeGB
			if err := c.room(quota, c.region(), float64(needed[quota])); err != nil {
				return nil, err
			}
		case a.Disk != 0:
			typ = disks.kind.Get(c.tx, c.project, a.Disk).Type
		}
		if typ != "local-ssd" {
			persistent++
		}
		types, made[k] = append(types, typ), d
		i.Disks = append(i.Disks, *a)
	}
	if persistent > t.maxDisks() {
		return nil, diskLimit(i, t)
	}
	return made, t.compatible(types)
}

func diskLimit(i *Instance, t *machineType) *Error {
	return fail(http.StatusForbidden, "limitExceeded", "Exceeded limit 'maximum_persistent_disks' on resource '%s'. Limit: %d.0", i.Name, t.maxDisks())
}

func (c *call) buildAttached(i *Instance, k int, in *attachedDiskRequest) (*AttachedDisk, *Disk, error) {
	field := fmt.Sprintf("resource.disks[%d]", k)
	a := &AttachedDisk{DeviceName: in.DeviceName, Boot: in.Boot, AutoDelete: in.AutoDelete, Mode: in.Mode, Interface: in.Interface}
	if err := c.checkAttached(field, i, a); err != nil {
		return nil, nil, err
	}
	if in.Boot && k > 0 {
		return nil, nil, invalid(field, "", "Only one boot disk can be attached to the instance.")
	}
	switch {
	case in.Type == "SCRATCH":
		return a, nil, c.buildScratch(field, a, in)
	case in.Type != "" && in.Type != "PERSISTENT":
		return nil, nil, invalid(field+".type", in.Type, "Must be PERSISTENT or SCRATCH.")
	case in.Source != "" && in.InitializeParams != nil:
		return nil, nil, invalid(field, "", "Cannot specify both source and initializeParams.")
	case in.Source != "":
		d, err := c.usableDisk(field, in)
		if err != nil {
			return nil, nil, err
		}
		if in.Boot && d.SourceImage == "" && d.SourceDisk == "" {
			return nil, nil, invalid(field+".source", in.Source, "The boot disk has no operating system.")
		}
		a.Disk = d.ID
		return a, nil, c.shareable(field, i, d, a)
	case in.InitializeParams == nil:
		return nil, nil, invalid(field, "", "Either source or initializeParams must be specified.")
	}
	p := in.InitializeParams
	if in.Boot && p.SourceImage == "" && p.SourceSnapshot == "" {
		return nil, nil, invalid(field+".initializeParams", "", "The source image of a boot disk must be specified.")
	}
	if p.DiskName == "" {
		p.DiskName = i.Name
		if k > 0 {
			p.DiskName = fmt.Sprintf("%.58s-%d", i.Name, k)
		}
	}
	size := p.DiskSizeGB
	if size == 0 {
		size = in.DiskSizeGB
	}
	prefix := field + ".initializeParams."
	if err := checkName(prefix+"diskName", p.DiskName); err != nil {
		return nil, nil, err
	}
	d, err := c.buildDisk(prefix, &diskRequest{Name: p.DiskName, Description: p.Description, SizeGB: size, Type: p.DiskType,
		SourceImage: p.SourceImage, SourceSnapshot: p.SourceSnapshot, Labels: p.Labels, DiskEncryptionKey: in.DiskEncryptionKey,
		ProvisionedIOPS: p.ProvisionedIOPS, ProvisionedThroughput: p.ProvisionedThroughput, Architecture: p.Architecture,
		GuestOSFeatures: in.GuestOSFeatures, ResourcePolicies: p.ResourcePolicies, ReplicaZones: p.ReplicaZones, StoragePool: p.StoragePool})
	return a, d, err
}

// checkAttached completes the way in which a disk is attached.
func (c *call) checkAttached(field string, i *Instance, a *AttachedDisk) error {
	if a.DeviceName == "" {
		for n := len(i.Disks); ; n++ {
			if a.DeviceName = fmt.Sprintf("persistent-disk-%d", n); i.attached(a.DeviceName) < 0 {
				break
			}
		}
	}
	if !devicePattern.MatchString(a.DeviceName) {
		return invalid(field+".deviceName", a.DeviceName, `Must be a match of regex '\w[\w.-]{0,254}'`)
	}
	if i.attached(a.DeviceName) >= 0 {
		return invalid(field+".deviceName", a.DeviceName, "Device name is already in use by another disk of the instance.")
	}
	if a.Mode == "" {
		a.Mode = "READ_WRITE"
	}
	if a.Interface == "" {
		a.Interface = "SCSI"
	}
	if err := oneOf(field+".mode", a.Mode, "READ_WRITE", "READ_ONLY"); err != nil {
		return err
	}
	if a.Boot && a.Mode == "READ_ONLY" {
		return invalid(field+".mode", a.Mode, "The boot disk must be attached in READ_WRITE mode.")
	}
	return oneOf(field+".interface", a.Interface, "SCSI", "NVME")
}

func (c *call) buildScratch(field string, a *AttachedDisk, in *attachedDiskRequest) error {
	if in.Boot || !in.AutoDelete {
		return invalid(field, "", "Scratch disks must be auto-deleted and cannot be boot disks.")
	}
	if in.InitializeParams == nil || in.InitializeParams.DiskType == "" {
		return invalid(field+".initializeParams.diskType", "", "The disk type of a scratch disk must be local-ssd.")
	}
	t, err := c.resolveDiskType(field+".initializeParams.diskType", in.InitializeParams.DiskType)
	if err != nil {
		return err
	}
	if t.Name != "local-ssd" {
		return invalid(field+".initializeParams.diskType", in.InitializeParams.DiskType, "The disk type of a scratch disk must be local-ssd.")
	}
	a.SizeGB = t.DefaultGB
	return nil
}

// usableDisk is the existing disk that a request wants to attach.
func (c *call) usableDisk(field string, in *attachedDiskRequest) (*Disk, error) {
	d, err := resolve(c, disks, field+".source", in.Source)
	if err != nil {
		return nil, err
	}
	if d.Scope != c.scope {
		return nil, invalid(field+".source", in.Source, "The disk must be in the same zone as the instance.")
	}
	if c.tx.Holder(disks.ref(d), 0) != nil {
		return nil, notReady(d)
	}
	return d, d.unlockable(field+".diskEncryptionKey", in.DiskEncryptionKey)
}

// shareable refuses to attach a disk that another instance uses. Several may
// read a disk together.
func (c *call) shareable(field string, i *Instance, d *Disk, a *AttachedDisk) error {
	if slices.ContainsFunc(i.Disks, func(x AttachedDisk) bool { return x.Disk == d.ID }) {
		return invalid(field+".source", linkTo(d), "The disk is attached to the instance already.")
	}
	for _, user := range instances.kind.To(c.tx, c.project, disks.ref(d)) {
		for _, x := range user.Disks {
			if x.Disk == d.ID && (x.Mode == "READ_WRITE" || a.Mode == "READ_WRITE") && d.AccessMode != "READ_WRITE_MANY" {
				return inUse(d, user)
			}
		}
	}
	return nil
}

type attachment struct {
	Attached AttachedDisk `json:"attached,omitzero"`
	Device   string       `json:"device,omitempty"`
}

func attachDisk(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	var in attachedDiskRequest
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	if in.Source == "" {
		return nil, required("resource.source")
	}
	if in.Boot && i.Status != vmTerminated {
		return nil, badRequest("A boot disk can be attached to a stopped instance only.")
	}
	if in.Boot && i.bootDisk(c.tx) != nil {
		return nil, invalid("resource.boot", "true", "Only one boot disk can be attached to the instance.")
	}
	a := AttachedDisk{DeviceName: in.DeviceName, Boot: in.Boot, AutoDelete: in.AutoDelete, Mode: in.Mode, Interface: in.Interface}
	if err := c.checkAttached("resource", i, &a); err != nil {
		return nil, err
	}
	d, err := c.usableDisk("resource", &in)
	if err != nil {
		return nil, err
	}
	if err := c.shareable("resource", i, d, &a); err != nil {
		return nil, err
	}
	if t := c.api.cat.machineType(c.zone(), i.MachineType); t != nil {
		if len(i.Disks) >= t.maxDisks() {
			return nil, diskLimit(i, t)
		}
		if err := t.compatible([]string{d.Type}); err != nil {
			return nil, err
		}
	}
	a.Disk = d.ID
	return c.change(i, "attachDisk", attachment{Attached: a}, disks.ref(d))
}

// device is the index of the disk that the request's deviceName names.
func (c *call) device(i *Instance) (int, error) {
	name := c.query().Get("deviceName")
	if name == "" {
		return 0, required("deviceName")
	}
	k := i.attached(name)
	if k < 0 {
		return 0, invalid("deviceName", name, "No attached disk found with device name '%s'", name)
	}
	return k, nil
}

func detachDisk(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	k, err := c.device(i)
	if err != nil {
		return nil, err
	}
	if i.Disks[k].Boot && i.Status != vmTerminated {
		return nil, badRequest("The boot disk cannot be detached from a running instance.")
	}
	if i.Disks[k].Disk == 0 {
		return nil, badRequest("Local SSDs cannot be detached.")
	}
	return c.change(i, "detachDisk", attachment{Device: i.Disks[k].DeviceName}, diskRef(i.Disks[k].Disk))
}

func setDiskAutoDelete(c *call) (any, error) {
	i, err := instances.free(c)
	if err != nil {
		return nil, err
	}
	k, err := c.device(i)
	if err != nil {
		return nil, err
	}
	if c.query().Get("autoDelete") == "" {
		return nil, required("autoDelete")
	}
	auto, err := c.boolParam("autoDelete")
	if err != nil {
		return nil, err
	}
	return c.change(i, "setDiskAutoDelete", attachment{Device: i.Disks[k].DeviceName, Attached: AttachedDisk{AutoDelete: auto}})
}

// The ends of the three. The instance may have changed meanwhile.

func diskAttached(tx *engine.Tx, i *Instance, p attachment) *engine.ActionError {
	d := disks.kind.Edit(tx, i.Project, p.Attached.Disk)
	if d == nil {
		return &engine.ActionError{Code: "RESOURCE_NOT_FOUND", Message: "The disk was not found"}
	}
	if i.attached(p.Attached.DeviceName) >= 0 {
		return &engine.ActionError{Code: "INVALID_FIELD_VALUE",
			Message: fmt.Sprintf("Invalid value for field 'resource.deviceName': '%s'. Device name is already in use.", p.Attached.DeviceName)}
	}
	d.LastAttach = tx.Now()
	i.Disks = append(i.Disks, p.Attached)
	return nil
}

func diskDetached(tx *engine.Tx, i *Instance, p attachment) *engine.ActionError {
	k := i.attached(p.Device)
	if k < 0 {
		return nil
	}
	if d := disks.kind.Edit(tx, i.Project, i.Disks[k].Disk); d != nil {
		d.LastDetach = tx.Now()
	}
	i.Disks = slices.Delete(i.Disks, k, k+1)
	return nil
}

func autoDeleteSet(_ *engine.Tx, i *Instance, p attachment) *engine.ActionError {
	if k := i.attached(p.Device); k >= 0 {
		i.Disks[k].AutoDelete = p.Attached.AutoDelete
	}
	return nil
}
