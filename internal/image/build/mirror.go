package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// mirror serves a lock's packages on loopback, as an archive that holds nothing
// else: what is installed from it is what the lock says.
type mirror struct {
	packages, release []byte
	files             map[string]string
}

// newMirror reads the control data of all packages.
func newMirror(ctx context.Context, r runner, pool Pool, lock Lock) (*mirror, error) {
	stanzas := make([]string, len(lock.Packages))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	m := &mirror{files: map[string]string{}}
	quiet := r
	quiet.log = new(bytes.Buffer)
	for i, pkg := range lock.Packages {
		m.files["/"+pkg.SHA256+".deb"] = pool.file(pkg)
		group.Go(func() error {
			one := quiet
			one.log = new(bytes.Buffer)
			control, err := one.run(ctx, nil, "dpkg-deb", "--field", pool.file(pkg))
			if err != nil {
				return err
			}
			stanzas[i] = fmt.Sprintf("%s\nFilename: %s.deb\nSize: %d\nSHA256: %s\n", bytes.TrimSpace(control), pkg.SHA256, pkg.Size, pkg.SHA256)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	m.packages = []byte(strings.Join(stanzas, "\n"))
	m.release = fmt.Appendf(nil, "Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\nArchitectures: %s all\nDate: %s\nSHA256:\n %x %d Packages\n",
		lock.Suite, lock.Suite, lock.Arch, time.Unix(lock.Epoch, 0).UTC().Format(time.RFC1123), sha256.Sum256(m.packages), len(m.packages))
	return m, nil
}

// ServeHTTP answers apt.
func (m *mirror) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	// apt asks for "/./Packages": the archive is flat.
	switch name := path.Clean(request.URL.Path); name {
	case "/Packages":
		http.ServeContent(w, request, "", time.Time{}, bytes.NewReader(m.packages))
	case "/Release":
		http.ServeContent(w, request, "", time.Time{}, bytes.NewReader(m.release))
	default:
		file, ok := m.files[name]
		if !ok {
			http.NotFound(w, request)
			return
		}
		http.ServeFile(w, request, file)
	}
}

// serve starts answering. It returns the address and what stops it.
func (m *mirror) serve() (address string, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// It ends with ErrServerClosed; a failure shows in apt.
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String() + "/", func() { _ = server.Close(); <-done }, nil
}
