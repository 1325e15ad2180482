package failover

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// What the paths of the vendors' APIs begin with.
const (
	hetznerPaths = "/v1/"
	googlePaths  = "/compute/v1/"
)

// disaster is one way to lose where a region stands.
type disaster struct {
	name string
	// from and to are where the region stands before and after.
	from, to string
	// lost is the word that the operator writes, typo one that is refused.
	lost, typo string
	// strike lets it happen, and gives what ends it.
	strike func(t *testing.T, r *region) (back func())
	// seenInLists tells that the vendor's lists say what is missing from them.
	seenInLists bool
	// wholeVendor is the beginning of paths of which nothing at all may be asked;
	// empty if only a location is lost.
	wholeVendor string
}

func disasters() []disaster {
	location := func(cloud, name, mode string) func(t *testing.T, r *region) func() {
		return func(t *testing.T, r *region) func() {
			t.Helper()
			id, err := r.sim.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: cloud, Location: name, Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				for _, fault := range r.sim.Faults() {
					// Google's lists over all zones pass the lost one too, and
					// say that it is unreachable.
					if fault.ID == id && fault.Struck > 0 && cloud != simcloud.Google {
						t.Errorf("%d requests touched the lost location", fault.Struck)
					}
				}
				r.sim.RemoveFault(id)
			}
		}
	}
	vendor := func(paths string, how absence) func(t *testing.T, r *region) func() {
		return func(_ *testing.T, r *region) func() {
			r.front.lose(paths, how)
			return func() { r.front.lose(paths, "") }
		}
	}
	const fsn1, hel1, hamina, frankfurt, eemshaven = "hetzner/fsn1", "hetzner/hel1", "google/europe-north1-a", "google/europe-west3-a", "google/europe-west4-a"
	return []disaster{
		{name: "data centre refuses", from: fsn1, to: hel1, lost: fsn1, typo: "hetzner/fns1", strike: location("hetzner", "fsn1", "")},
		{name: "data centre hangs", from: fsn1, to: hel1, lost: fsn1, typo: "hetzner/fns1", strike: location("hetzner", "fsn1", simcloud.ModeHang)},
		{name: "vendor refuses", from: fsn1, to: hamina, lost: "hetzner/*", typo: "hetzer/*", strike: vendor(hetznerPaths, refusing), wholeVendor: hetznerPaths},
		{name: "vendor hangs", from: fsn1, to: hamina, lost: "hetzner/*", typo: "hetzer/*", strike: vendor(hetznerPaths, hanging), wholeVendor: hetznerPaths},
		{name: "zone refuses", from: frankfurt, to: eemshaven, lost: frankfurt, typo: "google/europe-wst3-a", seenInLists: true, strike: location("google", "europe-west3-a", "")},
		{name: "zone hangs", from: frankfurt, to: eemshaven, lost: frankfurt, typo: "google/europe-west3-x", seenInLists: true, strike: location("google", "europe-west3-a", simcloud.ModeHang)},
		{name: "other vendor refuses", from: frankfurt, to: fsn1, lost: "google/*", typo: "gogle/*", strike: vendor(googlePaths, refusing), wholeVendor: googlePaths},
	}
}

func TestFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the provider and runs Terraform some 50 times")
	}
	tools := prepare(t)
	for _, d := range disasters() {
		t.Run(strings.ReplaceAll(d.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			d.happens(t, newRegion(t, tools, []string{d.from, d.to}))
		})
	}
}

// happens is the whole story: loss, failover, the way back that is no way, and
// what was left behind.
func (d disaster) happens(t *testing.T, r *region) {
	r.do(t, "apply", "-auto-approve")
	r.stands(t, d.from)
	first, old := r.ids(t), r.inventory(t)

	// A slip of the pen is refused before anybody is asked.
	r.front.heard()
	r.lost = []string{d.typo}
	r.refused(t, []string{"Unknown location", "did you mean"}, "plan")
	if heard := r.front.heard(); len(heard) > 0 {
		t.Errorf("a typo led to %d requests: %v", len(heard), heard)
	}

	back := d.strike(t, r)
	d.undeclared(t, r)
	d.failsOver(t, r, old)
	second, both := r.ids(t), r.inventory(t)
	for object, name := range old {
		if both[object] != name {
			t.Errorf("%s (%s), which was lost, is not there any more", object, name)
		}
	}
	if servers := count(both, "server") + count(both, "google_instance"); servers != 2*tenants {
		t.Errorf("%d machines after the failover, want %d", servers, 2*tenants)
	}
	stdout, code := r.holdfast(t, r.do(t, "state", "pull").Stdout, r.lost, "orphans", "--state", "-")
	if code != 0 || !strings.Contains(stdout, "Left out, being lost: "+d.lost+".") {
		t.Errorf("orphans while it is lost: exit code %d\n%s", code, stdout)
	}
	d.untouched(t, r, old)

	back()
	d.returns(t, r)
	d.cleansUp(t, r, first, second)
	if diff := cmp.Diff(d.survivors(old, both), r.inventory(t)); diff != "" {
		t.Errorf("what the clouds hold is not what the region is made of:\n%s", diff)
	}
}

// undeclared looks at the region before the operator has said what is lost:
// what cannot be seen stays in the state.
func (d disaster) undeclared(t *testing.T, r *region) {
	t.Helper()
	if !d.seenInLists {
		return
	}
	r.lost = nil
	r.refused(t, []string{"the list is incomplete", `lost_locations = ["` + d.lost + `"]`}, "apply", "-refresh-only", "-auto-approve")
	r.stands(t, d.from)
	r.front.heard()
}

