package backup

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// listing is what a bucket's listing shows of one tenant.
type listing struct {
	tenant string
	// snapshots are the objects of backups, the newest maxSnapshots of them; Key
	// is the backup's id. count is of all.
	snapshots []cloud.ObjectInfo
	count     int
	// status tells that there is a status object.
	status bool
}

// maxSnapshots is how many backups of a tenant are looked at: twice the days for
// which the longest retention keeps one each (policy.MaxImmutableDays), and room.
// A machine in the wrong hands can write any number.
const maxSnapshots = 8_000

// add takes the object of a backup. Now and then the oldest are let go.
func (l *listing) add(id string, object cloud.ObjectInfo) {
	object.Key = strings.Clone(id) // the whole key would stay in memory with it
	l.snapshots = append(l.snapshots, object)
	l.count++
	if len(l.snapshots) == 2*maxSnapshots {
		l.trim()
	}
}

// trim leaves the newest maxSnapshots.
func (l *listing) trim() {
	if len(l.snapshots) > maxSnapshots {
		slices.SortStableFunc(l.snapshots, func(a, b cloud.ObjectInfo) int { return b.Modified.Compare(a.Modified) })
		l.snapshots = l.snapshots[:maxSnapshots]
	}
}

var snapshotID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// lister is the one method of cloud.ObjectReader that scan needs.
type lister interface {
	ListObjects(ctx context.Context, prefix, after string) ([]cloud.ObjectInfo, bool, error)
}

// scan walks a bucket's listing below root, where below root the tenants are,
// or below root and one tenant, and yields each tenant in the listing's order.
//
// Data objects lie between the tenants' snapshots, and there can be any number
// of them. A page that ends among them is followed by one that begins with the
// next thing worth knowing, so that there is at most one request for each
// 1,000 objects, and fewer where the data are many: at most two a tenant.
func scan(ctx context.Context, store lister, root, tenant string, yield func(listing) error) error {
	prefix := root
	if tenant != "" {
		prefix += tenant + "/"
	}
	var current listing
	done := func() error {
		if current.tenant == "" {
			return nil
		}
		current.trim()
		return yield(current)
	}
	after := ""
	for {
		page, more, err := store.ListObjects(ctx, prefix, after)
		if err != nil {
			return err
		}
		for _, object := range page {
			if object.Key <= after || !strings.HasPrefix(object.Key, prefix) {
				return fmt.Errorf("the store lists %q after %q below %q", object.Key, after, prefix)
			}
			after = object.Key
			name, below, found := strings.Cut(strings.TrimPrefix(object.Key, root), "/")
			if !found || cloud.CheckName(name) != nil {
				continue // not of our layout
			}
			if name != current.tenant {
				if err := done(); err != nil {
					return err
				}
				current = listing{tenant: name}
			}
			if id, ok := strings.CutPrefix(below, resticSnapshots); ok && snapshotID.MatchString(id) {
				current.add(id, object)
			} else if below == status.Name {
				current.status = true
			}
		}
		if !more {
			break
		}
		if len(page) == 0 {
			return fmt.Errorf("the store lists nothing after %q and says that there is more", after)
		}
		after = skip(root, after)
	}
	return done()
}

// skip gives the key after which the next object worth knowing stands. It
// never goes back.
func skip(root, last string) string {
	name, below, found := strings.Cut(strings.TrimPrefix(last, root), "/")
	if !found {
		return last
	}
	tenant := root + name + "/"
	switch {
	case below < resticSnapshots:
		return tenant + resticSnapshots
	case strings.HasPrefix(below, resticSnapshots) || below == status.Name:
		// Between the snapshots there is nothing to skip. Behind the status
		// object there should be nothing, so that the next page is as good.
		return last
	case below < status.Name:
		return max(last, tenant+strings.TrimSuffix(status.Name, "v1.json"))
	}
	// '0' follows '/': behind everything of this tenant, before every other.
	return root + name + "0"
}
