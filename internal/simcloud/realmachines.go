package simcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

// MachineState is how a real machine is.
type MachineState = machines.State

// MachineOptions put real machines behind the simulation.
type MachineOptions struct {
	// Dir keeps disks and consoles.
	Dir string
	// Images are qcow2 files by the vendors' names of images; "" is for all others.
	Images map[string]string
	// Accel is "auto" (also empty), "kvm" or "tcg": see package machines.
	Accel string
	// Hosts are names that machines may ask for, besides the vendors', and addresses
	// of the host (host:port) that all their ports lead to.
	Hosts map[string]string
	// Names serves the vendors' names over TLS; without it machines do not find the
	// simulated object stores.
	Names *Names
	// Isolated keeps machines from the world.
	Isolated bool
	// Log may be nil.
	Log *slog.Logger
}

// Machines are the real machines of a simulation.
type Machines struct {
	sim        *Sim
	hypervisor *machines.Hypervisor
	log        *slog.Logger
	cancel     context.CancelFunc
	over       sync.WaitGroup
}

// machineInterval is how often the simulation is looked at, in real time: a power
// action is noticed within it.
const machineInterval = 250 * time.Millisecond

// StartMachines lets QEMU run what the simulation says is running, until Stop. It
// fails where QEMU is missing.
func (s *Sim) StartMachines(o MachineOptions) (*Machines, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Machines{sim: s, log: o.Log}
	var err error
	m.hypervisor, err = machines.New(machines.Options{Dir: o.Dir, Accel: o.Accel, Isolated: o.Isolated, Log: o.Log, MetadataName: google.MetadataName,
		Name: func(name string) machines.Name { return s.machineName(name, o) }, Stopped: m.stopped,
		Image: func(name string) (string, error) {
			for _, n := range []string{name, ""} {
				if path := o.Images[n]; path != "" {
					return path, nil
				}
			}
			return "", fmt.Errorf("there is no file for the image %q", name)
		}})
	if err != nil {
		return nil, err
	}
	if o.Names != nil {
		s.hetzner.SetVendorData(trusting(o.Names.CA))
	}
	s.eng.SetRealGuests(true)
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	s.machines.Store(m)
	m.over.Go(func() { m.follow(ctx) })
	return m, nil
}

// trusting is a cloud-config that lets a machine trust an authority. JSON is YAML.
func trusting(ca []byte) string {
	config, _ := json.Marshal(map[string]any{"ca_certs": map[string]any{"trusted": []string{string(ca)}}}) // texts only
	return "#cloud-config\n" + string(config) + "\n"
}

// machineName gives what serves a name for machines.
func (s *Sim) machineName(name string, o MachineOptions) machines.Name {
	if target := o.Hosts[name]; target != "" {
		return func(ctx context.Context, _ uint16) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", target)
		}
	}
	if o.Names == nil || !s.Serves(name) {
		return nil
	}
	return func(ctx context.Context, port uint16) (net.Conn, error) {
		if port != 443 {
			return nil, fmt.Errorf("%s is served at port 443 only", name)
		}
		near, far := net.Pipe()
		if err := o.Names.Hand(ctx, far); err != nil {
			return nil, errors.Join(err, near.Close(), far.Close())
		}
		return near, nil
	}
}

func (m *Machines) follow(ctx context.Context) {
	ticker := time.NewTicker(machineInterval)
	defer ticker.Stop()
	for {
		if err := m.Settle(); err != nil {
			m.log.Error("the simulation's machines cannot be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Settle tells the hypervisor now what there should be.
func (m *Machines) Settle() error {
	wanted, volumes, err := m.sim.WantedMachines()
	if err == nil {
		m.hypervisor.Apply(wanted, volumes)
	}
	return err
}

// WantedMachines are all clouds' servers as machines, and the keys of all volumes.
func (s *Sim) WantedMachines() (wanted []machines.Machine, volumes []string, err error) {
	ofHetzner, volumes, err := s.hetzner.Machines()
	ofGoogle, disks, err2 := s.google.Machines()
	return append(ofHetzner, ofGoogle...), append(volumes, disks...), errors.Join(err, err2)
}

func (m *Machines) stopped(key, boots string) {
	if err := m.sim.machineStopped(key, boots); err != nil {
		m.log.Error("the simulation does not take that a machine switched itself off", "machine", key, "error", err)
	}
}

// machineStopped notes that a machine switched itself off in its boot of that name.
func (s *Sim) machineStopped(key, boots string) error {
	switch {
	case strings.HasPrefix(key, hetzner.Cloud+"/"):
		return s.hetzner.MachineStopped(key, boots)
	case strings.HasPrefix(key, google.Cloud+"/"):
		return s.google.MachineStopped(key, boots)
	}
	return fmt.Errorf("no cloud has the machine %s", key)
}

// SwitchOff lets the guest of a machine that runs switch itself off, now. The key
// is that of a machine: hetzner/4711, google/4711.
func (s *Sim) SwitchOff(key string) error {
	wanted, _, err := s.WantedMachines()
	if err != nil {
		return err
	}
	for _, m := range wanted {
		if m.Key == key && m.On {
			return s.machineStopped(key, m.Boots)
		}
	}
	return fmt.Errorf("no machine %s runs", key)
}

// States tells how the machines are.
func (m *Machines) States() []MachineState { return m.hypervisor.States() }

// Dial opens a connection to whatever port of a machine, past the cloud's firewall.
func (m *Machines) Dial(ctx context.Context, key string, from netip.AddrPort, port uint16) (net.Conn, error) {
	return m.hypervisor.Dial(ctx, key, from, port)
}

// VolumePath is the file with the bytes of a volume, by its key: hetzner-volume/4711,
// google-disk/4711.
func (m *Machines) VolumePath(key string) string { return m.hypervisor.VolumePath(key) }

// Stop cuts the power of all machines. Their disks stay in Dir.
func (m *Machines) Stop() error {
	m.sim.machines.CompareAndSwap(m, nil)
	m.sim.eng.SetRealGuests(false)
	m.cancel()
	m.over.Wait()
	return m.hypervisor.Close()
}
