package backup

import (
	"fmt"
	"testing"
	"time"
)

// A machine in the wrong hands can write any number of objects that look like
// backups: all are counted, and no more is kept of them than of the longest
// honest history.
func TestScanOfAFlood(t *testing.T) {
	s := &store{}
	const flood = 3*maxSnapshots + 7
	for i := range flood { // the newest in the middle, by their ids
		s.put(fmt.Sprintf("acme-eu/acme/%s%064x", resticSnapshots, i), asked.Add(-time.Duration(max(i, flood-i))*time.Minute), nil)
	}
	s.put("acme-eu/zenith/"+resticSnapshots+snapshotOf("z"), asked, nil)
	var found []listing
	if err := scan(t.Context(), s, "acme-eu/", "", func(l listing) error { found = append(found, l); return nil }); err != nil || len(found) != 2 {
		t.Fatalf("%d tenants, %v", len(found), err)
	}
	acme := found[0]
	if acme.count != flood || len(acme.snapshots) != maxSnapshots || cap(acme.snapshots) > 3*maxSnapshots {
		t.Errorf("%d counted, %d kept, room for %d", acme.count, len(acme.snapshots), cap(acme.snapshots))
	}
	for _, kept := range acme.snapshots {
		if asked.Sub(kept.Modified) > (flood/2+maxSnapshots/2+2)*time.Minute {
			t.Fatalf("an old one was kept: %s", kept.Modified)
		}
	}
	if found[1].count != 1 || len(found[1].snapshots) != 1 {
		t.Errorf("the next tenant: %+v", found[1])
	}
	if c := judge(Source{}, evidence{listing: acme}, options()); c.Snapshots != flood || c.Age != (flood/2+1)*time.Minute {
		t.Errorf("%d backups, the newest of %s", c.Snapshots, c.Age)
	}
}
