package google

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
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

// partial is what an aggregated list says of itself on each page.
type partial interface {
	comparable
	GetUnreachables() []string
	GetWarning() *computepb.Warning
}

// every reads an aggregated list to its end. page gives the iterator's last
// response, which is noted: the vendor may name who did not answer there, and
// leave the scope out.
func every[R partial, P any](missed *scopes, next func() (P, error), page func() any) ([]P, error) {
	var seen R
	return all(func() (P, error) {
		one, err := next()
		if response, ok := page().(R); ok && response != seen {
			seen = response
			missed.page(response.GetUnreachables(), response.GetWarning())
		}
		return one, err
	})
}

// scopes collects those parts of the vendor that did not take part in a list.
type scopes struct {
	d     *Driver
	names []string
	// unnamed tells of a warning that does not say who is missing, named that
	// somebody is known to be, lost or not.
	unnamed, named bool
}

// note takes the warning code of one scope ("zones/europe-west3-a"), which
// each page may repeat.
func (s *scopes) note(scope, code string) {
	if code != unreachable {
		return
	}
	s.named = true
	s.add(scope)
}

// add takes down who did not answer, unless nothing is to be found there.
func (s *scopes) add(scope string) {
	if !s.d.lostScope(scope) && !slices.Contains(s.names, scope) {
		s.names = append(s.names, scope)
	}
}

// page takes what a page says of the whole list: the paths of what did not
// answer, and a warning, which may name its scope or not.
func (s *scopes) page(paths []string, warning *computepb.Warning) {
	for _, path := range paths {
		s.note(scopeIn(path), unreachable)
	}
	if warning.GetCode() != unreachable {
		return
	}
	s.unnamed = true
	for _, data := range warning.GetData() {
		if data.GetKey() == "scope" {
			s.note(scopeIn(data.GetValue()), unreachable)
		}
	}
}

// has tells whether a scope is missing that was not declared lost.
func (s *scopes) has(scope string) bool { return slices.Contains(s.names, scope) }

// err says that the list is incomplete. An object that is missing from it may
// exist all the same, so it must not be taken for gone.
func (s *scopes) err() error {
	if s.unnamed && !s.named {
		s.add("a part of the project")
	}
	if len(s.names) == 0 {
		return nil
	}
	var places []string
	for _, scope := range s.names {
		for _, zone := range s.d.zonesOf(scope) {
			places = append(places, strconv.Quote(Name+"/"+zone))
		}
	}
	remedy := "Apply again."
	if len(places) > 0 {
		remedy = "Apply again, or, if the location is gone, declare it: lost_locations = [" + strings.Join(places, ", ") + "]."
	}
	return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: Name, VendorCode: unreachable,
		Message: "the list is incomplete: the API could not reach " + strings.Join(s.names, ", "), Remedy: remedy}
}

// scopeIn gives the scope at the end of a path or URL
// (".../projects/acme/zones/europe-west3-a").
func scopeIn(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// zonesOf gives the zones that the catalogue knows of a scope: the zone, or all
// of a region's.
func (d *Driver) zonesOf(scope string) []string {
	entries, err := d.catalog.Select(catalog.Filter{Cloud: Name})
	if err != nil {
		return nil
	}
	var zones []string
	for _, entry := range entries {
		if name := entry.Location.Name; scope == "zones/"+name || scope == "regions/"+regionOf(name) {
			zones = append(zones, name)
		}
	}
	return zones
}

// lostScope tells whether the operator has declared a zone lost, or every zone
// of a region: what belongs to a zone of it that stands may have its
// subnetworks in what is missing. A place that the catalogue does not know
// counts as lost: nothing was ever made there.
func (d *Driver) lostScope(scope string) bool {
	place := strings.HasPrefix(scope, "zones/") || strings.HasPrefix(scope, "regions/")
	zones := d.zonesOf(scope)
	if !place || len(zones) > 0 && d.lost == nil {
		return false
	}
	return !slices.ContainsFunc(zones, func(zone string) bool {
		return !d.lost(cloud.Location{Cloud: Name, Name: zone})
	})
}
