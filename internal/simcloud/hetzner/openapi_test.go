package hetzner_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// specFile is the vendor's OpenAPI description
// (https://docs.hetzner.cloud/cloud.spec.json), which is not ours to hand on:
// a copy beside the repository, or where $HETZNER_OPENAPI says.
const specFile = "../shared/specs/hetzner-cloud.openapi.json"

// loadSpec reads the description once for all tests; nil when it is not there.
var loadSpec = sync.OnceValues(func() (routers.Router, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(cmp.Or(os.Getenv("HETZNER_OPENAPI"), filepath.Join(root, specFile)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var text any
	if err := json.Unmarshal(b, &text); err != nil {
		return nil, err
	}
	nullsInEnums(text)
	enumsBehindText(text)
	if b, err = json.Marshal(text); err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		return nil, err
	}
	// The description writes its ranges of errors in lower case.
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for lower, upper := range map[string]string{"4xx": "4XX", "5xx": "5XX"} {
				if r := op.Responses.Value(lower); r != nil {
					op.Responses.Set(upper, r)
				}
			}
		}
	}
	doc.Servers = openapi3.Servers{{URL: "/v1"}}
	return gorillamux.NewRouter(doc)
})

// nullsInEnums adds null to the enumerations of values that may be null, which
// the description forgets.
func nullsInEnums(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			nullsInEnums(e)
		}
	case map[string]any:
		types, _ := v["type"].([]any)
		if enum, ok := v["enum"].([]any); ok && slices.Contains(types, any("null")) && !slices.Contains(enum, any(nil)) {
			v["enum"] = append(enum, nil)
		}
		for _, e := range v {
			nullsInEnums(e)
		}
	}
}

// enumsBehindText adds to an enumeration what the text beside it announces for a
// day that is past: unassigned, as the type of a primary IP's assignee.
func enumsBehindText(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			enumsBehindText(e)
		}
	case map[string]any:
		text, _ := v["description"].(string)
		if enum, ok := v["enum"].([]any); ok && strings.Contains(text, "As of 01 August 2026 `unassigned` will be returned") {
			v["enum"] = append(enum, "unassigned")
		}
		for _, e := range v {
			enumsBehindText(e)
		}
	}
}

// youngerThanSpec tells whether a path came to the API after the description.
func youngerThanSpec(path string) bool {
	return strings.HasPrefix(path, "/v1/networks/") && strings.HasSuffix(path, "/members")
}

// checked wraps the API: everything that it answers has to be as the vendor's
// description says, and everything that it accepts has to be allowed there.
func checked(t *testing.T, api http.Handler) http.Handler {
	t.Helper()
	router, err := loadSpec()
	if err != nil {
		t.Fatalf("the OpenAPI description: %v", err)
	}
	if router == nil {
		t.Logf("%s is not there: requests and answers are not checked against it", specFile)
		return api
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: reading the request: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recording{ResponseWriter: w, status: http.StatusOK}
		api.ServeHTTP(rec, r)
		// After the answer, so that a slow check delays nobody's clock.
		if err := conforms(router, r, body, rec); err != nil {
			t.Errorf("%s %s is not as the vendor describes it:\n%v\nrequest: %s\nanswer: %d %s", r.Method, r.URL, err, body, rec.status, rec.body.String())
		}
	})
}

type recording struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recording) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recording) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

func conforms(router routers.Router, r *http.Request, body []byte, rec *recording) error {
	route, params, err := router.FindRoute(r)
	if err != nil {
		if rec.status < 300 && !strings.HasPrefix(r.URL.Path, "/v1/load_balancer") && !youngerThanSpec(r.URL.Path) {
			return fmt.Errorf("accepted, but not described: %w", err)
		}
		return nil
	}
	clone := r.Clone(context.Background())
	body = asAllowed(body)
	clone.Body = io.NopCloser(bytes.NewReader(body))
	clone.ContentLength = int64(len(body))
	if len(body) > 0 && clone.Header.Get("Content-Type") == "" {
		clone.Header.Set("Content-Type", "application/json")
	}
	in := &openapi3filter.RequestValidationInput{Request: clone, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: false, MultiError: true}}
	if rec.status < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			return fmt.Errorf("accepted, but not allowed: %w", err)
		}
	}
	if rec.status == http.StatusNoContent {
		if rec.body.Len() > 0 {
			return errors.New("an answer without content has content")
		}
		return nil
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.status, Header: rec.Header(), Options: in.Options}
	out.SetBodyBytes(rec.body.Bytes())
	return openapi3filter.ValidateResponse(context.Background(), out)
}

// asAllowed drops what the vendor's own client sends although the description
// does not allow it, and what the vendor's API accepts: null for no value, and
// ids where the description has only the string form of a reference.
func asAllowed(body []byte) []byte {
	var m map[string]any
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	for k, v := range m {
		_, number := v.(float64)
		switch {
		case v == nil:
			delete(m, k)
		case number && slices.Contains([]string{"server_type", "image", "iso", "location"}, k):
			m[k] = fmt.Sprint(v)
		}
	}
	if keys, ok := m["ssh_keys"].([]any); ok && m["server_type"] != nil {
		for i, k := range keys {
			keys[i] = fmt.Sprint(k)
		}
	}
	out, err := json.Marshal(m)
	if err != nil {
		return body
	}
	return out
}

// The harness itself has to notice what is wrong.
func TestHarnessNotices(t *testing.T) {
	router, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	if router == nil {
		t.Skipf("%s is not there", specFile)
	}
	key := `{"id": 1, "name": "n", "fingerprint": "f", "public_key": "p", "labels": {}, "created": "2026-01-01T00:00:00Z"}`
	for _, tc := range []struct {
		name, method, path, request, answer string
		status                              int
		ok                                  bool
	}{
		{"good answer", "GET", "/v1/ssh_keys/1", "", `{"ssh_key": ` + key + `}`, 200, true},
		{"wrong type", "GET", "/v1/ssh_keys/1", "", `{"ssh_key": ` + strings.Replace(key, "1", `"1"`, 1) + `}`, 200, false},
		{"missing field", "GET", "/v1/ssh_keys/1", "", `{"ssh_key": {"id": 1}}`, 200, false},
		{"null that is none", "GET", "/v1/ssh_keys/1", "", `{"ssh_key": ` + strings.Replace(key, "{}", "null", 1) + `}`, 200, false},
		{"error without a code", "GET", "/v1/ssh_keys/1", "", `{"error": {"message": "m"}}`, 404, false},
		{"good error", "GET", "/v1/ssh_keys/1", "", `{"error": {"code": "c", "message": "m", "details": null}}`, 404, true},
		{"content without content", "DELETE", "/v1/ssh_keys/1", "", `{}`, 204, false},
		{"bad request accepted", "POST", "/v1/ssh_keys", `{"name": 7}`, `{"ssh_key": ` + key + `}`, 201, false},
		{"bad request refused", "POST", "/v1/ssh_keys", `{"name": 7}`, `{"error": {"code": "c", "message": "m"}}`, 422, true},
		{"not described", "GET", "/v1/nonsense", "", `{}`, 200, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tc.method, "http://api"+tc.path, strings.NewReader(tc.request))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			rec := &recording{ResponseWriter: httptest.NewRecorder(), status: tc.status}
			rec.Header().Set("Content-Type", "application/json")
			rec.body.WriteString(tc.answer)
			if err := conforms(router, r, []byte(tc.request), rec); (err == nil) != tc.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
