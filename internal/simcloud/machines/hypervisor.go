package machines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The accelerators.
const (
	// AccelAuto is KVM, if it turns out to work, and TCG otherwise.
	AccelAuto = "auto"
	AccelKVM  = "kvm"
	// AccelTCG translates instructions: some ten times slower, and works everywhere.
	AccelTCG = "tcg"
)

// KVMLimit is how long the first machine may take, with KVM, from its start to the
// first frame of its network card: Linux takes some seconds.
const KVMLimit = 60 * time.Second

// Options configure a hypervisor.
type Options struct {
	// Dir keeps disks and consoles over a restart.
	Dir string
	// Image gives the qcow2 file of an image by the vendor's name of it.
	Image func(name string) (path string, err error)
	// Accel is AccelAuto if it is empty.
	Accel string
	// Name gives what serves a name for machines; nil where it is the world's. It
	// may be nil itself.
	Name func(name string) Name
	// MetadataName is the name of the metadata service, if it has one.
	MetadataName string
	// Isolated keeps machines from the world.
	Isolated bool
	// OpenPorts are opened on the host for a machine without a firewall; nil is 22.
	OpenPorts []uint16
	// Stopped is told of a machine that switched itself off in its boot of that
	// name.
	Stopped func(key, boots string)
	// Log may be nil.
	Log *slog.Logger
}

// Hypervisor runs machines.
type Hypervisor struct {
	options Options
	sockets string // a folder of a short name: sockets' paths have 108 bytes at most
	names   *names

	mu     sync.Mutex
	guests map[string]*guest
	accel  string
	// proven tells that the accelerator has carried a machine.
	proven bool
	closed bool
}

// New makes a hypervisor that runs nothing yet. It fails where QEMU is missing.
func New(o Options) (*Hypervisor, error) {
	if _, err := findQEMU(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OpenPorts == nil {
		o.OpenPorts = []uint16{22}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	h := &Hypervisor{options: o, guests: map[string]*guest{}, accel: o.Accel, names: newNames()}
	switch o.Accel {
	case "", AccelAuto:
		h.accel = AccelKVM
		if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
			h.accel, h.proven = AccelTCG, true
		} else {
			_ = f.Close()
		}
	case AccelKVM, AccelTCG:
		h.proven = true
	default:
		return nil, fmt.Errorf("%q is no accelerator: use %s, %s or %s", o.Accel, AccelAuto, AccelKVM, AccelTCG)
	}
	if h.sockets, err = os.MkdirTemp("", "machines"); err != nil {
		return nil, err
	}
	return h, os.MkdirAll(o.Dir, 0o700)
}

// Apply says what there should be: all machines, and the keys of all volumes, also of
// those that no machine has. It returns at once. The disks of what is not there any
// more are deleted.
func (h *Hypervisor) Apply(machines []Machine, volumes []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	there := map[string]bool{}
	for _, m := range machines {
		there[m.Key] = true
		g := h.guests[m.Key]
		if g == nil {
			g = newGuest(h, m.Key)
			h.guests[m.Key] = g
		}
		g.want(m)
	}
	for key, g := range h.guests {
		if !there[key] {
			delete(h.guests, key)
			g.remove()
		}
	}
	h.dropVolumes(volumes)
}

// dropVolumes deletes what was kept of volumes that are no more. A machine that still
// has one open goes on with it until it is told.
func (h *Hypervisor) dropVolumes(volumes []string) {
	kept, err := os.ReadDir(filepath.Join(h.options.Dir, "volumes"))
	if err != nil {
		return
	}
	names := map[string]bool{}
	for _, key := range volumes {
		names[filepath.Base(h.VolumePath(key))] = true
	}
	for _, entry := range kept {
		if !names[entry.Name()] {
			_ = os.Remove(filepath.Join(h.options.Dir, "volumes", entry.Name()))
		}
	}
}

// State is how a machine is.
type State struct {
	// Key and Name are the machine's.
	Key  string `json:"key"`
	Name string `json:"name"`
	// Phase is "off", "starting", "running", "stopping" or "failed".
	Phase string `json:"phase"`
	// Error says why it failed.
	Error string `json:"error,omitempty"`
	// Outside is where the machine is found on the host, and Ports which of its
	// ports are open there.
	Outside string   `json:"outside"`
	Ports   []uint16 `json:"ports"`
	// Console is the file with its serial console.
	Console string `json:"console"`
	// Accel is what carries it.
	Accel string `json:"accel"`
}

// States tells how all machines are, by their keys.
func (h *Hypervisor) States() []State {
	h.mu.Lock()
	guests := slices.Collect(maps.Values(h.guests))
	h.mu.Unlock()
	states := make([]State, len(guests))
	for i, g := range guests {
		states[i] = g.state()
	}
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Key, b.Key) })
	return states
}

// Dial opens a connection to whatever port of a machine, past the cloud's firewall.
func (h *Hypervisor) Dial(ctx context.Context, key string, from netip.AddrPort, port uint16) (net.Conn, error) {
	h.mu.Lock()
	g := h.guests[key]
	h.mu.Unlock()
	if g == nil {
		return nil, fmt.Errorf("there is no machine %s", key)
	}
	return g.dial(ctx, from, port, func(c Card) bool { return c.Public.IsValid() })
}

// Close cuts the power of all machines. Their disks stay.
func (h *Hypervisor) Close() error {
	h.mu.Lock()
	h.closed = true
	guests := h.guests
	h.guests = map[string]*guest{}
	h.mu.Unlock()
	for _, g := range guests {
		g.end()
	}
	return errors.Join(os.RemoveAll(h.sockets))
}

// accelerator is what to start a machine with; trial tells that it has to prove
// itself.
func (h *Hypervisor) accelerator() (name string, trial bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accel, !h.proven
}

// proved tells how a trial ended.
func (h *Hypervisor) proved(works bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.proven {
		return
	}
	if h.proven = true; !works {
		h.accel = AccelTCG
	}
}
