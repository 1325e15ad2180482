package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// machineFlags put real machines behind the simulation.
type machineFlags struct {
	machines string
	images   []string
	dir      string
	accel    string
	hosts    []string
	isolated bool
}

func (f *machineFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.machines, "machines", "", "boot a real machine behind each server, with `qemu` (default: none); 198.b.c.d is then found at 127.b.c.d, and GET /_sim/machines tells how they are")
	set.StringArrayVar(&f.images, "machine-image", nil, "a qcow2 file that machines boot, as `file`, or as name=file for the vendor's image of that name (repeatable; see holdfast image build)")
	set.StringVar(&f.dir, "machine-dir", "", "`folder` that keeps machines' disks and consoles (default: a temporary one)")
	set.StringVar(&f.accel, "machine-accel", "auto", "kvm, tcg, or auto: KVM if it proves to work")
	set.StringArrayVar(&f.hosts, "machine-host", nil, "a name that machines find, and what it leads to here, as `name=host:port` (repeatable)")
	set.BoolVar(&f.isolated, "machine-isolated", false, "keep machines from the world beyond the simulation")
}

// start starts the machines, if there are to be any. stop puts them away; a temporary
// folder is deleted.
func (f *machineFlags) start(sim *simcloud.Sim, names *simcloud.Names, stderr io.Writer) (stop func() error, err error) {
	switch f.machines {
	case "":
		return func() error { return nil }, nil
	case "qemu":
	default:
		return nil, usageError{fmt.Errorf("--machines %s: there is qemu", f.machines)}
	}
	options := simcloud.MachineOptions{Dir: f.dir, Accel: f.accel, Isolated: f.isolated, Images: map[string]string{}, Hosts: map[string]string{}, Names: names,
		Log: slog.New(slog.NewTextHandler(stderr, nil))}
	for _, text := range f.images {
		name, file, found := strings.Cut(text, "=")
		if !found {
			name, file = "", text
		}
		if _, err := os.Stat(file); err != nil {
			return nil, usageError{fmt.Errorf("--machine-image: %w", err)}
		}
		options.Images[name] = file
	}
	for _, text := range f.hosts {
		name, target, found := strings.Cut(text, "=")
		if !found || name == "" || !strings.Contains(target, ":") {
			return nil, usageError{fmt.Errorf("--machine-host %s: write name=host:port", text)}
		}
		options.Hosts[strings.ToLower(name)] = target
	}
	if len(options.Images) == 0 {
		return nil, usageError{errors.New("--machines needs --machine-image: what do they boot?")}
	}
	temporary := options.Dir == ""
	if temporary {
		if options.Dir, err = os.MkdirTemp("", "holdfast-machines"); err != nil {
			return nil, err
		}
	}
	machines, err := sim.StartMachines(options)
	if err != nil {
		return nil, err
	}
	return func() error {
		err := machines.Stop()
		if temporary {
			err = errors.Join(err, os.RemoveAll(options.Dir))
		}
		return err
	}, nil
}
