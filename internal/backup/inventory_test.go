package backup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

func TestInventory(t *testing.T) {
	const day = 24 * time.Hour
	key := func(tenant, below string) string { return status.Prefix("acme-eu", tenant) + below }
	for _, tc := range []struct {
		name  string
		setup func(t *testing.T, e *estate, o *Options)
		want  string
		// text is in a problem of one of the copies.
		text string
	}{
		{"all is well", func(t *testing.T, e *estate, _ *Options) { e.add(t, "acme", 100, 0, 10*time.Hour, nil) }, "acme ok 3/3 10h0m0s: ok(100) ok(100) ok(100)", ""},
		{"at the objective", func(t *testing.T, e *estate, _ *Options) { e.add(t, "acme", 1, 0, 26*time.Hour, nil) }, "acme ok 3/3 26h0m0s: ok(1) ok(1) ok(1)", ""},
		{"past the objective", func(t *testing.T, e *estate, _ *Options) { e.add(t, "acme", 1, 0, 26*time.Hour+time.Second, nil) },
			"acme broken 0/3 26h0m1s: stale(1) stale(1) stale(1)", ""},
		{"one bucket behind", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, func(_ int, st *status.Status) { st.Backups[1].Snapshots = st.Backups[1].Snapshots[1:] })
			e.stores[1].remove(key("acme", resticSnapshots+snapshotOf("acme", "acme-hel1", 0)))
		}, "acme broken 2/3 10h0m0s: ok(3) stale(2) ok(3)", ""},
		{"one bucket without", func(t *testing.T, e *estate, _ *Options) {
			e.stores[1] = &store{}
			e.sources[1].Reader = e.stores[1]
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			*e.stores[1] = store{}
		}, "acme broken 2/3 10h0m0s: ok(3) missing(0) ok(3)", ""},
		{"a repository without backups", func(t *testing.T, e *estate, _ *Options) { e.add(t, "acme", 0, 3, 10*time.Hour, nil) }, "acme broken 0/3 0s: missing(0) missing(0) missing(0)", ""},
		{"a lost location", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.sources[0].Lost, e.sources[0].Reader = true, nil
		}, "acme degraded 2/3 10h0m0s: lost(0) ok(3) ok(3)", ""},
		{"an unreachable bucket", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.sources[2].Reader = refusing{}
		}, "acme degraded 2/3 10h0m0s: ok(3) ok(3) unreachable(0)", ""},
		{"the only fresh one is lost", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 2*day, nil)
			e.sources[0].Lost = true
		}, "acme broken 0/3 48h0m0s: lost(0) stale(3) stale(3)", ""},
		{"no status", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].remove(key("acme", status.Name))
		}, "acme degraded 3/3 9h59m0s: ok(3)+status ok(3) ok(3)", "has written no status there."},
		{"a status of no use", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].bodies[key("acme", status.Name)] = []byte(`{"version":"1.0"}`)
		}, "acme degraded 3/3 9h59m0s: ok(3)+status ok(3) ok(3)", "is of no use: status: backups: is missing; boot_id: is missing; deployment: is missing"},
		{"a status too large", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].bodies[key("acme", status.Name)] = make([]byte, status.MaxBytes+1)
		}, "acme degraded 3/3 9h59m0s: ok(3)+status ok(3) ok(3)", "it is too large"},
		{"another's status", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, func(bucket int, st *status.Status) {
				if bucket == 1 {
					st.Tenant = "zenith"
				}
			})
		}, "acme degraded 3/3 9h59m0s: ok(3) ok(3)+status ok(3)", "that of the tenant zenith of acme-eu."},
		{"a status that tells of other buckets", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, func(_ int, st *status.Status) { st.Backups = st.Backups[:2] })
		}, "acme degraded 3/3 9h59m0s: ok(3) ok(3) ok(3)+status", "does not tell of this bucket."},
		{"backups that vanished", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].remove(key("acme", resticSnapshots+snapshotOf("acme", "acme-nbg1", 1)))
		}, "acme broken 3/3 10h0m0s: ok(2)+vanished ok(3) ok(3)", "tells of 1 backup that the bucket does not hold: " + snapshotOf("acme", "acme-nbg1", 1)[:8] + "."},
		{"a status that was written while the bucket was listed", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			id := key("acme", resticSnapshots+snapshotOf("acme", "acme-nbg1", 0))
			e.stores[0].remove(id)
			e.stores[0].onList = func(s *store, _ string) {
				if s.lists == 2 {
					s.put(id, asked.Add(-9*time.Hour), nil)
				}
			}
		}, "acme ok 3/3 10h0m0s: ok(3) ok(3) ok(3)", ""},
		{"a backup that is newer than the status", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].put(key("acme", resticSnapshots+snapshotOf("new")), asked.Add(-time.Minute), nil)
		}, "acme ok 3/3 1m0s: ok(4) ok(3) ok(3)", ""},
		{"a backup that nobody tells of", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			e.stores[0].put(key("acme", resticSnapshots+snapshotOf("old")), asked.AddDate(0, 0, -3), nil)
		}, "acme degraded 3/3 10h0m0s: ok(4)+unreported ok(3) ok(3)", "holds 1 older backup that the guest's status of 2026-11-22T11:00:00Z does not tell of."},
		{"a clock that is ahead", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 1, 0, 3*day, func(_ int, st *status.Status) { st.Backups[0].Snapshots[0].Time = asked.Add(-time.Minute) })
		}, "acme broken 0/3 71h59m0s: stale(1)+clock stale(1) stale(1)", "claims to have been begun 71h58m0s after its object was written"},
		{"a check that failed", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, func(_ int, st *status.Status) {
				st.Backups[2].Check = &status.Check{At: asked.Add(-time.Hour), Result: status.Failed, Message: "pack 1234 is damaged"}
			})
		}, "acme broken 3/3 10h0m0s: ok(3) ok(3) ok(3)+check_failed", "restic's check of 2026-11-22T11:00:00Z failed: pack 1234 is damaged"},
		{"a run that failed", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, func(_ int, st *status.Status) {
				st.Backups[2].LastRun = &status.Run{StartedAt: asked.Add(-time.Hour), FinishedAt: asked, Result: status.Failed}
			})
		}, "acme degraded 3/3 10h0m0s: ok(3) ok(3) ok(3)+run_failed", "The attempt of 2026-11-22T11:00:00Z failed: it does not say why."},
		{"what else lies there", func(t *testing.T, e *estate, _ *Options) {
			e.add(t, "acme", 3, 0, 10*time.Hour, nil)
			for _, other := range []string{"acme-eu/README", "acme-eu/ACME/restic/snapshots/" + snapshotOf("x"), "acme-eu0/acme/" + status.Name, "acme-eu/acme/restic/snapshots/tmp", "acme-e/zenith/" + status.Name} {
				e.stores[0].put(other, asked, nil)
			}
		}, "acme ok 3/3 10h0m0s: ok(3) ok(3) ok(3)", ""},
		{"nobody", func(t *testing.T, e *estate, _ *Options) {}, "", ""},
		{"somebody who should be there", func(t *testing.T, e *estate, o *Options) { o.Tenants = []string{"acme"} }, "acme broken 0/3 0s: missing(0) missing(0) missing(0)", ""},
		{"only some", func(t *testing.T, e *estate, o *Options) {
			for _, tenant := range []string{"a", "a-b", "b", "zenith"} {
				e.add(t, tenant, 3, 0, 10*time.Hour, nil)
			}
			o.Tenants = []string{"zenith", "nobody", "a", "a-b", "a"}
			e.sources = e.sources[:1]
		}, "a-b ok 1/1 10h0m0s: ok(3); a ok 1/1 10h0m0s: ok(3); nobody broken 0/1 0s: missing(0); zenith ok 1/1 10h0m0s: ok(3)", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, o := newEstate(t), options()
			tc.setup(t, e, &o)
			reports, summary := inventory(t, e, o)
			var lines, problems []string
			for _, r := range reports {
				lines = append(lines, line(r))
				for _, c := range r.Copies {
					for _, p := range c.Problems {
						problems = append(problems, p.Text)
					}
				}
			}
			if got := strings.Join(lines, "; "); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if tc.text != "" && !strings.Contains(strings.Join(problems, "\n"), tc.text) {
				t.Errorf("problems %q, want %q", problems, tc.text)
			}
			if summary.Tenants() != len(reports) {
				t.Errorf("%d tenants, %d reports", summary.Tenants(), len(reports))
			}
		})
	}
}

