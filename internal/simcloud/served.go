package simcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Served is a simulation on the network.
type Served struct {
	// URL is the base; the Hetzner Cloud endpoint is URL + "/v1", Compute
	// Engine's is URL for the vendor's libraries and URL + "/compute/v1/" for
	// its Terraform provider (compute_custom_endpoint).
	URL string
	// S3 are the endpoints of Hetzner's object store by location. Each has a
	// port of its own, as clients of S3 take no path in an endpoint; those that
	// do can use URL + "/s3/<location>".
	S3 map[string]string

	servers []*http.Server
	done    chan error
}

// Serve listens on addr ("127.0.0.1:0" for any free port), and on one more port for
// each location of the object store, and serves until Shutdown. It returns once it
// listens.
func (s *Sim) Serve(addr string) (*Served, error) {
	out := &Served{S3: map[string]string{}, done: make(chan error, 1+len(S3Locations()))}
	url, err := out.listen(addr, s.Handler())
	if err != nil {
		return nil, err
	}
	out.URL = url
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, errors.Join(err, out.close())
	}
	for _, location := range S3Locations() {
		at := s.opts.S3Listen[location]
		if at == "" {
			at = net.JoinHostPort(host, "0")
		}
		if out.S3[location], err = out.listen(at, s.S3Handler(location)); err != nil {
			return nil, errors.Join(err, out.close())
		}
	}
	return out, nil
}

func (v *Served) listen(addr string, h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("the simulator cannot listen: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	v.servers = append(v.servers, srv)
	go func() { v.done <- srv.Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

// close ends what Serve began before it failed.
func (v *Served) close() error {
	var errs []error
	for _, srv := range v.servers {
		errs = append(errs, srv.Close())
		if e := <-v.done; !errors.Is(e, http.ErrServerClosed) {
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// Shutdown stops serving: requests under way may finish until ctx ends.
func (v *Served) Shutdown(ctx context.Context) error {
	stopped := make(chan error, len(v.servers))
	for _, srv := range v.servers {
		go func() {
			err := srv.Shutdown(ctx)
			if err != nil {
				err = errors.Join(err, srv.Close())
			}
			stopped <- err
		}()
	}
	var errs []error
	for range v.servers {
		errs = append(errs, <-stopped)
		if e := <-v.done; !errors.Is(e, http.ErrServerClosed) {
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}
