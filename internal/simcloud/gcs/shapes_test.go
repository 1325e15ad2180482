package gcs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The vendor's description of its API, which comes with its Go module.
type discovery struct {
	Schemas   map[string]*schema `json:"schemas"`
	Resources map[string]struct {
		Methods map[string]*struct {
			HTTPMethod string             `json:"httpMethod"`
			Path       string             `json:"path"`
			Parameters map[string]*schema `json:"parameters"`
			Response   *schema            `json:"response"`
		} `json:"methods"`
	} `json:"resources"`
}

type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Enum                 []string           `json:"enum"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Items                *schema            `json:"items"`
}

var loadDiscovery = sync.OnceValues(func() (*discovery, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil || len(bytes.TrimSpace(dir)) == 0 {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "storage", "v1", "storage-api.json"))
	if err != nil {
		return nil, nil
	}
	d := &discovery{}
	return d, json.Unmarshal(b, d)
})

// responseOf is the schema of the successful answer to a request; false when the
// vendor has no such method.
func (d *discovery) responseOf(method, path string) (*schema, bool) {
	segments := strings.Split(strings.TrimPrefix(path, "/storage/v1/"), "/")
	var best *schema
	found, literals := false, -1
	for _, r := range d.Resources {
		for _, m := range r.Methods {
			pattern := strings.Split(m.Path, "/")
			if m.HTTPMethod != method || len(pattern) != len(segments) {
				continue
			}
			n, ok := 0, true
			for i, p := range pattern {
				if strings.HasPrefix(p, "{") {
					continue
				}
				n++
				ok = ok && p == segments[i]
			}
			if ok && n > literals {
				found, literals, best = true, n, m.Response
			}
		}
	}
	return best, found
}

// differences are what of a value does not have the shape.
func (d *discovery) differences(s *schema, v any, at string) []string {
	if s.Ref != "" {
		return d.differences(d.Schemas[s.Ref], v, at)
	}
	wrong := func(want string) []string { return []string{fmt.Sprintf("%s: %v (%T) is no %s", at, v, v, want)} }
	switch s.Type {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return wrong("object")
		}
		var out []string
		for k, x := range m {
			switch {
			case s.Properties[k] != nil:
				out = append(out, d.differences(s.Properties[k], x, at+"."+k)...)
			case s.AdditionalProperties != nil:
				out = append(out, d.differences(s.AdditionalProperties, x, at+"."+k)...)
			default:
				out = append(out, at+"."+k+": the vendor has no such field")
			}
		}
		return out
	case "array":
		list, ok := v.([]any)
		if !ok {
			return wrong("array")
		}
		var out []string
		for i, x := range list {
			out = append(out, d.differences(s.Items, x, at+"["+strconv.Itoa(i)+"]")...)
		}
		return out
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong("boolean")
		}
	case "integer", "number":
		if _, ok := v.(float64); !ok {
			return wrong("number")
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			return wrong("string")
		}
		if s.Format == "uint64" || s.Format == "int64" {
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return wrong(s.Format)
			}
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			return wrong("value of the enumeration, as " + s.Enum[0])
		}
	}
	return nil
}

// checked lets every successful answer be compared with the vendor's shape.
func checked(t *testing.T, h http.Handler) http.Handler {
	d, err := loadDiscovery()
	if err != nil {
		t.Fatal(err)
	}
	if d == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r) // a panic that drops the connection passes through
		path := r.URL.EscapedPath()
		json200 := rec.Code == http.StatusOK && strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") && r.URL.Query().Get("alt") != "media"
		path = strings.TrimPrefix(path, "/upload")
		if json200 && strings.HasPrefix(path, "/storage/v1/") {
			method := r.Method
			if method == http.MethodPut && r.URL.Query().Has("upload_id") {
				method = http.MethodPost
			}
			s, ok := d.responseOf(method, path)
			var v any
			if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
				t.Errorf("%s %s: %v", r.Method, path, err)
			}
			switch {
			case !ok:
				t.Errorf("%s %s: the vendor has no such method", r.Method, path)
			case s != nil:
				for _, x := range d.differences(s, v, "") {
					t.Errorf("%s %s: %s", r.Method, path, x)
				}
			}
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}