// refusing is a store that cannot be reached.
type refusing struct{}

func (refusing) ListObjects(context.Context, string, string) ([]cloud.ObjectInfo, bool, error) {
	return nil, false, &cloud.Error{Code: cloud.CodeUnavailable, Doing: "list objects", Message: "connection refused"}
}

func (refusing) ReadObject(context.Context, string, int64) ([]byte, error) {
	return nil, &cloud.Error{Code: cloud.CodeUnavailable, Doing: "read object", Message: "connection refused"}
}

// What the guest tells of a backup is told on.
func TestInventoryDetails(t *testing.T) {
	e := newEstate(t)
	e.add(t, "acme", 100, 0, 10*time.Hour, nil)
	reports, _ := inventory(t, e, options())
	c := reports[0].Copies[2]
	if c.Bytes != 1<<30 || c.Counts != cloud.DefaultRetention() || !c.Told || !c.Immutable || c.NewestID != snapshotOf("acme", "acme-us-central1-a", 0) || !c.Newest.Equal(asked.Add(-10*time.Hour)) || c.Location != e.sources[2].Location {
		t.Errorf("%+v", c)
	}
	// Without the guest's word: the objects' times, and the policy's arithmetic.
	e.stores[2].remove(status.Key("acme-eu", "acme"))
	reports, _ = inventory(t, e, options())
	c = reports[0].Copies[2]
	if c.Bytes != 0 || c.Counts != cloud.DefaultRetention() || c.Told || !c.Newest.Equal(asked.Add(-10*time.Hour+time.Minute)) {
		t.Errorf("%+v", c)
	}
}

