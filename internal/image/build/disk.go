package build

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

const (
	sector = 512
	mib    = 1 << 20
)

// place is where a partition lies on the disk, in bytes.
type place struct {
	image.Partition
	start, bytes int64
}

// places lays partitions out one after another, from the first MiB to the last
// but one, which holds the second partition table.
func places(layout []image.Partition, size int64) ([]place, error) {
	var list []place
	at := int64(mib)
	for i, p := range layout {
		length := p.MiB * mib
		if length == 0 {
			if i != len(layout)-1 {
				return nil, fmt.Errorf("partition %s takes the rest, and is not the last", p.Name)
			}
			length = size - mib - at
		}
		list = append(list, place{p, at, length})
		at += length
	}
	if last := list[len(list)-1]; last.bytes < 512*mib || at > size-mib {
		return nil, fmt.Errorf("a disk of %d MiB is too small for the partitions", size/mib)
	}
	return list, nil
}

// table is the script for sfdisk.
func table(list []place, ids image.Identifiers) string {
	var s strings.Builder
	fmt.Fprintf(&s, "label: gpt\nlabel-id: %s\nunit: sectors\nfirst-lba: 34\nsector-size: %d\n", ids.UUID("disk"), sector)
	for i, p := range list {
		fmt.Fprintf(&s, "%d : start=%d, size=%d, type=%s, uuid=%s, name=%q\n", i+1, p.start/sector, p.bytes/sector, p.Type, ids.UUID(p.Name+" partition"), p.Name)
	}
	return s.String()
}

// assemble makes the disk of its partitions. files are by partition's name; core
// and boot are GRUB's for BIOS.
func assemble(ctx context.Context, r runner, disk string, size int64, list []place, ids image.Identifiers, files map[string]string, boot, core []byte) (err error) {
	f, err := os.Create(disk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := r.run(ctx, strings.NewReader(table(list, ids)), "sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk); err != nil {
		return err
	}
	for _, p := range list {
		name, ok := files[p.Name]
		if !ok {
			continue
		}
		if err := copyInto(f, p.start, name); err != nil {
			return err
		}
	}
	return embedGRUB(f, list, boot, core)
}

// copyInto copies a partition's file to its place; what is zero stays a hole.
func copyInto(disk *os.File, at int64, name string) error {
	from, err := os.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	buffer, zero := make([]byte, mib), make([]byte, mib)
	for {
		n, err := io.ReadFull(from, buffer)
		if n > 0 && !bytes.Equal(buffer[:n], zero[:n]) {
			if _, err := disk.WriteAt(buffer[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Where GRUB's first sectors hold what its installer fills in (GRUB 2.06,
// include/grub/i386/pc/boot.h and util/setup.c).
const (
	bootCodeBytes   = 440  // what follows belongs to the partition table
	bootKernelAt    = 0x5c // 8 bytes: the sector that core.img starts at
	bootDriveCheck  = 0x66 // 2 bytes: a jump that old BIOSes need away
	coreFirstBlock  = 500  // of the first sector: 8 bytes start, 2 length, 2 segment
	coreSegment     = 0x820
	nops            = 0x9090
	maxCoreSectors  = 0xffff
	biosPartition   = "bios"
	minBootImgBytes = 512
)

// embedGRUB lays GRUB's boot code into the first sector and its core into the
// partition that is there for it, as grub-install does on a disk.
func embedGRUB(disk *os.File, list []place, boot, core []byte) error {
	var at place
	for _, p := range list {
		if p.Name == biosPartition {
			at = p
		}
	}
	sectors := (int64(len(core)) + sector - 1) / sector
	if len(boot) < minBootImgBytes || sectors < 2 || sectors > maxCoreSectors || sectors*sector > at.bytes {
		return fmt.Errorf("GRUB's boot.img has %d bytes and its core.img %d, for which a partition of %d is no place", len(boot), len(core), at.bytes)
	}
	start := uint64(at.start / sector)
	code := bytes.Clone(boot[:bootCodeBytes])
	binary.LittleEndian.PutUint64(code[bootKernelAt:], start)
	binary.LittleEndian.PutUint16(code[bootDriveCheck:], nops)
	image := make([]byte, sectors*sector)
	copy(image, core)
	binary.LittleEndian.PutUint64(image[coreFirstBlock:], start+1)
	binary.LittleEndian.PutUint16(image[coreFirstBlock+8:], uint16(sectors-1))
	binary.LittleEndian.PutUint16(image[coreFirstBlock+10:], coreSegment)
	if _, err := disk.WriteAt(code, 0); err != nil {
		return err
	}
	_, err := disk.WriteAt(image, at.start)
	return err
}
