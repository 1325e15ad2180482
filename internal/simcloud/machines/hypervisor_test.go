package machines_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines"
)

const machineAddress = "198.18.77.5"

// world is a hypervisor whose QEMU is a stand-in. PATH belongs to the whole process,
// so these tests do not run side by side.
type world struct {
	*machines.Hypervisor
	dir     string
	stopped chan string
}

func newWorld(t *testing.T, change func(*machines.Options)) *world {
	t.Helper()
	bin := t.TempDir()
	t.Setenv("PATH", os.Getenv("PATH"))
	if err := useFakeQEMU(bin); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_ADDRESS", machineAddress)
	w := &world{dir: t.TempDir(), stopped: make(chan string, 10)}
	image := filepath.Join(w.dir, "image.qcow2")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	options := machines.Options{Dir: w.dir, Accel: machines.AccelTCG, Isolated: true,
		Stopped: func(key, boots string) { w.stopped <- key + " " + boots },
		Image: func(name string) (string, error) {
			if name != "debian-12" {
				return "", fmt.Errorf("there is no file for the image %q", name)
			}
			return image, nil
		}}
	if change != nil {
		change(&options)
	}
	h, err := machines.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w.Hypervisor = h
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func machine() machines.Machine {
	own := netip.MustParseAddr(machineAddress)
	return machines.Machine{Key: "hetzner/1", Name: "acme", On: true, Boots: "1", CPUs: 1, MemoryMB: 512, Image: "debian-12",
		Identity: machines.Identity{Manufacturer: "Hetzner", Product: "vServer", Serial: "1"},
		Cards:    []machines.Card{{MAC: "96:00:00:00:00:01", Address: own, Public: own, Gateway: netip.MustParseAddr("172.31.1.1"), Default: true, Filtered: true}},
		Inbound:  []machines.Rule{{From: 22, To: 22, Sources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}}}
}

// until waits for something that a machine does in its own time.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (w *world) phase(t *testing.T, want string) machines.State {
	t.Helper()
	var got machines.State
	until(t, "the machine is "+want, func() bool {
		for _, s := range w.States() {
			got = s
			if s.Phase == want && (want != "running" || len(s.Ports) > 0) {
				return true
			}
		}
		return false
	})
	return got
}

