package google

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// persistentDisk begins the names of the older types of disk, which the newer
// series of machines do not take (cloud.google.com/compute/docs/machine-resource).
const persistentDisk = "pd-"

// diskTypes remembers of which type the disks are that this run has made or
// read: a disk keeps its type.
type diskTypes struct {
	mu    sync.Mutex
	types map[string]string
}

func (t *diskTypes) put(native, diskType string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.types == nil {
		t.types = map[string]string{}
	}
	t.types[native] = diskType
}

func (t *diskTypes) get(native string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	diskType, ok := t.types[native]
	return diskType, ok
}

// checkDisks refuses disks that the machine type does not take, before the
// first write for the VM. It asks about volumes only where it matters, and only
// about those that this run does not know; one that cannot be read is left to
// the vendor to judge.
func (d *Driver) checkDisks(ctx context.Context, spec cloud.VMSpec) error {
	if _, boot := architectureOf(spec.ServerType); strings.HasPrefix(boot, persistentDisk) {
		return nil
	}
	const others = "name a server type of another series"
	if boot := spec.Options[optionBootDiskType]; strings.HasPrefix(boot, persistentDisk) {
		return invalid(cloud.KindVM, blockOf(optionBootDiskType), fmt.Sprintf("%s takes Hyperdisk only, not %s", spec.ServerType, boot),
			"Leave it out, or "+others+".")
	}
	for _, volume := range spec.Volumes {
		diskType, known := d.diskTypes.get(volume)
		if !known {
			have, err := volumes{d}.get(ctx, spec.Location.Name, volume)
			if err != nil {
				continue
			}
			diskType = lastPart(have.GetType())
			d.diskTypes.put(volume, diskType)
		}
		if strings.HasPrefix(diskType, persistentDisk) {
			return invalid(cloud.KindVM, "volume_ids", fmt.Sprintf("%s takes Hyperdisk only, and volume %s is of the type %s", spec.ServerType, volume, diskType),
				`Give the volume google { type = "hyperdisk-balanced" }, which makes it anew, since a disk keeps its type; or `+others+".")
		}
	}
	return nil
}
