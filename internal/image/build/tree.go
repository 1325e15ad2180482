package build

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

//go:embed finish.sh
var finish string

// tree makes the machine's file tree as a tar file: packages of the mirror, the
// plan's files, and its script run in it.
type tree struct {
	plan   image.Plan
	lock   Lock
	ids    image.Identifiers
	layout []image.Partition
	mirror string
	// dir is for what mmdebstrap is given; out is the tar file.
	dir, out string
}

func (t tree) make(ctx context.Context, r runner) error {
	epoch := time.Unix(t.lock.Epoch, 0)
	early, late := []image.File{}, []image.File{}
	for _, f := range t.plan.Files {
		if f.Early {
			early = append(early, f)
		}
		late = append(late, f)
	}
	late = append(late,
		image.File{Path: "/etc/fstab", Mode: "0644", Content: image.Fstab(t.layout, t.ids)},
		image.File{Path: "/etc/hostname", Mode: "0644", Content: "holdfast\n"},
		image.File{Path: "/root/.holdfast/profile.sh", Mode: "0700", Content: t.plan.Script()},
		image.File{Path: "/root/.holdfast/finish.sh", Mode: "0700", Content: finish})
	for name, files := range map[string][]image.File{"early.tar": early, "late.tar": late} {
		var text bytes.Buffer
		if err := writeOverlay(&text, files, epoch); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(t.dir, name), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	args := []string{
		"mmdebstrap", "--mode=auto", "--variant=essential", "--format=tar", "--architectures=" + t.plan.Params.Arch,
		"--include=" + strings.Join(t.plan.Packages, ","),
		"--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=force-confold", "--dpkgopt=force-confdef",
	}
	for _, f := range t.plan.Files {
		if strings.HasPrefix(f.Path, "/etc/dpkg/dpkg.cfg.d/") && f.Early {
			for _, line := range strings.Fields(f.Content) {
				args = append(args, "--dpkgopt="+line)
			}
		}
	}
	args = append(args,
		"--essential-hook=tar-in "+filepath.Join(t.dir, "early.tar")+" /",
		"--customize-hook=tar-in "+filepath.Join(t.dir, "late.tar")+" /",
		"--customize-hook=chroot \"$1\" sh /root/.holdfast/profile.sh",
		fmt.Sprintf("--customize-hook=chroot \"$1\" sh /root/.holdfast/finish.sh %s %s", t.ids.UUID("root"), t.ids.UUID("boot")),
		"--customize-hook=rm -r \"$1\"/root/.holdfast",
		t.plan.Params.Suite, t.out,
		fmt.Sprintf("deb [trusted=yes] %s ./", t.mirror))
	r.env = append(r.env, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", t.lock.Epoch))
	_, err := r.run(ctx, nil, args...)
	return err
}
