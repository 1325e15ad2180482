package google_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// The descriptions of the vendor's other services, by the mount under which
// they are served here.
var loadServices = sync.OnceValues(func() (map[string]*serviceDescription, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil, err
	}
	services := map[string]*serviceDescription{}
	for mount, file := range map[string]string{"/kms/v1/": "cloudkms/v1/cloudkms-api.json",
		"/cloudresourcemanager/v1/": "cloudresourcemanager/v1/cloudresourcemanager-api.json",
		"/cloudresourcemanager/v3/": "cloudresourcemanager/v3/cloudresourcemanager-api.json"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), file))
		if err != nil {
			return nil, err
		}
		d := &serviceDescription{}
		if err := json.Unmarshal(text, d); err != nil {
			return nil, err
		}
		services[mount] = d
	}
	return services, nil
})

// serviceDescription is a discovery document with resources within resources.
type serviceDescription struct {
	Schemas map[string]*schema `json:"schemas"`
	serviceResource
}

type serviceResource struct {
	Resources map[string]*serviceResource `json:"resources"`
	Methods   map[string]*struct {
		HTTPMethod string  `json:"httpMethod"`
		FlatPath   string  `json:"flatPath"`
		Path       string  `json:"path"`
		Response   *schema `json:"response"`
	} `json:"methods"`
}

// serviceOf gives the description of the service that a path leads to, and the
// path there; nil for Compute Engine.
func serviceOf(path string) (*serviceDescription, string) {
	services, err := loadServices()
	if err != nil {
		return nil, ""
	}
	for mount, d := range services {
		if rest, ok := strings.CutPrefix(path, mount); ok {
			parts := strings.Split(strings.Trim(mount, "/"), "/")
			return d, parts[len(parts)-1] + "/" + rest
		}
	}
	return nil, ""
}

var placeholder = regexp.MustCompile(`\\\{[^}]*\\\}`)

// find is the method that answers a request.
func (r *serviceResource) find(method, path string) (*schema, bool) {
	for _, m := range r.Methods {
		flat := m.FlatPath
		if flat == "" {
			flat = m.Path
		}
		pattern := regexp.MustCompile("^" + placeholder.ReplaceAllString(regexp.QuoteMeta(flat), `[^/:]+`) + "$")
		if m.HTTPMethod == method && pattern.MatchString(path) {
			return m.Response, true
		}
	}
	for _, child := range r.Resources {
		if found, ok := child.find(method, path); ok {
			return found, true
		}
	}
	return nil, false
}
