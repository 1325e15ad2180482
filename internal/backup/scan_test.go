package backup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// Skipping over what need not be known finds the same as reading everything,
// with no more requests, whatever lies in the bucket.
func TestScanFindsEverything(t *testing.T) {
	skipped := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := &store{page: 1 + r.IntN(20)}
		names := []string{"a", "a-b", "a0", "ab", "b", "b-1", "zz"}
		want := map[string]string{}
		for _, name := range names[:r.IntN(len(names)+1)] {
			root := status.Prefix("acme-eu", name)
			for i := range r.IntN(60) {
				s.put(fmt.Sprintf("%srestic/data/%02x/%s", root, i, snapshotOf(seed, name, i)), asked, nil)
			}
			for i := range r.IntN(3) {
				s.put(fmt.Sprintf("%srestic/%s/%d", root, []string{"index", "keys", "locks"}[i], i), asked, nil)
			}
			backups := r.IntN(30)
			var ids []string
			for i := range backups {
				id := snapshotOf(seed, name, "snapshot", i)
				ids = append(ids, id)
				s.put(root+resticSnapshots+id, asked, nil)
			}
			for i := range r.IntN(4) {
				s.put(fmt.Sprintf("%srestic/tmp/%d", root, i), asked, nil)
			}
			has := r.IntN(2) == 0
			if has {
				s.put(root+status.Name, asked, []byte("{}"))
			}
			for i := range r.IntN(30) {
				s.put(fmt.Sprintf("%sstatus/v1.json.%d", root, i), asked, nil)
			}
			slices.Sort(ids)
			if slices.ContainsFunc(s.objects, func(o cloud.ObjectInfo) bool { return strings.HasPrefix(o.Key, root) }) {
				want[name] = fmt.Sprint(has, ids)
			}
		}
		s.put("acme-eu/note", asked, nil)
		s.put("acme-f/x/"+status.Name, asked, nil)

		got := map[string]string{}
		last := ""
		err := scan(t.Context(), s, "acme-eu/", "", func(l listing) error {
			if _, twice := got[l.tenant]; twice || last != "" && compareTenants(last, l.tenant) >= 0 {
				t.Fatalf("seed %d: %s after %s", seed, l.tenant, last)
			}
			last = l.tenant
			var ids []string
			for _, o := range l.snapshots {
				ids = append(ids, o.Key)
			}
			got[l.tenant] = fmt.Sprint(l.status, ids)
			return nil
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			// A tenant of which only what is skipped lies there may be left out.
			for name, text := range want {
				if got[name] != text && !(got[name] == "" && text == "false []") {
					t.Fatalf("seed %d: %s is %q, want %q", seed, name, got[name], text)
				}
			}
			if len(got) > len(want) {
				t.Fatalf("seed %d: got %v, want %v", seed, got, want)
			}
		}
		if most := len(s.objects)/s.page + 1; s.lists > most {
			t.Fatalf("seed %d: %d requests for %d objects of %d a page", seed, s.lists, len(s.objects), s.page)
		} else if s.lists < most {
			skipped++
		}
	}
	if skipped < 50 {
		t.Errorf("something was skipped in %d of 300 buckets", skipped)
	}
}

// Ten million data objects cost two requests a tenant, not ten thousand.
func TestScanSkipsData(t *testing.T) {
	const tenants = 20
	s := &store{page: 100}
	for i := range tenants {
		tenantIn(s, Source{Name: "b", Location: cloud.Location{Cloud: "hetzner", Name: "nbg1"}}, fmt.Sprintf("t%02d", i), 14, 3000, time.Hour)
	}
	found := 0
	if err := scan(t.Context(), s, "acme-eu/", "", func(l listing) error {
		if len(l.snapshots) == 14 {
			found++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if found != tenants || s.lists > 2*tenants {
		t.Errorf("%d tenants found with %d requests for %d objects", found, s.lists, len(s.objects))
	}
}

// One tenant is looked for below its own prefix.
func TestScanOneTenant(t *testing.T) {
	e := newEstate(t)
	for i := range 60 {
		e.add(t, fmt.Sprintf("t%03d", i), 14, 10, 10*time.Hour, nil)
	}
	o := options()
	o.Tenants = []string{"t050"}
	reports, summary := inventory(t, e, o)
	if len(reports) != 1 || reports[0].State != StateOK {
		t.Errorf("%v", reports)
	}
	for _, s := range summary.Sources {
		if s.Lists != 1 || s.Reads != 1 {
			t.Errorf("%d listings and %d reads for one tenant", s.Lists, s.Reads)
		}
	}
}

// misbehaving answers one page again and again.
type misbehaving struct{ page []cloud.ObjectInfo }

func (m misbehaving) ListObjects(context.Context, string, string) ([]cloud.ObjectInfo, bool, error) {
	return m.page, true, nil
}

func TestScanMisbehavingStore(t *testing.T) {
	for name, m := range map[string]misbehaving{
		"the same page again":  {[]cloud.ObjectInfo{{Key: "acme-eu/a/restic/config"}}},
		"nothing, and more":    {nil},
		"not below the prefix": {[]cloud.ObjectInfo{{Key: "zenith/a/restic/config"}}},
		"not in order":         {[]cloud.ObjectInfo{{Key: "acme-eu/b/restic/config"}, {Key: "acme-eu/a/restic/config"}}},
	} {
		if err := scan(t.Context(), m, "acme-eu/", "", func(listing) error { return nil }); err == nil || !strings.Contains(err.Error(), "the store lists") {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("enough")
	s := &store{}
	s.put("acme-eu/a/"+status.Name, asked, nil)
	s.put("acme-eu/b/"+status.Name, asked, nil)
	if err := scan(t.Context(), s, "acme-eu/", "", func(listing) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

// The promise: one list request for each 1,000 objects, and one small read a
// tenant and bucket, with a thousand tenants.
func TestInventoryOfAThousand(t *testing.T) {
	e := thousand(t)
	reports, summary := inventory(t, e, options())
	if len(reports) != 1000 || summary.OK != 1000 {
		t.Fatalf("%d reports, %+v", len(reports), summary)
	}
	for i, s := range summary.Sources {
		objects := len(e.stores[i].objects)
		if most := objects/cloud.MaxListedObjects + 1; s.Lists > most || s.Reads != 1000 || s.Lists != e.stores[i].lists || s.Reads != e.stores[i].reads {
			t.Errorf("%s: %d listings of %d objects (at most %d), %d reads", s.Name, s.Lists, objects, most, s.Reads)
		}
		t.Logf("%s: %d objects, %d listings, %d reads", s.Name, objects, s.Lists, s.Reads)
	}
}

// thousand is 1,000 tenants × 3 buckets × 14 snapshots.
func thousand(t testing.TB) *estate {
	e := newEstate(t)
	for i := range 1000 {
		e.add(t, fmt.Sprintf("tenant-%d", i), 14, 5, 10*time.Hour, nil)
	}
	return e
}

// BenchmarkInventory prints what the inventory itself holds in memory at most,
// besides the buckets: 1,000 tenants, 3 buckets, 14 snapshots.
func BenchmarkInventory(b *testing.B) {
	e := thousand(b)
	for b.Loop() {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak, n := uint64(0), 0
		if _, err := Read(b.Context(), e.sources, options(), func(Report) error {
			if n++; n%100 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(peak)/(1<<20), "live-MiB")
	}
}
