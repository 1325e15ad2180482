package google

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// What uses what is stored once, by the record that refers, and told to the
// store by its Links method:
//
//	subnetwork → network        Subnetwork.Network
//	firewall → network          Firewall.Network
//	route → network, instance   Route.Network, Route.NextHopInstance
//	instance → network, subnetwork, disks
//
// The way back is a look into the store's index, whatever kind the referrer is.

// users are the project's resources that refer to a resource.
func users(tx *engine.Tx, project string, to engine.Ref) []resource {
	var out []resource
	for _, r := range tx.Referrers(project, to) {
		if r, ok := r.(resource); ok {
			out = append(out, r)
		}
	}
	return out
}

// unused refuses when a resource refers to v. except, which may be nil, accepts
// users that do not count.
func unused[T any](c *call, n noun[T], v *T, except func(resource) bool) error {
	for _, by := range users(c.tx, c.project, n.ref(v)) {
		if except == nil || !except(by) {
			return inUse(asResource(v), by)
		}
	}
	return nil
}

// byRef is the resource of a noun that a stored link points at, or nil.
func byRef[T any](tx *engine.Tx, n noun[T], project string, id int64) *T {
	return n.kind.Get(tx, project, id)
}

// linkByID is the selfLink of what a stored link points at; empty when it is
// gone.
func linkByID[T any](c *call, n noun[T], id int64) string {
	if v := byRef(c.tx, n, c.project, id); v != nil {
		return linkTo(asResource(v))
	}
	return ""
}
