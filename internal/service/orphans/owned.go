package orphans

import (
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Owned is a set of objects that somebody owns. Its zero value is empty; it is
// not safe for concurrent changes.
type Owned struct {
	exact map[ownedKey]bool
	// places maps an object without its location to the locations under which
	// it is owned.
	places map[ownedKey][]cloud.Location
}

// ownedKey has no kind where the owner did not say which, and no location's
// name where that does not matter.
type ownedKey struct {
	kind cloud.Kind
	id   cloud.ID
}

// Add records an object; an empty kind stands for any.
func (o *Owned) Add(kind cloud.Kind, id cloud.ID) {
	if o.exact == nil {
		o.exact, o.places = map[ownedKey]bool{}, map[ownedKey][]cloud.Location{}
	}
	key := ownedKey{kind, id}
	if o.exact[key] {
		return
	}
	o.exact[key] = true
	anywhere := key.anywhere()
	o.places[anywhere] = append(o.places[anywhere], id.Location)
}

// Len tells how many there are.
func (o *Owned) Len() int { return len(o.exact) }

func (k ownedKey) anywhere() ownedKey {
	k.id.Location.Name = ""
	return k
}

// has tells whether an object is owned. global says that the vendor keeps one
// of the kind for all locations. stands tells whether an object of the kind
// and native id was seen in a location.
//
// Some vendors have no location for networks and firewalls, so theirs is read
// from a label, which may have been changed by hand. So an object that is owned
// under another location counts as owned, unless the owned one was seen there:
// then native ids are names that each location has anew, and this is another
// object.
func (o *Owned) has(kind cloud.Kind, id cloud.ID, global bool, stands func(cloud.Location) bool) bool {
	for _, key := range []ownedKey{{kind, id}, {"", id}} {
		if o.exact[key] {
			return true
		}
		for _, location := range o.places[key.anywhere()] {
			if global || !stands(location) {
				return true
			}
		}
	}
	return false
}
