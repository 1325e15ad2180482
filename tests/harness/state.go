package harness

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// StateServer keeps Terraform states in memory, for the http backend
// (https://developer.hashicorp.com/terraform/language/backend/http). The local
// backend writes and syncs the whole state after every single change, which
// with thousands of resources measures the disk; remote backends are written
// every 20 seconds.
type StateServer struct {
	mu     sync.Mutex
	states map[string][]byte
	url    string
	server *http.Server
}

// StartStateServer listens on a free port of 127.0.0.1.
func StartStateServer() (*StateServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &StateServer{states: map[string][]byte{}, url: "http://" + listener.Addr().String()}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Address is what the http backend takes for the state of that name.
func (s *StateServer) Address(name string) string { return s.url + "/" + name }

// Copy gives a state to another name.
func (s *StateServer) Copy(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.states["/"+from]
	if !ok {
		return errors.New("there is no state " + from)
	}
	s.states["/"+to] = state
	return nil
}

// ServeHTTP implements http.Handler.
func (s *StateServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		state, ok := s.states[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(state)
	case http.MethodPost:
		state, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.states[r.URL.Path] = state
	case http.MethodDelete:
		delete(s.states, r.URL.Path)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// Close stops serving and forgets the states.
func (s *StateServer) Close() error { return s.server.Close() }
