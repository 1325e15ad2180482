package image

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// bootLimit is how long a first boot may take; without KVM, beside other work,
// it takes minutes.
const bootLimit = 12 * time.Minute

// machine is a running virtual machine.
type machine struct {
	t       *testing.T
	address string
	signer  ssh.Signer
	console string
	process *exec.Cmd
}

// settings of a boot.
type settings struct {
	uefi bool
	// disk is written to; the image itself is not.
	disk string
}

func requireE2E(t *testing.T) string {
	t.Helper()
	if os.Getenv("HOLDFAST_E2E") != "1" {
		t.Skip("it boots machines, for minutes: set HOLDFAST_E2E=1, and HOLDFAST_IMAGE to what `make image` built")
	}
	image := os.Getenv("HOLDFAST_IMAGE")
	if image == "" {
		image = "../../build/image/holdfast.qcow2"
	}
	image, err := filepath.Abs(image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(image); err != nil {
		t.Fatalf("%v: `make image` builds it", err)
	}
	return image
}

// newKey makes an engineer's key.
func newKey(t *testing.T) (ssh.Signer, string, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), pem.EncodeToMemory(block)
}

// start boots the image on a disk of its own, with one engineer, and waits until
// that one can log in.
func start(t *testing.T, image string, s settings, userData string, signer ssh.Signer) *machine {
	t.Helper()
	dir := t.TempDir()
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, filepath.Join(dir, "disk.qcow2"), "20G")
	m := &machine{t: t, signer: signer, console: filepath.Join(dir, "console.log")}
	m.boot(s, filepath.Join(dir, "disk.qcow2"), seed(t, dir, userData))
	return m
}

// seed makes the disk that cloud-init's NoCloud source reads.
func seed(t *testing.T, dir, userData string) string {
	t.Helper()
	file := filepath.Join(dir, "seed.img")
	for name, text := range map[string]string{"user-data": userData, "meta-data": "instance-id: test-1\nlocal-hostname: tenant-1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 2<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.vfat", "-n", "CIDATA", file)
	run(t, "mcopy", "-i", file, filepath.Join(dir, "user-data"), filepath.Join(dir, "meta-data"), "::")
	return file
}

func (m *machine) boot(s settings, disk, seed string) {
	m.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	m.address = listener.Addr().String()
	listener.Close()
	args := []string{
		"-nodefaults", "-display", "none", "-machine", "q35", "-smp", "2", "-m", "2048",
		"-drive", "if=none,id=root,format=qcow2,discard=unmap,file=" + disk, "-device", "virtio-blk-pci,drive=root,bootindex=0",
		"-drive", "if=none,id=seed,format=raw,readonly=on,file=" + seed, "-device", "virtio-blk-pci,drive=seed",
		"-netdev", "user,id=net,hostfwd=tcp:" + m.address + "-:22", "-device", "virtio-net-pci,netdev=net",
		"-device", "virtio-rng-pci", "-serial", "file:" + m.console, "-no-reboot",
	}
	if os.Getenv("HOLDFAST_KVM") == "1" {
		args = append(args, "-accel", "kvm", "-cpu", "host")
	} else {
		// KVM under another hypervisor may start and then hang: nobody can tell
		// but by trying, so it has to be asked for.
		args = append(args, "-accel", "tcg,thread=multi", "-cpu", "max")
	}
	if s.uefi {
		args = append(args, "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd")
	}
	m.process = exec.Command("nice", append([]string{"-n", "10", "qemu-system-x86_64"}, args...)...)
	var errs bytes.Buffer
	m.process.Stderr = &errs
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = m.process.Wait(); close(done) }()
	m.t.Cleanup(func() {
		_ = m.process.Process.Kill()
		<-done
		if m.t.Failed() {
			text, _ := os.ReadFile(m.console)
			m.t.Logf("the console's end:\n%s", text[max(0, len(text)-6000):])
		}
	})
	begun := time.Now()
	var last error
	for time.Since(begun) < bootLimit {
		select {
		case <-done:
			m.t.Fatalf("qemu ended: %s", errs.String())
		case <-time.After(2 * time.Second):
		}
		client, err := m.dial("ada", ssh.PublicKeys(m.signer))
		if last = err; err == nil {
			client.Close()
			m.t.Logf("boot to SSH: %s", time.Since(begun).Round(time.Second))
			return
		}
	}
	m.t.Fatalf("no login within %s: %v", bootLimit, last)
}

// dial logs in.
func (m *machine) dial(user string, methods ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", m.address, &ssh.ClientConfig{User: user, Auth: methods, Timeout: 20 * time.Second, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
}

// sh runs a script as root and returns what it printed.
func (m *machine) sh(script string) string {
	m.t.Helper()
	client, err := m.dial("ada", ssh.PublicKeys(m.signer))
	if err != nil {
		m.t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		m.t.Fatal(err)
	}
	defer session.Close()
	session.Stdin = strings.NewReader(script)
	out, err := session.CombinedOutput("sudo sh -s")
	if err != nil {
		m.t.Errorf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + args[0]); err == nil {
			out, err := exec.CommandContext(context.Background(), path, args[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
			}
			return string(out)
		}
	}
	t.Fatal(fmt.Sprintf("%s is not installed: tests/scripts/image-tools installs what is needed", args[0]))
	return ""
}
