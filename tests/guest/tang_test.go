package guest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal"
)

// tangServer is Debian's tangd behind a listener of the test's, which starts
// one for each connection as systemd's socket would.
type tangServer struct {
	guest.Tang
	keys     string
	program  string
	listener *net.TCPListener
	running  sync.WaitGroup
	// cut ends all connections.
	cut context.CancelFunc
}

// startTang makes keys and serves them on loopback.
func startTang(t *testing.T) *tangServer {
	t.Helper()
	packages := []string{"tang", "clevis", "jose", "curl"}
	needs(t, "clevis", packages...)
	needs(t, "curl", packages...)
	needs(t, "jose", packages...)
	s := &tangServer{keys: t.TempDir(), program: libexec(t, "tangd")}
	run(t, "", libexec(t, "tangd-keygen"), s.keys)
	s.Thumbprint = s.signingKey(t)
	s.listen(t, "127.0.0.1:0")
	return s
}

// listen serves at an address until the test ends or the server is stopped.
func (s *tangServer) listen(t *testing.T, address string) {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if s.listener, err = net.ListenTCP("tcp", at); err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + s.listener.Addr().String()
	ctx, cut := context.WithCancel(context.Background())
	s.cut = cut
	listener := s.listener
	s.running.Go(func() { s.serve(ctx, listener) })
	t.Cleanup(s.stop)
}

func libexec(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{"/usr/libexec/" + name, "/usr/lib/x86_64-linux-gnu/" + name, "/usr/lib/aarch64-linux-gnu/" + name} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("the package tang is not installed (no %s): apt-get install tang", name)
	return ""
}

// serve answers until the listener is closed.
func (s *tangServer) serve(ctx context.Context, listener *net.TCPListener) {
	for {
		connection, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		s.running.Go(func() {
			defer connection.Close()
			file, err := connection.File()
			if err != nil {
				return
			}
			defer file.Close()
			command := exec.CommandContext(ctx, s.program, s.keys)
			command.Stdin, command.Stdout = file, file
			// A failure shows as an answer that is missing.
			_ = command.Run()
		})
	}
}

// stop makes the server unreachable.
func (s *tangServer) stop() {
	_ = s.listener.Close() // an error tells that it is closed already
	s.cut()
	s.running.Wait()
}

// signingKey is the thumbprint of the key that signs now, as the operator finds
// it on the server.
func (s *tangServer) signingKey(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.keys, "[^.]*.jwk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var key struct {
			Algorithm string `json:"alg"`
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &key)
		}
		if err != nil {
			t.Fatal(err)
		}
		if key.Algorithm == "ES512" {
			return strings.TrimSpace(run(t, "", "jose", "jwk", "thp", "-a", "S256", "-i", file))
		}
	}
	t.Fatal("no signing key")
	return ""
}

// server is what the provider knows of a server that answers it.
func (s *tangServer) server(t *testing.T) seal.Server {
	t.Helper()
	advertisement, err := seal.Fetch(t.Context(), http.DefaultClient, s.Tang)
	if err != nil {
		t.Fatal(err)
	}
	return seal.Server{URL: s.URL, Advertisement: advertisement}
}

// run starts a program that has to succeed, and answers what it prints.
func run(t *testing.T, input, program string, args ...string) string {
	t.Helper()
	out, err := try(t, input, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return out
}

func try(t *testing.T, input, program string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Stdin = strings.NewReader(input)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LC_ALL=C.UTF-8"}
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return string(out), err
}
