package machines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const qemuProgram = "qemu-system-x86_64"

func findQEMU() (string, error) {
	for _, tool := range []string{"qemu-img", qemuProgram} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is missing, which real machines need; on Debian: apt-get install qemu-system-x86 qemu-utils", tool)
		}
	}
	return exec.LookPath(qemuProgram)
}

// process is one run of a machine, from power on to power off.
type process struct {
	boots   string
	accel   string
	monitor *monitor
	command *exec.Cmd
	// ended is closed when the process is gone.
	ended chan struct{}
	// spoke is closed when the machine has sent its first frame: its kernel runs.
	spoke     chan struct{}
	firstWord sync.Once
	// disks are those that it has, with their sizes.
	disks map[string]int
}

// start powers a machine on. The cards' ports serve it until it ends.
func (g *guest) start(ctx context.Context, m Machine, accel string) (*process, error) {
	root, err := g.h.root(ctx, m)
	if err != nil {
		return nil, err
	}
	name := strings.ReplaceAll(m.Key, "/", "-")
	p := &process{boots: m.Boots, accel: accel, ended: make(chan struct{}), spoke: make(chan struct{}), disks: map[string]int{}}
	control := filepath.Join(g.h.sockets, name+".qmp")
	args := append(machineArgs(m, accel), "-qmp", "unix:"+control+",server=on,wait=off", "-serial", "chardev:console",
		"-chardev", "file,id=console,append=on,path="+escaped(g.h.ConsolePath(m.Key)),
		"-blockdev", "driver=qcow2,node-name=root,discard=unmap,file.driver=file,file.filename="+escaped(root),
		"-device", "scsi-hd,bus=scsi0.0,drive=root,bootindex=0,scsi-id=0,lun=0")
	if err := os.MkdirAll(filepath.Dir(g.h.ConsolePath(m.Key)), 0o700); err != nil {
		return nil, err
	}
	var cards []net.Listener
	defer func() {
		for _, l := range cards {
			_ = l.Close()
		}
	}()
	for i, c := range m.Cards {
		path := filepath.Join(g.h.sockets, name+".card"+strconv.Itoa(i))
		_ = os.Remove(path)
		listener, err := net.Listen("unix", path)
		if err != nil {
			return nil, err
		}
		cards = append(cards, listener)
		id := "card" + strconv.Itoa(i)
		args = append(args, "-netdev", "stream,id="+id+",server=off,addr.type=unix,addr.path="+escaped(path),
			"-device", "virtio-net-pci,romfile=,netdev="+id+",mac="+c.MAC)
	}
	_ = os.Remove(control)
	qemu, err := findQEMU()
	if err != nil {
		return nil, err
	}
	p.command = exec.Command(qemu, args...)
	var said lastWords
	p.command.Stderr = &said
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	err = p.connect(ctx, g, cards, control)
	for _, d := range m.Disks {
		if err == nil {
			err = p.attach(g.h, d)
		}
	}
	if err != nil {
		p.cut()
		return nil, fmt.Errorf("%w%s", err, said.String())
	}
	return p, nil
}

// machineArgs are what does not change while it runs.
func machineArgs(m Machine, accel string) []string {
	acceleration, cpu := "tcg,thread=multi", "max"
	if accel == AccelKVM {
		acceleration, cpu = "kvm", "host"
	}
	args := []string{"-name", escaped(m.Key), "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", acceleration, "-cpu", cpu,
		"-smp", strconv.Itoa(m.CPUs), "-m", strconv.Itoa(m.MemoryMB), "-rtc", "base=utc",
		"-device", "virtio-rng-pci", "-device", "virtio-scsi-pci,id=scsi0",
		"-smbios", fmt.Sprintf("type=1,manufacturer=%s,product=%s,serial=%s", escaped(m.Identity.Manufacturer), escaped(m.Identity.Product), escaped(m.Identity.Serial))}
	if m.UEFI {
		args = append(args, "-bios", "/usr/share/ovmf/OVMF.fd")
	}
	return args
}

// escaped is a value in a list of QEMU's options: a comma is doubled.
func escaped(value string) string { return strings.ReplaceAll(value, ",", ",,") }

// connectLimit is how long QEMU may take to plug its cards in and answer.
const connectLimit = 30 * time.Second

func (p *process) connect(ctx context.Context, g *guest, cards []net.Listener, control string) error {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	for i, listener := range cards {
		stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
		go func() { // QEMU may be gone without having connected
			select {
			case <-p.ended:
				_ = listener.Close()
			case <-ctx.Done():
			}
		}()
		conn, err := listener.Accept()
		stop()
		if err != nil {
			return fmt.Errorf("%s did not start: %w", qemuProgram, err)
		}
		port := g.ports[i]
		go func() { _ = port.Serve(&listening{Conn: conn, p: p}) }()
	}
	for {
		var err error
		if p.monitor, err = openMonitor(control); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once", qemuProgram)
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// listening notes the first frame.
type listening struct {
	net.Conn
	p *process
}

func (l *listening) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if n > 0 {
		l.p.firstWord.Do(func() { close(l.p.spoke) })
	}
	return n, err
}

// attach plugs a volume in, or lets it grow. The machine sees it within a second.
func (p *process) attach(h *Hypervisor, d Disk) error {
	had, there := p.disks[d.Key]
	if there && had >= d.SizeGB {
		return nil
	}
	path, err := h.volume(d)
	if err != nil {
		return err
	}
	id := nodeName(d.Key)
	if there {
		err = p.monitor.run("block_resize", map[string]any{"node-name": id, "size": int64(d.SizeGB) * gib})
	} else {
		err = p.monitor.run("blockdev-add", map[string]any{"driver": "raw", "node-name": id, "discard": "unmap",
			"file": map[string]any{"driver": "file", "filename": path}})
		if err == nil {
			err = p.monitor.run("device_add", map[string]any{"driver": "scsi-hd", "id": "dev-" + id, "bus": "scsi0.0", "drive": id,
				"vendor": d.Vendor, "product": d.Product, "device_id": d.Serial, "serial": d.Serial})
		}
	}
	if err == nil {
		p.disks[d.Key] = d.SizeGB
	}
	return err
}

// detach pulls a volume out.
func (p *process) detach(key string) error {
	id := nodeName(key)
	if err := p.monitor.run("device_del", map[string]any{"id": "dev-" + id}); err != nil && !strings.Contains(err.Error(), "not found") {
		return err
	}
	// The device goes once the machine has let it go.
	for range 100 {
		err := p.monitor.run("blockdev-del", map[string]any{"node-name": id})
		if err == nil {
			delete(p.disks, key)
			return nil
		}
		select {
		case <-p.ended:
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the machine does not let the volume %s go", key)
}

// nodeName is a name of at most 31 bytes that begins with a letter.
func nodeName(key string) string {
	name := "v-" + strings.NewReplacer("/", "-", "_", "-", ".", "-").Replace(key)
	return name[:min(len(name), 31)]
}

// ask presses the power button.
func (p *process) ask() error { return p.monitor.run("system_powerdown", nil) }

// cut pulls the plug, and waits until the process is gone.
func (p *process) cut() {
	_ = p.command.Process.Kill()
	<-p.ended
	if p.monitor != nil {
		p.monitor.close()
	}
}

// lastWords keeps the beginning of what QEMU complains of.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := 2000 - len(w.text); room > 0 {
		w.text = append(w.text, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.text) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(w.text))
}
