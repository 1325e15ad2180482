package faults

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// direct hands requests to a handler in the same process. Like a server of
// net/http it breaks the connection when the handler panics with
// http.ErrAbortHandler.
type direct struct{ sim *simcloud.Sim }

func (d direct) RoundTrip(request *http.Request) (response *http.Response, err error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	served := request.Clone(request.Context())
	if served.Body == nil {
		served.Body = io.NopCloser(bytes.NewReader(nil))
	}
	served.RemoteAddr = "127.0.0.1:1"
	defer func() {
		if recovered := recover(); recovered == http.ErrAbortHandler {
			response, err = nil, io.ErrUnexpectedEOF
		} else if recovered != nil {
			panic(recovered)
		}
	}()
	recorder := httptest.NewRecorder()
	d.sim.HetznerHandler().ServeHTTP(recorder, served)
	if err := request.Context().Err(); err != nil {
		// The client left before the answer came.
		return nil, err
	}
	response = recorder.Result()
	response.Request = request
	return response, nil
}
