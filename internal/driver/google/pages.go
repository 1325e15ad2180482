package google

import (
	"errors"
	"strings"

	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// maxResults is the largest page that the API serves (0 to 500, as every
// list's parameter maxResults has it).
const maxResults = 500

// all reads an iterator of the SDK to its end.
func all[T any](next func() (T, error)) ([]T, error) {
	var found []T
	for {
		one, err := next()
		switch {
		case errors.Is(err, iterator.Done):
			return found, nil
		case err != nil:
			return nil, err
		}
		found = append(found, one)
	}
}

// unreachable is the code of a warning that a scope's objects are missing from
// a list: its API did not answer (field `warning.code` of scoped lists).
const unreachable = "UNREACHABLE"

// scopes collects those parts of the vendor that did not take part in a list.
type scopes struct {
	d     *Driver
	names []string
}

// note takes the warning code of one scope ("zones/europe-west3-a").
func (s *scopes) note(scope, code string) {
	if code == unreachable && !s.d.lostScope(scope) {
		s.names = append(s.names, scope)
	}
}

// err says that the list is incomplete. An object that is missing from it may
// exist all the same, so it must not be taken for gone.
func (s *scopes) err() error {
	if len(s.names) == 0 {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: Name, VendorCode: unreachable,
		Message: "the list is incomplete: the API could not reach " + strings.Join(s.names, ", "),
		Remedy:  "Apply again, or, if the location is gone, declare it: lost_locations = [\"" + Name + "/<zone>\"]."}
}

// lostScope tells whether the operator has declared a zone lost, or a zone of
// a region.
func (d *Driver) lostScope(scope string) bool {
	if d.lost == nil {
		return false
	}
	if zone, ok := strings.CutPrefix(scope, "zones/"); ok {
		return d.lost(cloud.Location{Cloud: Name, Name: zone})
	}
	region, ok := strings.CutPrefix(scope, "regions/")
	if !ok {
		return false
	}
	for _, letter := range "abcdef" {
		if d.lost(cloud.Location{Cloud: Name, Name: region + "-" + string(letter)}) {
			return true
		}
	}
	return false
}