// A listing that breaks off in the middle: what it showed counts, what may be
// behind is unreachable and not missing.
func TestInventoryBrokenListing(t *testing.T) {
	e := newEstate(t)
	for _, tenant := range []string{"a", "b", "c", "d"} {
		e.add(t, tenant, 3, 0, 10*time.Hour, nil)
	}
	e.stores[1].page = 10
	e.stores[1].failList = status.Prefix("acme-eu", "b")
	reports, summary := inventory(t, e, options())
	var got []string
	for _, r := range reports {
		got = append(got, line(r))
	}
	want := []string{"a ok 3/3 10h0m0s: ok(3) ok(3) ok(3)"}
	for _, tenant := range []string{"b", "c", "d"} {
		want = append(want, tenant+" degraded 2/3 10h0m0s: ok(3) unreachable(0) ok(3)")
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := summary.Sources[1]; cloud.CodeOf(s.Err) != cloud.CodeUnavailable || summary.OK != 1 || summary.Degraded != 3 {
		t.Errorf("%+v", summary)
	}
}

// Where nothing can be read, there is nothing to say.
func TestInventoryNothingReadable(t *testing.T) {
	e := newEstate(t)
	e.sources[0].Lost = true
	e.sources[1].Reader, e.sources[2].Reader = refusing{}, refusing{}
	_, err := Read(t.Context(), e.sources, options(), func(Report) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "no bucket could be read") || !strings.Contains(err.Error(), "acme-hel1 in hetzner/hel1: list objects: connection refused") {
		t.Errorf("error %v", err)
	}
	o := options()
	o.Deployment = "Acme"
	if _, err := Read(t.Context(), e.sources, o, nil); err == nil || !strings.Contains(err.Error(), "deployment") {
		t.Errorf("error %v", err)
	}
}

// A store that answers no reads is not asked a thousand times.
func TestInventoryPatience(t *testing.T) {
	e := newEstate(t)
	for i := range 50 {
		e.add(t, "t"+string(rune('a'+i%26))+string(rune('a'+i/26)), 1, 0, 10*time.Hour, nil)
	}
	e.stores[0].failReads = &cloud.Error{Code: cloud.CodeUnavailable, Message: "no answer"}
	o := options()
	o.Parallel = 1
	reports, _ := inventory(t, e, o)
	for _, r := range reports {
		if r.State != StateDegraded || r.Copies[0].State != CopyOK || len(r.Copies[0].Problems) != 1 || r.Copies[0].Problems[0].Code != ProblemStatus {
			t.Fatalf("%+v", r)
		}
	}
	// One more for each that was under way.
	if e.stores[0].reads > patience+2 || e.stores[1].reads != 50 {
		t.Errorf("%d and %d reads", e.stores[0].reads, e.stores[1].reads)
	}
}

func TestInventoryStops(t *testing.T) {
	e := newEstate(t)
	for i := range 200 {
		e.add(t, "t"+strings.Repeat("x", i/20)+string(rune('a'+i%20)), 1, 0, 10*time.Hour, nil)
	}
	stop := errors.New("enough")
	n := 0
	if _, err := Read(t.Context(), e.sources, options(), func(Report) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) || n != 3 {
		t.Errorf("%d reports, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Read(ctx, e.sources, options(), func(Report) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
