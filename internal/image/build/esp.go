package build

import (
	"archive/tar"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// makeESP makes the FAT file system that UEFI firmware reads, by mtools.
func makeESP(ctx context.Context, r runner, part image.Partition, ids image.Identifiers, epoch time.Time, entries []entry, file string, size int64) error {
	r.env = append(r.env, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch.Unix()), "MTOOLS_SKIP_CHECK=1")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := r.run(ctx, nil, "mkfs.vfat", "--invariant", "-F", "32", "-s", "1", "-n", "ESP", "-i", ids.Serial(part.Name), file); err != nil {
		return err
	}
	for _, e := range entries {
		inside, ok := within(part.Mount, e.Path)
		switch {
		case !ok:
			return fmt.Errorf("%s is not on the file system of %s", e.Path, part.Mount)
		case inside == "/":
		case e.Type == tar.TypeDir:
			if _, err := r.run(ctx, nil, "mmd", "-i", file, "::"+inside); err != nil {
				return err
			}
		case e.Type == tar.TypeReg:
			// mcopy -m keeps the source's time: that of the build would show.
			if err := os.Chtimes(e.Blob, epoch, epoch); err != nil {
				return err
			}
			if _, err := r.run(ctx, nil, "mcopy", "-m", "-i", file, e.Blob, "::"+inside); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: FAT has files and directories only", e.Path)
		}
	}
	return nil
}
