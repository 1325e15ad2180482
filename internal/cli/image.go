package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/build"
)

// imageCommand is about the machines' hardened image.
func imageCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "image",
		Short: "Build the hardened image, show its profile, verify one",
		Args:  noArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(imageBuildCommand(), imageProfileCommand(), imageVerifyCommand())
	return command
}

// imageFlags are the settings of `holdfast image build`.
type imageFlags struct {
	out, cache, mirror, snapshot, lock string
	roles                              []string
	gib                                int64
	raw, verbose                       bool
}

func (f *imageFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.out, "out", "", "`directory` that image, manifest, lock and SBOM go to (required)")
	set.StringArrayVar(&f.roles, "role", nil, "optional `role` of the machines, such as postgresql (repeatable)")
	set.StringVar(&f.mirror, "mirror", build.DefaultMirror, "`URL` below which debian and debian-security lie")
	set.StringVar(&f.snapshot, "snapshot-date", "", "fetch Debian as it was then, from snapshot.debian.org, as `2026-11-23` or 2026-11-23T06:00:00Z")
	set.StringVar(&f.lock, "lock", "", "`file` manifest.lock of an earlier build: take exactly its packages")
	set.StringVar(&f.cache, "cache", "", "`directory` that keeps fetched packages (default: holdfast/packages in the user's cache)")
	set.Int64Var(&f.gib, "size", build.DefaultGiB, "size of the disk in `GiB`; machines with a larger one let /var grow")
	set.BoolVar(&f.raw, "raw", false, "keep the uncompressed disk too, as disk.raw")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "show what the tools print; otherwise it goes to build.log beside the image")
}

// imageBuildCommand makes an image.
func imageBuildCommand() *cobra.Command {
	var flags imageFlags
	command := &cobra.Command{
		Use:   "build --out DIR",
		Short: "Build a bootable image for BIOS and UEFI from Debian packages",
		Long: `Build a bootable disk image, for BIOS and UEFI, from Debian packages and the
hardening profile. The same packages and profile give the same bytes: manifest.lock
names the packages with their hashes, and --lock builds from them again.

It needs Debian's tools and no mounts or loop devices; a missing tool is named
with its package. Root is not needed where the system lets users have user
namespaces (mmdebstrap's mode unshare).`,
		Example: `  holdfast image build --out out/image
  holdfast image build --out out/db --role postgresql --snapshot-date 2026-11-20
  holdfast image build --out out/again --lock out/image/manifest.lock`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options, err := flags.options()
			if err != nil {
				return usageError{err}
			}
			return buildImage(command, options, flags.verbose)
		},
	}
	flags.register(command.Flags())
	return command
}

// options are those of a build, from the flags.
func (f imageFlags) options() (build.Options, error) {
	params := image.Defaults()
	params.Roles = f.roles
	o := build.Options{
		Params: params, Out: f.out, Cache: f.cache, GiB: f.gib, Raw: f.raw,
		Archive: build.Archive{Mirror: f.mirror}, Now: time.Now,
		HTTP: &http.Client{Transport: http.DefaultTransport, Timeout: 10 * time.Minute},
	}
	if f.out == "" {
		return o, fmt.Errorf("where to? Give --out")
	}
	if f.gib < 1 || f.gib > 1024 {
		return o, fmt.Errorf("--size %d: want GiB between 1 and 1024", f.gib)
	}
	if f.snapshot != "" {
		at, err := snapshotTime(f.snapshot)
		if err != nil {
			return o, err
		}
		o.Archive.Snapshot = at
	}
	if err := o.Archive.Check(); err != nil {
		return o, fmt.Errorf("--mirror: %w", err)
	}
	if f.lock != "" {
		lock, err := build.ReadLock(f.lock)
		if err != nil {
			return o, fmt.Errorf("--lock: %w", err)
		}
		o.Lock = &lock
	}
	if o.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("--cache: %w", err)
		}
		o.Cache = filepath.Join(dir, "holdfast", "packages")
	}
	return o, nil
}

// snapshotTime reads a date, or a date with its time.
func snapshotTime(text string) (time.Time, error) {
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--snapshot-date %q: want a date such as 2026-11-23", text)
}

func buildImage(command *cobra.Command, o build.Options, verbose bool) (err error) {
	out := command.OutOrStdout()
	o.Progress = func(step string) { fmt.Fprintln(out, step) }
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(o.Out, "build.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	o.Log = log
	if verbose {
		o.Log = io.MultiWriter(log, command.ErrOrStderr())
	}
	manifest, err := build.Build(command.Context(), o)
	if err != nil {
		return fmt.Errorf("%w\n%s has all that the tools printed", err, log.Name())
	}
	fmt.Fprintf(out, "%d packages\n", len(manifest.Packages))
	for _, f := range manifest.Outputs {
		fmt.Fprintf(out, "%s  %s (%d MiB)\n", f.SHA256, filepath.Join(o.Out, f.Name), f.Bytes>>20)
	}
	return nil
}

// imageProfileCommand prints the profile.
func imageProfileCommand() *cobra.Command {
	var roles []string
	var asJSON bool
	command := &cobra.Command{
		Use:   "profile",
		Short: "Print the hardening profile: each concern, its reason and its promises",
		Args:  noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			concerns, err := image.Load()
			if err != nil {
				return err
			}
			params := image.Defaults()
			params.Roles = roles
			plan, err := image.Render(concerns, params)
			if err != nil {
				return usageError{err}
			}
			if asJSON {
				encoder := json.NewEncoder(command.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(plan)
			}
			return image.WriteProfile(command.OutOrStdout(), plan)
		},
	}
	command.Flags().StringArrayVar(&roles, "role", nil, "with this optional `role` (repeatable)")
	command.Flags().BoolVar(&asJSON, "json", false, "print everything, files' contents included, as JSON")
	return command
}

// imageVerifyCommand compares a built image with its manifest.
func imageVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Compare the files of a built image with their hashes in its manifest",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			manifest, err := build.Verify(args[0])
			if err != nil {
				return err
			}
			for _, f := range manifest.Outputs {
				fmt.Fprintf(command.OutOrStdout(), "ok  %s  %s\n", f.SHA256, f.Name)
			}
			return nil
		},
	}
}
