package google

import (
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// base is what the vendor puts in front of every path in a link.
const base = "https://www.googleapis.com/compute/v1/"

// The scopes of resources, as they stand in a path.
const global = "global"

func inZone(name string) string   { return "zones/" + name }
func inRegion(name string) string { return "regions/" + name }

// Resource is what all stored resources have; they embed it.
type Resource struct {
	engine.Meta
	// Scope is "global", "regions/NAME" or "zones/NAME".
	Scope       string `json:"scope"`
	Description string `json:"description,omitempty"`
	// Ready is false until the operation that inserts it has ended.
	Ready bool `json:"ready,omitempty"`
}

// Res gives shared code access to the embedded fields.
func (r *Resource) Res() *Resource { return r }

// number is the id that the vendor shows: 19 digits, never used again.
func (r *Resource) number() uint64 { return 1_000_000_000_000_000_000 + uint64(r.ID)*1_000_003 }

// region is the region that the resource stands in; empty when it is global.
func (r *Resource) region() string { return regionOf(r.Scope) }

// regionOf is the region of a scope: europe-west3 of zones/europe-west3-a.
func regionOf(scope string) string {
	if r, ok := strings.CutPrefix(scope, "regions/"); ok {
		return r
	}
	if z, ok := strings.CutPrefix(scope, "zones/"); ok {
		return regionOfZone(z)
	}
	return ""
}

// regionOfZone is the region of a zone's name.
func regionOfZone(zone string) string {
	if i := strings.LastIndexByte(zone, '-'); i > 0 {
		return zone[:i]
	}
	return zone
}

// resource is a pointer to a struct that embeds Resource.
type resource interface {
	engine.Record
	Res() *Resource
	// Collection is its plural in paths: "networks".
	Collection() string
}

// pathOf is a resource's path below base.
func pathOf(r resource) string {
	m := r.Res()
	return "projects/" + m.Project + "/" + m.Scope + "/" + r.Collection() + "/" + m.Name
}

// linkTo is a resource's selfLink.
func linkTo(r resource) string { return base + pathOf(r) }

// named is the index entry under which a resource is found by its name. Every
// record's Links holds it: the name of a resource is its address, and looking
// for it must not cost a search.
func named(collection, scope, name string) engine.Ref {
	return engine.Ref{Type: collection + " " + scope + " " + name, ID: 1}
}

// nameLink is the index entry of a resource.
func nameLink(r resource) engine.Ref { return named(r.Collection(), r.Res().Scope, r.Res().Name) }
