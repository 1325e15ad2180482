package google

import (
	"regexp"
	"strings"
)

// reference is a reference to a resource, taken apart.
type reference struct {
	project, scope, collection, name string
}

// hostPrefix is what stands before projects/ in a full URL, whatever host and
// version of the API a client was pointed at.
var hostPrefix = regexp.MustCompile(`^(?:https?:)?//[^/]+/(?:compute/)?(?:(?:v1|beta|alpha)/)?`)

// parse takes a reference apart: a full URL, or a partial one that begins with
// projects/, global/, regions/ or zones/. The vendor takes no bare names.
func (c *call) parse(field, value string) (reference, error) {
	malformed := invalid(field, value, "The URL is malformed.")
	path := strings.TrimPrefix(hostPrefix.ReplaceAllString(value, ""), "/")
	r := reference{project: c.project}
	if rest, ok := strings.CutPrefix(path, "projects/"); ok {
		if r.project, path, ok = strings.Cut(rest, "/"); !ok {
			return r, malformed
		}
	}
	s := strings.Split(path, "/")
	switch {
	case len(s) == 3 && s[0] == global:
		r.scope, r.collection, r.name = global, s[1], s[2]
	case len(s) == 4 && s[0] == global && s[2] == "family":
		r.scope, r.collection, r.name = global, s[1]+"/family", s[3]
	case len(s) == 4 && (s[0] == "zones" || s[0] == "regions"):
		r.scope, r.collection, r.name = s[0]+"/"+s[1], s[2], s[3]
	default:
		return r, malformed
	}
	if r.name == "" || r.project == "" {
		return r, malformed
	}
	return r, nil
}

// parseAs is parse for a reference that has to be to a collection.
func (c *call) parseAs(field, value, collection string) (reference, error) {
	r, err := c.parse(field, value)
	if err != nil {
		return r, err
	}
	if r.collection != collection {
		return r, invalid(field, value, "The URL is malformed.")
	}
	return r, nil
}

// resolve is the resource that a field of the request refers to. What is not
// there, or still being made, is refused as the vendor does. Resources of other
// projects are not shared with anyone here.
func resolve[T any](c *call, n noun[T], field, value string) (*T, error) {
	r, err := c.parseAs(field, value, n.collection)
	if err != nil {
		return nil, err
	}
	v := n.find(c.tx, r.project, r.scope, r.name)
	if v == nil || r.project != c.project {
		return nil, invalid(field, value, "The referenced %s resource cannot be found.", strings.ToLower(n.name))
	}
	holder := c.tx.Holder(n.ref(v), 0)
	if !asResource(v).Res().Ready || (holder != nil && holder.Command == n.collection+".delete") {
		return nil, notReady(asResource(v))
	}
	return v, nil
}
