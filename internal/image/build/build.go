package build

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// Options are what one build takes.
type Options struct {
	// Params fill in the profile.
	Params image.Params
	// Out is the directory that the results go to; it is made.
	Out string
	// Cache is the directory of packages that were fetched before.
	Cache string
	// Archive is where packages come from.
	Archive Archive
	// Lock, if there is one, says which packages; otherwise apt does, and the
	// result holds the lock.
	Lock *Lock
	// GiB is the disk's size.
	GiB int64
	// Raw keeps the uncompressed disk beside the compressed one.
	Raw bool
	// Extra are files besides the profile's: the agent's, and ExtraUnits those
	// of its systemd units that are enabled.
	Extra      []image.File
	ExtraUnits []string
	// HTTP fetches packages.
	HTTP *http.Client
	// Log takes what the tools say, Progress a line for each step.
	Log      io.Writer
	Progress func(step string)
	// Now times the steps.
	Now func() time.Time
}

// Names of the results in Options.Out.
const (
	FileImage    = "holdfast.qcow2"
	FileRaw      = "disk.raw"
	FileLock     = "manifest.lock"
	FileManifest = "manifest.json"
	FileSBOM     = "sbom.spdx.json"
)

// DefaultGiB is the disk's size: whole GB, as Google Cloud asks of images, and
// smaller than the smallest disk of any supported server type.
const DefaultGiB = 5

