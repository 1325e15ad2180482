package backup

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// choosy refuses some reads.
type choosy struct {
	*store
	refuse func(read int, key string) error
	reads  atomic.Int64
}

func (c *choosy) ReadObject(ctx context.Context, key string, limit int64) ([]byte, error) {
	if err := c.refuse(int(c.reads.Add(1)), key); err != nil {
		return nil, err
	}
	return c.store.ReadObject(ctx, key, limit)
}

// Patience is with a store that does not answer. What some tenants leave there
// is no reason not to look at the others.
func TestInventoryPatienceIsWithStores(t *testing.T) {
	unavailable := &cloud.Error{Code: cloud.CodeUnavailable, Message: "no answer"}
	for name, tc := range map[string]struct {
		refuse func(read int, key string) error
		untold int
	}{
		"too large": {func(_ int, key string) error {
			return only(key, 10, 17, &cloud.Error{Code: cloud.CodeInvalid, Message: "it is too large"})
		}, 8},
		"gone meanwhile":  {func(_ int, key string) error { return only(key, 10, 17, &cloud.Error{Code: cloud.CodeNotFound}) }, 8},
		"every other one": {func(read int, _ string) error { return map[bool]error{true: unavailable}[read%2 == 0] }, 15},
		"no answers":      {func(int, string) error { return unavailable }, 30},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			e.stores, e.sources = e.stores[:1], e.sources[:1]
			for i := range 30 {
				e.add(t, fmt.Sprintf("tenant-%02d", i), 1, 0, 10*time.Hour, nil)
			}
			reader := &choosy{store: e.stores[0], refuse: tc.refuse}
			e.sources[0].Reader = reader
			o := options()
			o.Parallel = 1
			reports, _ := inventory(t, e, o)
			untold := 0
			for _, r := range reports {
				if !r.Copies[0].Told {
					untold++
				}
			}
			if untold != tc.untold {
				t.Errorf("%d of %d tenants are not told of, want %d", untold, len(reports), tc.untold)
			}
			if name == "no answers" && reader.reads.Load() > patience+2 { // some were under way
				t.Errorf("%d reads", reader.reads.Load())
			}
		})
	}
}

// only fails for the tenants from one number to another.
func only(key string, from, to int, err error) error {
	for i := from; i <= to; i++ {
		if key == status.Key("acme-eu", fmt.Sprintf("tenant-%02d", i)) {
			return err
		}
	}
	return nil
}

// A status of another deployment, which a copied bucket holds, is nobody's here.
func TestInventoryOfACopiedBucket(t *testing.T) {
	e := newEstate(t)
	e.stores, e.sources = e.stores[:1], e.sources[:1]
	e.add(t, "acme", 1, 0, 10*time.Hour, func(_ int, st *status.Status) { st.Deployment = "acme-us" })
	if got := e.one(t); got != "acme degraded 1/1 9h59m0s: ok(1)+status" {
		t.Error(got)
	}
}

// What a tenant leaves that is not of our layout costs a request, however much
// it is.
func TestScanSkipsWhatIsNotOurs(t *testing.T) {
	s := &store{}
	for _, tenant := range []string{"a", "b", "c"} {
		root := status.Prefix("acme-eu", tenant)
		s.put(root+resticSnapshots+snapshotOf(tenant), asked, nil)
		s.put(root+status.Name, asked, nil)
		for i := range 2500 {
			s.put(fmt.Sprintf("%ssecrets/%04d", root, i), asked, nil)
			s.put(fmt.Sprintf("%szzz/%04d", root, i), asked, nil)
		}
	}
	var found []string
	if err := scan(t.Context(), s, "acme-eu/", "", func(l listing) error {
		found = append(found, fmt.Sprint(l.tenant, " ", len(l.snapshots), " ", l.status))
		return nil
	}); err != nil || !slices.Equal(found, []string{"a 1 true", "b 1 true", "c 1 true"}) {
		t.Errorf("%v, %v", found, err)
	}
	// For each tenant a page that ends before the status, and one behind it.
	if s.lists > 7 {
		t.Errorf("%d lists", s.lists)
	}
}
