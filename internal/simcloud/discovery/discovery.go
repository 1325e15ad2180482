// Package discovery reads Google's descriptions of its APIs (discovery
// documents), so that tests hold the embedded cloud to them. The documents come
// with the vendor's Go module google.golang.org/api, which the product needs
// anyway. Only tests import it.
//
// It may import the standard library.
package discovery

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Document is the description of one API.
type Document struct {
	Schemas map[string]*Schema `json:"schemas"`
	resource
	methods []matcher
}

type resource struct {
	Resources map[string]*resource `json:"resources"`
	Methods   map[string]*method   `json:"methods"`
}

type method struct {
	HTTPMethod string  `json:"httpMethod"`
	FlatPath   string  `json:"flatPath"`
	Path       string  `json:"path"`
	Response   *Schema `json:"response"`
}

// Schema is the shape of a value.
type Schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Enum                 []string           `json:"enum"`
	Properties           map[string]*Schema `json:"properties"`
	AdditionalProperties *Schema            `json:"additionalProperties"`
	Items                *Schema            `json:"items"`
	Annotations          struct {
		// Required are the methods whose requests must have the field.
		Required []string `json:"required"`
	} `json:"annotations"`
}

// Load reads a document by its place in the module: "compute/v1/compute-api.json".
func Load(file string) (*Document, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module google.golang.org/api: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	d := &Document{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.collect(&d.resource)
	return d, nil
}

// matcher is a method with the paths that lead to it.
type matcher struct {
	*method
	path     *regexp.Regexp
	literals int // characters that are no placeholder
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func (d *Document) collect(r *resource) {
	for _, m := range r.Methods {
		path := m.FlatPath
		if path == "" {
			path = m.Path
		}
		literal := placeholder.Split(path, -1)
		for i, part := range literal {
			literal[i] = regexp.QuoteMeta(part)
		}
		d.methods = append(d.methods, matcher{m, regexp.MustCompile("^" + strings.Join(literal, "[^/]+") + "$"), len(placeholder.ReplaceAllString(path, ""))})
	}
	for _, child := range r.Resources {
		d.collect(child)
	}
}

// ResponseOf is the shape of the successful answer to a request, nil for an
// empty one; false when the vendor has no such method. The path begins behind
// the service's base path.
func (d *Document) ResponseOf(httpMethod, path string) (*Schema, bool) {
	var best *matcher
	for i, m := range d.methods {
		if m.HTTPMethod == httpMethod && m.path.MatchString(path) && (best == nil || m.literals > best.literals) {
			best = &d.methods[i]
		}
	}
	if best == nil {
		return nil, false
	}
	return best.Response, true
}

// Differences are what of a decoded JSON value does not have the shape.
func (d *Document) Differences(s *Schema, v any) []string { return d.differences(s, v, "") }

func (d *Document) differences(s *Schema, v any, at string) []string {
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
