package backup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func loadCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func place(t testing.TB, c *catalog.Catalog, text string) catalog.Entry {
	t.Helper()
	location, err := cloud.ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Lookup(location)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// parseSet reads "hetzner/fsn1 hetzner/hel1! > hetzner/nbg1": buckets, "!" for
// immutable ones, and what they protect. A bucket's id is its location, with
// "#2" for another one there.
func parseSet(t testing.TB, c *catalog.Catalog, text string) Set {
	t.Helper()
	var set Set
	buckets, protected, _ := strings.Cut(text, ">")
	for _, field := range strings.Fields(buckets) {
		id, immutable := strings.CutSuffix(field, "!")
		where, _, _ := strings.Cut(id, "#")
		set.Buckets = append(set.Buckets, Bucket{ID: id, Place: place(t, c, where), Immutable: immutable})
	}
	for _, field := range strings.Fields(protected) {
		set.Protected = append(set.Protected, place(t, c, field))
	}
	return set
}

// Which of a set's rules are broken, with the message of each.
func TestCheckSet(t *testing.T) {
	c := loadCatalog(t)
	for _, tc := range []struct {
		set    string
		want   []string // "PROMISE | Summary | part of the detail"
		remedy string
	}{
		{"hetzner/nbg1 hetzner/hel1 google/us-east4-a! > hetzner/fsn1", nil, ""},
		{"hetzner/fsn1 hetzner/nbg1 hetzner/hel1 google/us-east4-a! > hetzner/fsn1", nil, ""},
		{"hetzner/nbg1 hetzner/hel1 google/us-east4-a!", nil, ""},
		{"hetzner/hel1 google/us-east4-a! > hetzner/fsn1", []string{
			"BAK-2 | Too few backup buckets | The plan has 2 buckets, each backup is held in at least 3.",
			"BAK-2 | Backups in too few data centres | stand in 2 data centres (google/us-east4-a, hetzner/hel1); each backup is held in at least 3",
		}, "Add a bucket in hetzner/nbg1 (4.98 EUR a month for 1 TB): the cheapest that are known."},
		{"hetzner/nbg1 hetzner/hel1 hetzner/nbg1 google/us-east4-a > hetzner/fsn1", []string{
			"BAK-6 | No immutable backups | None of the buckets is immutable",
		}, "Set immutable_days on the bucket in google/us-east4-a, or on another outside the protected data centre."},
		{"hetzner/hel1 hetzner/hel1#2 google/us-east4-a google/us-east4-b! > hetzner/fsn1", []string{
			"BAK-2 | Backups in too few data centres | in 2 data centres (google/us-east4-a, hetzner/hel1)",
		}, "Add a bucket in hetzner/nbg1"},
		{"hetzner/nbg1 hetzner/nbg1 google/us-east4-a! > hetzner/fsn1", []string{
			"BAK-2 | Too few backup buckets | has 2 buckets",
			"BAK-2 | Backups in too few data centres | 2 data centres",
		}, "Add a bucket in hetzner/hel1"},
		{"hetzner/fsn1 hetzner/hel1 google/us-east4-a! > hetzner/fsn1", []string{
			"DR-2 | Bucket in the protected data centre does not count | hetzner/fsn1 stands in the data centre of hetzner/fsn1, which the plan protects, and is lost with it. Elsewhere there are 2 data centres (google/us-east4-a, hetzner/hel1); at least 3 are needed.",
		}, "Add a bucket in hetzner/nbg1"},
		{"google/europe-west3-a google/us-east4-a google/europe-west4-a! > google/europe-west3-c", []string{
			"DR-2 | Bucket in the protected data centre does not count | google/europe-west3-a stands in the data centre of google/europe-west3-c",
		}, "Add a bucket in hetzner/fsn1 (4.98 EUR"},
		{"hetzner/nbg1 hetzner/hel1 google/europe-west4-a! > hetzner/fsn1", []string{
			"BAK-2 | Backups on too few continents | The buckets stand on one continent only (Europe); each backup is held on at least 2.",
		}, "Add a bucket in google/us-central1-a (20.00 USD a month for 1 TB): the cheapest that are known."},
		{"google/us-east4-a google/europe-west4-a hetzner/hel1 hetzner/nbg1! > google/us-east4-b", []string{
			"BAK-2 | Backups on too few continents | The buckets outside the data centre of google/us-east4-b stand on one continent only (Europe)",
		}, "Add a bucket in google/us-central1-a"},
		{"hetzner/fsn1! hetzner/nbg1 hetzner/hel1 google/us-east4-a > hetzner/fsn1", []string{
			"BAK-6 | Immutable backups only in the protected data centre | The only immutable bucket stands in the data centre of hetzner/fsn1",
		}, "Set immutable_days on the bucket in google/us-east4-a"},
		{"> hetzner/fsn1", []string{
			"BAK-2 | Too few backup buckets | The plan has no buckets, each",
			"BAK-2 | Backups in too few data centres | stand in no data centres; each",
			"BAK-2 | Backups on too few continents | The buckets stand on no continent; each",
			"BAK-6 | No immutable backups |",
		}, "Add a bucket in hetzner/hel1 (4.98 EUR a month for 1 TB), and a bucket in google/us-central1-a (20.00 USD a month for 1 TB), and a bucket with immutable_days in hetzner/nbg1 (4.98 EUR a month for 1 TB): the cheapest that are known."},
		{"hetzner/fsn1 > hetzner/fsn1", []string{
			"BAK-2 | Too few backup buckets | The plan has 1 bucket, each",
			"BAK-2 | Backups in too few data centres | in 1 data centre (hetzner/fsn1)",
			"DR-2 | Bucket in the protected data centre does not count | Elsewhere there are no data centres; at least",
			"BAK-2 | Backups on too few continents | outside the data centre of hetzner/fsn1 stand on no continent",
			"BAK-6 | No immutable backups |",
		}, "Add a bucket in hetzner/hel1"},
		// A plan that protects two places has to hold for each.
		{"hetzner/nbg1 hetzner/hel1 google/us-east4-a! > hetzner/fsn1 hetzner/hel1", []string{
			"DR-2 | Bucket in the protected data centre does not count | hetzner/hel1 stands in the data centre of hetzner/hel1",
		}, "Add a bucket in google/europe-north1-a (20.00 USD a month for 1 TB)"},
		{"hetzner/nbg1 google/us-east4-a! google/europe-west3-a google/europe-west4-a > hetzner/fsn1 google/us-east4-c", []string{
			"BAK-2 | Backups on too few continents | outside the data centre of google/us-east4-c",
			"BAK-6 | Immutable backups only in the protected data centre | google/us-east4-c",
		}, "Add a bucket with immutable_days in google/us-central1-a"},
	} {
		t.Run(tc.set, func(t *testing.T) {
			got := CheckSet(parseSet(t, c, tc.set), c)
			if len(got.Findings) != len(tc.want) {
				t.Errorf("%d findings, want %d: %v", len(got.Findings), len(tc.want), got.Findings)
			}
			for i, f := range got.Findings {
				if f.Field != "bucket_ids" || !strings.Contains(f.Remedy, tc.remedy) {
					t.Errorf("field %q, remedy %q, want %q", f.Field, f.Remedy, tc.remedy)
				}
				if i >= len(tc.want) {
					break
				}
				parts := strings.Split(tc.want[i], " | ")
				if f.Promise != parts[0] || f.Summary != strings.TrimSuffix(parts[1], " |") || len(parts) > 2 && !strings.Contains(f.Detail, parts[2]) {
					t.Errorf("got  %s | %s | %s\nwant %s", f.Promise, f.Summary, f.Detail, tc.want[i])
				}
			}
		})
	}
}

// A lost location is no remedy; nor is one without object storage, however
// near. What the catalogue cannot give is said.
func TestMendLeavesOut(t *testing.T) {
	c := loadCatalog(t)
	set := parseSet(t, c, "hetzner/hel1 google/us-east4-a! > hetzner/fsn1")
	lost, err := cloud.ParseLost([]string{"hetzner/nbg1"})
	if err != nil {
		t.Fatal(err)
	}
	set.Lost = lost
	if got := CheckSet(set, c).Mend.String(); !strings.Contains(got, "google/europe-north1-a") || strings.Contains(got, "nbg1") {
		t.Errorf("remedy %q", got)
	}
	only, err := catalog.New([]catalog.Entry{place(t, c, "hetzner/fsn1"), place(t, c, "hetzner/hel1"), place(t, c, "hetzner/nbg1"), place(t, c, "hetzner/ash")})
	if err != nil {
		t.Fatal(err)
	}
	got := CheckSet(parseSet(t, c, "> hetzner/fsn1"), only).Mend
	if !got.Incomplete || len(got.Add) != 2 || !strings.Contains(got.String(), "the catalogue knows no location with object storage") {
		t.Errorf("%+v: %s", got, got)
	}
}

// At plan time some buckets are yet to be created.
func TestCheckSetUnknown(t *testing.T) {
	c := loadCatalog(t)
	for _, tc := range []struct {
		set     string
		unknown int
		want    string
	}{
		{"hetzner/nbg1 hetzner/hel1 > hetzner/fsn1", 1, ""},
		{"hetzner/nbg1 > hetzner/fsn1", 2, ""},
		{"> hetzner/fsn1", 3, ""},
		{"hetzner/nbg1! > hetzner/fsn1", 1, "BAK-2 Too few backup buckets; BAK-2 Backups in too few data centres"},
		{"hetzner/fsn1 hetzner/hel1 > hetzner/fsn1", 1, "DR-2 Bucket in the protected data centre does not count"},
		{"hetzner/fsn1 hetzner/hel1 > hetzner/fsn1", 2, ""},
	} {
		set := parseSet(t, c, tc.set)
		set.Unknown = tc.unknown
		got := CheckSet(set, c)
		if texts(got) != tc.want || !got.Pending {
			t.Errorf("%s and %d unknown: %s (pending %v), want %s", tc.set, tc.unknown, texts(got), got.Pending, tc.want)
		}
	}
	if CheckSet(Set{}, c).Pending {
		t.Error("pending, and nothing is unknown")
	}
}

// broken gives the rules that a set breaks, by their place in rules.
func broken(set Set) []bool {
	var out []bool
	for _, r := range rules() {
		out = append(out, slices.ContainsFunc(set.views(), r.broken))
	}
	return out
}

func randomSet(r *rand.Rand, all []catalog.Entry) Set {
	// Few places, so that data centres and continents coincide often.
	pick := func() catalog.Entry {
		if r.IntN(3) == 0 {
			return all[r.IntN(len(all))]
		}
		return all[len(all)-1-r.IntN(12)]
	}
	var set Set
	for i := range r.IntN(7) {
		set.Buckets = append(set.Buckets, Bucket{ID: fmt.Sprint(i % 5), Place: pick(), Immutable: r.IntN(4) == 0})
	}
	// The same bucket is in one place.
	for i, b := range set.Buckets {
		set.Buckets[i].Place = set.Buckets[slices.IndexFunc(set.Buckets, func(o Bucket) bool { return o.ID == b.ID })].Place
	}
	for range r.IntN(3) {
		set.Protected = append(set.Protected, pick())
	}
	return set
}

func texts(v Verdict) string {
	var out []string
	for _, f := range v.Findings {
		out = append(out, f.Promise+" "+f.Summary)
	}
	return strings.Join(out, "; ")
}

func TestCheckSetProperties(t *testing.T) {
	c := loadCatalog(t)
	all, err := c.Select(catalog.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	const sets = 500
	refused, hardened := 0, 0
	for seed := range uint64(sets) {
		r := rand.New(rand.NewPCG(seed, 2))
		set := randomSet(r, all)
		verdict := CheckSet(set, c)
		before := broken(set)
		if slices.Contains(before, true) != (len(verdict.Findings) > 0) {
			t.Fatalf("seed %d: rules %v, findings %s", seed, before, texts(verdict))
		}
		if len(verdict.Findings) > 0 {
			refused++
		}

		// The order of buckets does not matter, nor a bucket named again.
		other := set
		other.Buckets = slices.Clone(set.Buckets)
		r.Shuffle(len(other.Buckets), func(i, j int) { other.Buckets[i], other.Buckets[j] = other.Buckets[j], other.Buckets[i] })
		if len(other.Buckets) > 0 {
			other.Buckets = append(other.Buckets, other.Buckets[0])
		}
		again := CheckSet(other, c)
		if texts(again) != texts(verdict) || !slices.Equal(again.Mend.Add, verdict.Mend.Add) || again.Mend.String() != verdict.Mend.String() {
			t.Fatalf("seed %d: another order, another verdict:\n%s %s\n%s %s", seed, texts(verdict), verdict.Mend, texts(again), again.Mend)
		}

		// Another bucket never breaks what holds.
		more := set
		more.Buckets = append(slices.Clone(set.Buckets), Bucket{ID: "new", Place: all[r.IntN(len(all))]})
		for i, now := range broken(more) {
			if now && !before[i] {
				t.Fatalf("seed %d: a bucket in %s breaks rule %d of %v", seed, more.Buckets[len(more.Buckets)-1].Place.Location, i, set)
			}
		}

		// What is refused while something is unknown is refused when it is known.
		less := set
		less.Unknown = r.IntN(len(set.distinct()) + 1)
		less.Buckets = set.distinct()[:len(set.distinct())-less.Unknown]
		for i, early := range broken(less) {
			if early && !before[i] {
				t.Fatalf("seed %d: rule %d is broken with %d unknown, and not with all known", seed, i, less.Unknown)
			}
		}

		// What is proposed mends, and none of it is there for nothing.
		if verdict.Mend.Incomplete {
			t.Fatalf("seed %d: nothing found for %s", seed, texts(verdict))
		}
		if verdict.Mend.Harden != nil {
			hardened++
		}
		if rest := CheckSet(follow(set, verdict.Mend, -1), c); len(rest.Findings) > 0 {
			t.Fatalf("seed %d: %s does not mend: %s", seed, verdict.Mend, texts(rest))
		}
		for leave := range verdict.Mend.Add {
			if rest := CheckSet(follow(set, verdict.Mend, leave), c); len(rest.Findings) == 0 {
				t.Fatalf("seed %d: of %s the bucket %d is not needed", seed, verdict.Mend, leave)
			}
		}
	}
	if refused < sets/4 || refused == sets || hardened < sets/40 {
		t.Errorf("%d of %d sets refused, %d mended by one attribute: the sets are no challenge", refused, sets, hardened)
	}
}

// follow does what is proposed but for one addition.
func follow(set Set, m Mend, leave int) Set {
	set.Buckets = slices.Clone(set.Buckets)
	for i, a := range m.Add {
		if i != leave {
			set.Buckets = append(set.Buckets, Bucket{ID: "added" + a.Place.Site, Place: a.Place, Immutable: a.Immutable})
		}
	}
	for i, b := range set.Buckets {
		if m.Harden != nil && b.ID == m.Harden.ID {
			set.Buckets[i].Immutable = true
		}
	}
	return set
}