// failsOver brings the region up in the next location with one word.
func (d disaster) failsOver(t *testing.T, r *region, old map[string]string) {
	t.Helper()
	r.lost = []string{d.lost}
	counts, said := r.plan(t)
	// The SSH key is found at the vendor that keeps it for all locations.
	if want := map[string]int{"create": perTenant*tenants + 1}; !maps.Equal(counts, want) {
		t.Errorf("the plan has the changes %v, want %v", counts, want)
	}
	if !strings.Contains(said, "leaves the state") {
		t.Errorf("the plan does not say what leaves the state:\n%s", said)
	}
	r.do(t, "apply", planFile)
	r.stands(t, d.to)
	r.do(t, "plan", "-detailed-exitcode")
	d.untouched(t, r, old)
}

// survivors gives what was not there when the disaster struck, and what both
// regions share.
func (d disaster) survivors(old, both map[string]string) map[string]string {
	sameVendor := len(clouds([]string{d.from, d.to})) == 1
	left := map[string]string{}
	for object, name := range both {
		_, was := old[object]
		// Hetzner Cloud keeps one key for all locations; at Google Cloud one
		// network holds the rules of firewalls that no network names.
		shared := sameVendor && (strings.HasPrefix(object, "ssh_key/") || name == "holdfast-"+deployment)
		if !was || shared {
			left[object] = name
		}
	}
	return left
}

// untouched checks the requests since the last look: none was about what
// stood where nothing is any more.
func (d disaster) untouched(t *testing.T, r *region, old map[string]string) {
	t.Helper()
	_, place, _ := strings.Cut(d.from, "/")
	for _, request := range r.front.heard() {
		_, path, _ := strings.Cut(request, " ")
		if d.wholeVendor != "" && strings.HasPrefix(path, d.wholeVendor) {
			t.Errorf("the lost vendor was asked: %s", request)
		}
		rest, isHetzner := strings.CutPrefix(path, hetznerPaths)
		if parts := strings.SplitN(rest, "/", 3); isHetzner && len(parts) > 1 && parts[0] != "ssh_keys" {
			if _, was := old[strings.TrimSuffix(parts[0], "s")+"/"+parts[1]]; was {
				t.Errorf("a lost object was touched: %s", request)
			}
		}
		// The names of zonal objects are below their zone, those of others end
		// with it.
		if strings.HasPrefix(path, googlePaths) && strings.Contains(path, place) {
			t.Errorf("the lost zone was touched: %s", request)
		}
	}
}

// returns takes the location out of the list again: the plan would move the
// region back, which what may not be destroyed prevents; with the order of the
// locations changed, all stays.
func (d disaster) returns(t *testing.T, r *region) {
	t.Helper()
	r.lost = nil
	r.front.heard()
	r.refused(t, []string{"prevent_destroy"}, "apply", "-auto-approve")
	for _, request := range r.front.heard() {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("a plan that was refused led to %s", request)
		}
	}
	r.stands(t, d.to)
	slices.Reverse(r.locations)
	r.do(t, "plan", "-detailed-exitcode")
}

// cleansUp finds what was left behind and deletes it, and nothing else.
func (d disaster) cleansUp(t *testing.T, r *region, first, second []string) {
	t.Helper()
	want := slices.Clone(first)
	r.do(t, "apply", "-auto-approve", "-var", "look_for_orphans=true")
	found := output[[]string](t, r, "orphans")
	slices.Sort(found)
	if len(clouds([]string{d.from, d.to})) > 1 {
		// The vendor that the region left has its key still.
		extra := slices.DeleteFunc(slices.Clone(found), func(id string) bool { return slices.Contains(first, id) })
		if len(extra) != 1 {
			t.Errorf("besides the tenants' objects there are %v, want one key", extra)
		}
		want = append(want, extra...)
		slices.Sort(want)
	}
	if !slices.Equal(found, want) {
		t.Errorf("data.holdfast_orphans found %d objects, want the %d that were left behind:\n%v", len(found), len(want), found)
	}
	state := r.do(t, "state", "pull").Stdout
	stdout, code := r.holdfast(t, state, nil, "orphans", "--state", "-", "--json")
	if listed := reported(t, stdout, false); code != 3 || !slices.Equal(listed, want) {
		t.Errorf("holdfast orphans: exit code %d, %d objects, want %d:\n%s", code, len(listed), len(want), stdout)
	}

	stdout, code = r.holdfast(t, state, nil, "orphans", "--state", "-", "--delete", "--yes", "--json")
	if gone := reported(t, stdout, true); code != 0 || !slices.Equal(gone, want) {
		t.Errorf("holdfast orphans --delete: exit code %d, %d objects, want %d:\n%s", code, len(gone), len(want), stdout)
	}
	r.stands(t, d.to)
	if now := r.ids(t); !slices.Equal(now, second) {
		t.Error("the region is not the one that it was")
	}
	r.do(t, "apply", "-auto-approve", "-var", "look_for_orphans=true")
	if found := output[[]string](t, r, "orphans"); len(found) > 0 {
		t.Errorf("data.holdfast_orphans finds afterwards: %v", found)
	}
	if now := r.ids(t); !slices.Equal(now, second) {
		t.Error("the apply that looked for orphans changed the region")
	}
	if stdout, code = r.holdfast(t, state, nil, "orphans", "--state", "-"); code != 0 || !strings.Contains(stdout, "No object") {
		t.Errorf("orphans afterwards: exit code %d\n%s", code, stdout)
	}
}

// reported gives the ids of a report, sorted: all, or those that were deleted.
func reported(t *testing.T, text string, deleted bool) []string {
	t.Helper()
	var report struct {
		Orphans []struct {
			ID      string
			Deleted bool
		}
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var ids []string
	for _, one := range report.Orphans {
		if one.Deleted == deleted {
			ids = append(ids, one.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