// Build makes an image. It returns the manifest, which is also written to Out.
func Build(ctx context.Context, o Options) (manifest Manifest, err error) {
	if err := CheckTools(Look); err != nil {
		return manifest, err
	}
	concerns, err := image.Load()
	if err != nil {
		return manifest, err
	}
	plan, err := image.Render(concerns, o.Params)
	if err != nil {
		return manifest, err
	}
	if plan, err = plan.With(o.Extra, o.ExtraUnits); err != nil {
		return manifest, err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return manifest, err
	}
	work, err := os.MkdirTemp(o.Out, ".build-*")
	if err != nil {
		return manifest, err
	}
	// mmdebstrap's user, where it is not ours, has to reach what it is given.
	if err := os.Chmod(work, 0o755); err != nil {
		return manifest, err
	}
	if work, err = filepath.Abs(work); err != nil {
		return manifest, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	b := &building{Options: o, plan: plan, work: work, run: runner{log: o.Log}}
	return b.build(ctx)
}

// building is one build on its way.
type building struct {
	Options
	plan    image.Plan
	work    string
	run     runner
	lock    Lock
	ids     image.Identifiers
	entries []entry
}

// step tells what begins.
func (b *building) step(format string, args ...any) { b.Progress(fmt.Sprintf(format, args...)) }

func (b *building) build(ctx context.Context) (Manifest, error) {
	begun := b.Now()
	if err := b.packages(ctx); err != nil {
		return Manifest{}, err
	}
	inputs, err := b.inputs()
	if err != nil {
		return Manifest{}, err
	}
	b.ids = image.NewIdentifiers(inputs)
	b.step("making the tree: %d packages, %d concerns", len(b.lock.Packages), len(b.plan.Concerns))
	if err := b.tree(ctx); err != nil {
		return Manifest{}, err
	}
	installed, err := b.installed()
	if err != nil {
		return Manifest{}, err
	}
	b.step("making the file systems")
	disk, err := b.disk(ctx)
	if err != nil {
		return Manifest{}, err
	}
	b.step("compressing")
	out := filepath.Join(b.Out, FileImage)
	if _, err := b.run.run(ctx, nil, "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", disk, out); err != nil {
		return Manifest{}, err
	}
	if b.Raw {
		if err := os.Rename(disk, filepath.Join(b.Out, FileRaw)); err != nil {
			return Manifest{}, err
		}
	}
	manifest, err := b.results(inputs, installed)
	if err != nil {
		return Manifest{}, err
	}
	b.step("done in %s", b.Now().Sub(begun).Round(time.Second))
	return manifest, nil
}

// packages settles which packages, and has them in the cache.
func (b *building) packages(ctx context.Context) error {
	if b.Lock != nil {
		b.lock = *b.Lock
		if err := b.lock.check(); err != nil {
			return err
		}
		if b.lock.Suite != b.plan.Params.Suite || b.lock.Arch != b.plan.Params.Arch {
			return fmt.Errorf("the lock is of %s on %s, and %s on %s is to be built", b.lock.Suite, b.lock.Arch, b.plan.Params.Suite, b.plan.Params.Arch)
		}
	} else {
		b.step("resolving the packages")
		lock, err := resolve(ctx, b.run, b.Archive, b.plan, filepath.Join(b.work, "apt"))
		if err != nil {
			return err
		}
		b.lock = lock
	}
	b.step("fetching what of %d packages (%d MiB) is not in the cache", len(b.lock.Packages), b.lock.Bytes()/mib)
	fetched, err := Pool{b.Cache, b.HTTP}.Fill(ctx, b.Archive, b.lock)
	if err == nil {
		b.step("fetched %d packages", fetched)
	}
	return err
}

// inputs describes everything that decides what the image's bytes are.
func (b *building) inputs() ([]byte, error) {
	lock, err := b.lock.JSON()
	if err != nil {
		return nil, err
	}
	files := append(slices.Clone(b.plan.Files), image.File{Path: "finish.sh", Content: finish}, image.File{Path: "profile.sh", Content: b.plan.Script()})
	return json.Marshal(struct {
		Lock     string
		Params   image.Params
		Packages []string
		Files    []image.File
		Layout   []image.Partition
		GiB      int64
	}{string(lock), b.plan.Params, b.plan.Packages, files, image.Layout(), b.GiB})
}

// tree makes the tree and reads it.
func (b *building) tree(ctx context.Context) error {
	pool := Pool{b.Cache, b.HTTP}
	for _, pkg := range b.lock.Packages {
		if err := pool.verify(pkg); err != nil {
			return err
		}
	}
	mirror, err := newMirror(ctx, b.run, pool, b.lock)
	if err != nil {
		return err
	}
	address, stop, err := mirror.serve()
	if err != nil {
		return err
	}
	defer stop()
	out := filepath.Join(b.work, "tree.tar")
	t := tree{plan: b.plan, lock: b.lock, ids: b.ids, layout: image.Layout(), mirror: address, dir: b.work, out: out}
	if err := t.make(ctx, b.run); err != nil {
		return err
	}
	f, err := os.Open(out)
	if err != nil {
		return err
	}
	defer f.Close()
	blobs := filepath.Join(b.work, "blobs")
	if err := os.Mkdir(blobs, 0o700); err != nil {
		return err
	}
	epoch := time.Unix(b.lock.Epoch, 0)
	if b.entries, err = readTree(f, blobs, epoch); err != nil {
		return err
	}
	if err := os.Remove(out); err != nil {
		return err
	}
	for _, made := range []struct {
		entry
		content string
	}{
		// Empty: systemd makes one at first boot, and presets no units.
		{entry{Path: "/etc/machine-id", Type: tar.TypeReg, Mode: 0o444}, ""},
		{entry{Path: "/var/lib/dbus", Type: tar.TypeDir, Mode: 0o755}, ""},
		{entry{Path: "/var/lib/dbus/machine-id", Type: tar.TypeSymlink, Mode: 0o777, Link: "/etc/machine-id"}, ""},
		{entry{Path: "/etc/resolv.conf", Type: tar.TypeSymlink, Mode: 0o777, Link: "../run/systemd/resolve/resolv.conf"}, ""},
		{entry{Path: "/etc/mtab", Type: tar.TypeSymlink, Mode: 0o777, Link: "../proc/self/mounts"}, ""},
	} {
		made.ModTime = epoch
		if b.entries, err = add(b.entries, blobs, made.entry, []byte(made.content)); err != nil {
			return err
		}
	}
	return nil
}

// disk makes the file systems and the disk of them.
func (b *building) disk(ctx context.Context) (string, error) {
	size := b.GiB << 30
	list, err := places(image.Layout(), size)
	if err != nil {
		return "", err
	}
	epoch, parts, files := time.Unix(b.lock.Epoch, 0), split(image.Layout(), b.entries), map[string]string{}
	for _, p := range list {
		if p.FS == "" {
			continue
		}
		file := filepath.Join(b.work, p.Name+".part")
		files[p.Name] = file
		if p.FS == "vfat" {
			err = makeESP(ctx, b.run, p.Partition, b.ids, epoch, parts[p.Name], file, p.bytes)
		} else {
			err = ext4{part: p.Partition, ids: b.ids, epoch: epoch, entries: parts[p.Name], file: file, bytes: p.bytes, dir: b.work}.make(ctx, b.run)
		}
		if err != nil {
			return "", fmt.Errorf("the file system of %s: %w", p.Mount, err)
		}
	}
	boot, err := b.read("/boot/grub/i386-pc/boot.img")
	if err != nil {
		return "", err
	}
	core, err := b.read("/boot/grub/i386-pc/core.img")
	if err != nil {
		return "", err
	}
	disk := filepath.Join(b.work, FileRaw)
	return disk, assemble(ctx, b.run, disk, size, list, b.ids, files, boot, core)
}

// read returns what a file of the tree holds.
func (b *building) read(name string) ([]byte, error) {
	for _, e := range b.entries {
		if e.Path == name && e.Type == tar.TypeReg {
			return os.ReadFile(e.Blob)
		}
	}
	return nil, fmt.Errorf("the tree has no %s", name)
}
