package simcloud

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Names serves the simulation under the vendors' own host names, for clients that
// take no other endpoint (restic's gs backend is one): a proxy that ends TLS for
// those names itself, and refuses all others, so that nothing gets out by mistake.
type Names struct {
	// Proxy is what clients take as HTTPS_PROXY.
	Proxy string
	// CA is the authority that signs the names, in PEM: what clients have to
	// trust (SSL_CERT_FILE, restic --cacert).
	CA []byte

	key   *ecdsa.PrivateKey
	ca    *x509.Certificate
	conns chan net.Conn
	over  chan struct{}
	close sync.Once
	proxy *http.Server
	front *http.Server
	addr  net.Addr
	mu    sync.Mutex
	certs map[string]*tls.Certificate
}

// named is what serves a host name, or nil.
func (s *Sim) named(host string) http.Handler {
	switch host {
	case "api.hetzner.cloud":
		return s.hetzner
	case "compute.googleapis.com":
		return s.google
	case "storage.googleapis.com":
		return s.gcs
	case "www.googleapis.com":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/compute/") {
				s.google.ServeHTTP(w, r)
				return
			}
			s.gcs.ServeHTTP(w, r)
		})
	}
	rest, ok := strings.CutSuffix(host, ".your-objectstorage.com")
	if !ok {
		return nil
	}
	bucket, location, dotted := cutLast(rest, ".")
	switch {
	case !slices.Contains(S3Locations(), location):
		return nil
	case dotted:
		return s.s3.Bucket(location, bucket)
	}
	return s.s3.At(location)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// ServeNames listens on addr ("127.0.0.1:0" for any free port) and serves until
// Shutdown. The authority is made anew each time, and its key never leaves memory.
func (s *Sim) ServeNames(addr string) (*Names, error) {
	n := &Names{conns: make(chan net.Conn), over: make(chan struct{}), certs: map[string]*tls.Certificate{}}
	if err := n.authority(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the proxy of the vendors' names cannot listen: %w", err)
	}
	n.Proxy, n.addr = "http://"+l.Addr().String(), l.Addr()
	// Clients open connections that they never use, and net/http would complain.
	n.front = &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.named(hostname(r.Host)).ServeHTTP(w, r)
	})}
	n.proxy = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || s.named(hostname(r.Host)) == nil {
			http.Error(w, "the simulator stands for its vendors' names only, and only over TLS: "+r.Host, http.StatusForbidden)
			return
		}
		n.tunnel(w)
	})}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if s.named(hello.ServerName) == nil {
				return nil, fmt.Errorf("the simulator does not stand for %q", hello.ServerName)
			}
			return n.certificate(hello.ServerName)
		}}
	go func() { _ = n.proxy.Serve(l) }()
	go func() { _ = n.front.Serve(tls.NewListener(n, config)) }()
	return n, nil
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// tunnel hands a client's connection to the front.
func (n *Names) tunnel(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	select {
	case n.conns <- conn:
	case <-n.over:
		_ = conn.Close()
	}
}

// Serves tells whether the simulation stands for a host name.
func (s *Sim) Serves(host string) bool { return s.named(host) != nil }

// Hand gives the front a client's connection, that begins with TLS.
func (n *Names) Hand(ctx context.Context, conn net.Conn) error {
	select {
	case n.conns <- conn:
		return nil
	case <-n.over:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Accept, Close and Addr make it the front's listener.
func (n *Names) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.over:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (n *Names) Close() error {
	n.close.Do(func() { close(n.over) })
	return nil
}

// Addr is the proxy's.
func (n *Names) Addr() net.Addr { return n.addr }

// Shutdown stops serving: requests under way may finish until ctx ends.
func (n *Names) Shutdown(ctx context.Context) error {
	err := errors.Join(n.proxy.Shutdown(ctx), n.front.Shutdown(ctx))
	if err != nil {
		err = errors.Join(err, n.proxy.Close(), n.front.Close())
	}
	return err
}

// certDays is how long certificates are good, in real time, like the rest of TLS.
const certDays = 30

func (n *Names) authority() (err error) {
	if n.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Holdfast simulator"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, certDays), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &n.key.PublicKey, n.key)
	if err != nil {
		return err
	}
	n.ca, err = x509.ParseCertificate(der)
	n.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return err
}

// certificate is the one of a name.
func (n *Names) certificate(name string) (*tls.Certificate, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.certs[name]; c != nil {
		return c, nil
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(len(n.certs) + 2)), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: n.ca.NotBefore, NotAfter: n.ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, n.ca, &n.key.PublicKey, n.key)
	if err != nil {
		return nil, err
	}
	n.certs[name] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: n.key}
	return n.certs[name], nil
}