func (w *world) console(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(w.ConsolePath("hetzner/1"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// whoAmI connects to the machine on the host from an address of the host.
func whoAmI(from, to string) (string, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 20 * time.Second}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	text, err := io.ReadAll(conn)
	host, _, _ := net.SplitHostPort(string(text))
	return host, err
}

// The firewall decides who reaches the machine, by the address that the machine sees
// too; and a change of the rules is followed while it runs.
func TestFirewall(t *testing.T) {
	w := newWorld(t, nil)
	m := machine()
	w.Apply([]machines.Machine{m}, nil)
	state := w.phase(t, "running")
	if state.Outside != "127.18.77.5" || !slices.Equal(state.Ports, []uint16{22}) {
		t.Errorf("found at %s, ports %v", state.Outside, state.Ports)
	}
	if who, err := whoAmI("127.51.100.9", "127.18.77.5:22"); err != nil || who != "198.51.100.9" {
		t.Errorf("the machine sees %q, %v", who, err)
	}
	if who, err := whoAmI("127.0.0.1", "127.18.77.5:22"); err == nil && who != "" {
		t.Errorf("the firewall let %s in", who)
	}
	m.Inbound = []machines.Rule{{From: 22, To: 22, Deny: true, Sources: []netip.Prefix{netip.MustParsePrefix("198.51.100.9/32")}},
		{From: 20, To: 22, Sources: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}
	w.Apply([]machines.Machine{m}, nil)
	until(t, "the other ports are open", func() bool { return len(w.States()[0].Ports) == 3 })
	if who, err := whoAmI("127.51.100.9", "127.18.77.5:22"); err == nil && who != "" {
		t.Errorf("a rule that denies let %s in", who)
	}
	if who, err := whoAmI("127.0.0.1", "127.18.77.5:22"); err != nil || who != "198.0.0.1" {
		t.Errorf("the machine sees %q, %v", who, err)
	}
	m.Inbound = nil
	w.Apply([]machines.Machine{m}, nil)
	until(t, "all ports are closed", func() bool { return len(w.States()[0].Ports) == 0 })
	if _, err := whoAmI("127.0.0.1", "127.18.77.5:22"); err == nil {
		t.Error("a port without a rule is open")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := w.Dial(ctx, "hetzner/1", netip.MustParseAddrPort("198.51.100.1:1"), 22)
	if err != nil {
		t.Fatalf("past the firewall: %v", err)
	}
	_ = conn.Close()
}

// Power: the button asks, the plug does not; a restart is another boot of the same
// disk; a machine that switches itself off is told of, and stays off until it is
// started again.
func TestPower(t *testing.T) {
	w := newWorld(t, nil)
	m := machine()
	apply := func() { w.Apply([]machines.Machine{m}, nil) }
	apply()
	w.phase(t, "running")
	m.On, m.Asked = false, true
	apply()
	w.phase(t, "off")
	if text := w.console(t); !strings.HasSuffix(text, "powered down\n") {
		t.Errorf("asked to stop, it wrote %q", text)
	}
	m.On, m.Boots = true, "2"
	apply()
	w.phase(t, "running")
	m.Boots, m.Asked = "3", false
	apply()
	until(t, "a third boot", func() bool { return strings.Count(w.console(t), "on 1") == 3 })
	w.phase(t, "running")
	if n := strings.Count(w.console(t), "powered down"); n != 1 {
		t.Errorf("a reset asked the machine: %d times down", n)
	}
	m.On = false
	apply()
	w.phase(t, "off")
	if n := strings.Count(w.console(t), "powered down"); n != 1 {
		t.Errorf("a power cut asked the machine: %d times down", n)
	}
	select {
	case who := <-w.stopped:
		t.Errorf("%s is said to have switched itself off", who)
	default:
	}
	if _, err := os.Stat(filepath.Join(w.dir, "roots", "hetzner-1.qcow2")); err != nil {
		t.Error(err)
	}
	w.Apply(nil, nil)
	until(t, "its disk is gone", func() bool {
		_, err := os.Stat(filepath.Join(w.dir, "roots", "hetzner-1.qcow2"))
		return os.IsNotExist(err)
	})
}

func TestVolumes(t *testing.T) {
	w := newWorld(t, nil)
	m := machine()
	m.Disks = []machines.Disk{{Key: "hetzner-volume/7", SizeGB: 1, Vendor: "HC", Product: "Volume", Serial: "7"}}
	w.Apply([]machines.Machine{m}, []string{"hetzner-volume/7"})
	w.phase(t, "running")
	until(t, "the volume is plugged in", func() bool { return strings.Contains(w.console(t), "device_add <nil> 7") })
	info, err := os.Stat(w.VolumePath("hetzner-volume/7"))
	if err != nil || info.Size() != 1<<30 {
		t.Fatalf("%v, %v", info, err)
	}
	m.Disks[0].SizeGB = 2
	w.Apply([]machines.Machine{m}, []string{"hetzner-volume/7"})
	until(t, "the volume grows", func() bool {
		return strings.Contains(w.console(t), "block_resize v-hetzner-volume-7 <nil> 2.147483648e+09")
	})
	m.Disks = nil
	w.Apply([]machines.Machine{m}, []string{"hetzner-volume/7"})
	until(t, "the volume is pulled out", func() bool { return strings.Contains(w.console(t), "blockdev-del v-hetzner-volume-7") })
	if info, err = os.Stat(w.VolumePath("hetzner-volume/7")); err != nil || info.Size() != 2<<30 {
		t.Errorf("what a detached volume holds: %v, %v", info, err)
	}
	w.Apply([]machines.Machine{m}, nil)
	if _, err := os.Stat(w.VolumePath("hetzner-volume/7")); !os.IsNotExist(err) {
		t.Errorf("a deleted volume is still there: %v", err)
	}
}

// A machine that cannot be had says why, and is tried again when it is told anew.
func TestAnImageThatIsMissing(t *testing.T) {
	w := newWorld(t, nil)
	m := machine()
	m.Image = "windows"
	w.Apply([]machines.Machine{m}, nil)
	if s := w.phase(t, "failed"); !strings.Contains(s.Error, "windows") {
		t.Errorf("%+v", s)
	}
	m.Image = "debian-12"
	w.Apply([]machines.Machine{m}, nil)
	w.phase(t, "running")
}

// A machine switches itself off: QEMU ends by itself.
func TestSwitchedOffFromInside(t *testing.T) {
	w := newWorld(t, nil)
	m := machine()
	w.Apply([]machines.Machine{m}, nil)
	w.phase(t, "running")
	// The button reaches the machine without the hypervisor's doing.
	sockets, err := filepath.Glob(filepath.Join(os.TempDir(), "machines*", "hetzner-1.qmp"))
	if err != nil || len(sockets) == 0 {
		t.Fatal(sockets, err)
	}
	for _, socket := range sockets {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			continue // of another run
		}
		_, _ = io.WriteString(conn, `{"execute": "system_powerdown"}`+"\n")
		_, _ = io.ReadAll(conn)
	}
	if got := <-w.stopped; got != "hetzner/1 1" {
		t.Errorf("%q switched itself off", got)
	}
	w.Apply([]machines.Machine{m}, nil) // the simulation has not noticed yet
	time.Sleep(100 * time.Millisecond)
	w.phase(t, "off")
	m.Boots = "2"
	w.Apply([]machines.Machine{m}, nil)
	w.phase(t, "running")
}

func TestMetadataAndNames(t *testing.T) {
	w := newWorld(t, func(o *machines.Options) {
		o.MetadataName = "metadata.example"
		o.Name = func(name string) machines.Name {
			if name != "store.example" {
				return nil
			}
			return func(_ context.Context, port uint16) (net.Conn, error) {
				near, far := net.Pipe()
				go func() { _, _ = fmt.Fprintf(far, "store at %d", port); _ = far.Close() }()
				return near, nil
			}
		}
	})
	m := machine()
	m.Metadata = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "told "+r.URL.Path) })
	w.Apply([]machines.Machine{m}, nil)
	w.phase(t, "running")
	for _, c := range []struct{ to, ask, want string }{
		{"169.254.169.254:80", "GET /userdata HTTP/1.0\r\n\r\n", "told /userdata"},
		{"100.64.0.1:443", "", "store at 443"},
	} {
		if c.to == "100.64.0.1:443" {
			if a, err := w.Resolve(t.Context(), "store.example"); err != nil || len(a) != 1 || a[0].String() != "100.64.0.1" {
				t.Fatal(a, err)
			}
		}
		conn, err := w.From(t.Context(), "hetzner/1", netip.MustParseAddrPort(c.to))
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, c.ask) }()
		text, err := io.ReadAll(conn)
		if err != nil || !strings.HasSuffix(string(text), c.want) {
			t.Errorf("%s: %q, %v", c.to, text, err)
		}
	}
	if a, err := w.Resolve(t.Context(), "metadata.example"); err != nil || len(a) != 1 || a[0].String() != "169.254.169.254" {
		t.Error(a, err)
	}
	if a, err := w.Resolve(t.Context(), "example.com"); err != nil || len(a) != 0 {
		t.Errorf("an isolated machine finds example.com at %v, %v", a, err)
	}
	if conn, err := w.From(t.Context(), "hetzner/1", netip.MustParseAddrPort("192.0.2.1:80")); err == nil {
		_ = conn.Close()
		t.Error("an isolated machine reaches the world")
	}
}
