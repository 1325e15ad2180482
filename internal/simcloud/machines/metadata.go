package machines

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// metadataService answers one machine's metadata requests, of whatever handler the
// machine has at the time, over connections in memory.
type metadataService struct {
	conns  chan net.Conn
	server *http.Server
	closed context.Context
}

func newMetadataService(g *guest) *metadataService {
	s := &metadataService{conns: make(chan net.Conn), closed: g.ctx}
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := g.machine().Metadata; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})}
	go func() { _ = s.server.Serve(s) }()
	return s
}

func (s *metadataService) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case s.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closed.Done():
		return nil, net.ErrClosed
	}
}

// Accept, Close and Addr make it a net.Listener.
func (s *metadataService) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.closed.Done():
		return nil, net.ErrClosed
	}
}

func (*metadataService) Close() error { return nil }
func (*metadataService) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(169, 254, 169, 254), Port: 80}
}

func (s *metadataService) close() {
	if err := s.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return
	}
}
