package engine

import "net/http"

// Answer is a response whose status is remembered, and which sends nothing where
// the connection is to be dropped once the request has taken effect.
type Answer struct {
	http.ResponseWriter
	// Status is what was answered; 0 before anything was.
	Status int
	// Discard lets the request take effect and its answer be lost.
	Discard bool
}

// WriteHeader implements http.ResponseWriter.
func (w *Answer) WriteHeader(status int) {
	if w.Status == 0 {
		w.Status = status
	}
	if !w.Discard {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *Answer) Write(b []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	if w.Discard {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
