package catalog

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func mustLoad(t *testing.T) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(entries []Entry) string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Location.String())
	}
	return strings.Join(out, " ")
}

// The member states of the European Union,
// https://european-union.europa.eu/principles-countries-history/eu-countries_en
const unionMembers = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

func TestEveryEntryIsComplete(t *testing.T) {
	c := mustLoad(t)
	entries, err := c.Select(Filter{})
	if err != nil {
		t.Fatal(err)
	}
	members := strings.Fields(unionMembers)
	sites := map[string]cloud.Location{}
	zoneContinent := map[string]string{}
	for _, e := range entries {
		t.Run(e.Location.String(), func(t *testing.T) {
			if e.City == "" || e.Continent == "" || e.NetworkZone == "" || e.Site == "" || len(e.Country) != 2 {
				t.Errorf("something is missing: %+v", e)
			}
			if want := slices.Contains(members, e.Country); e.EU != want {
				t.Errorf("eu = %v for %s, want %v", e.EU, e.Country, want)
			}
			for promise, f := range map[string]Fact{"NET-3": e.DDoSProtection, "PHY-1": e.PhysicalSecurity} {
				if f.Text == "" || !strings.HasPrefix(f.Source, "https://") || f.Evidence == "" {
					t.Errorf("%s: the fact is not sourced: %+v", promise, f)
				}
			}
			// A site is one place: it has one country and continent.
			if other, ok := sites[e.Site]; ok {
				o, err := c.Lookup(other)
				if err != nil || o.Country != e.Country {
					t.Errorf("site %s stands in %s and %s", e.Site, o.Country, e.Country)
				}
			}
			sites[e.Site] = e.Location
			zone := e.Location.Cloud + "/" + e.NetworkZone
			if before, ok := zoneContinent[zone]; ok && before != e.Continent {
				t.Errorf("network zone %s is on %s and %s", zone, before, e.Continent)
			}
			zoneContinent[zone] = e.Continent
			found, err := c.Lookup(e.Location)
			if err != nil || found != e {
				t.Errorf("Lookup gives %+v, %v", found, err)
			}
		})
	}
	if !slices.IsSortedFunc(entries, func(a, b Entry) int { return compareLocations(a.Location, b.Location) }) {
		t.Errorf("not sorted: %s", names(entries))
	}
}

// The six locations are those that the API lists.
func TestHetzner(t *testing.T) {
	want := []struct{ name, country, continent, zone string }{
		{"ash", "US", "North America", "us-east"},
		{"fsn1", "DE", "Europe", "eu-central"},
		{"hel1", "FI", "Europe", "eu-central"},
		{"hil", "US", "North America", "us-west"},
		{"nbg1", "DE", "Europe", "eu-central"},
		{"sin", "SG", "Asia", "ap-southeast"},
	}
	got, err := mustLoad(t).Select(Filter{Cloud: "hetzner"})
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s, %v", names(got), err)
	}
	sites := map[string]bool{}
	for i, w := range want {
		e := got[i]
		if e.Location != (cloud.Location{Cloud: "hetzner", Name: w.name}) || e.Country != w.country || e.Continent != w.continent || e.NetworkZone != w.zone {
			t.Errorf("got %+v, want %+v", e, w)
		}
		sites[e.Site] = true
	}
	if len(sites) != len(want) {
		t.Errorf("every location is a site of its own, got %v", sites)
	}
}

// What the regions of Google are easily got wrong in.
func TestGoogle(t *testing.T) {
	c := mustLoad(t)
	for _, tc := range []struct {
		zone, city, country, continent string
		eu                             bool
	}{
		{"europe-west3-a", "Frankfurt", "DE", "Europe", true},
		{"europe-west2-b", "London", "GB", "Europe", false},
		{"europe-west6-c", "Zurich", "CH", "Europe", false},
		{"europe-north1-a", "Hamina", "FI", "Europe", true},
		{"europe-north2-a", "Stockholm", "SE", "Europe", true},
		{"europe-central2-a", "Warsaw", "PL", "Europe", true},
		{"me-west1-a", "Tel Aviv", "IL", "Asia", false},
		{"me-central1-a", "Doha", "QA", "Asia", false},
		{"me-central2-c", "Dammam", "SA", "Asia", false},
		{"africa-south1-a", "Johannesburg", "ZA", "Africa", false},
		{"northamerica-south1-a", "Querétaro", "MX", "North America", false},
		{"southamerica-west1-a", "Santiago", "CL", "South America", false},
		{"australia-southeast2-a", "Melbourne", "AU", "Oceania", false},
		{"asia-southeast3-b", "Bangkok", "TH", "Asia", false},
		{"us-central1-f", "Council Bluffs, IA", "US", "North America", false},
	} {
		e, err := c.Lookup(cloud.Location{Cloud: "google", Name: tc.zone})
		if err != nil {
			t.Error(err)
		} else if e.City != tc.city || e.Country != tc.country || e.Continent != tc.continent || e.EU != tc.eu {
			t.Errorf("%s: got %+v, want %+v", tc.zone, e, tc)
		}
	}
	entries, err := c.Select(Filter{Cloud: "google"})
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]int{}
	for _, e := range entries {
		region := e.Location.Name[:strings.LastIndex(e.Location.Name, "-")]
		if e.NetworkZone != region || e.Site != "google-"+region {
			t.Errorf("%s: networks of %s, site %s; want those of its region", e.Location, e.NetworkZone, e.Site)
		}
		zones[region]++
	}
	if len(zones) != 43 {
		t.Errorf("%d regions, the vendor lists 43", len(zones))
	}
	for region, n := range zones {
		if want := map[bool]int{false: 3, true: 4}[region == "us-central1"]; n != want {
			t.Errorf("%s has %d zones, want %d", region, n, want)
		}
	}
	few, err := c.Lookup(cloud.Location{Cloud: "google", Name: "asia-northeast2-a"})
	if err != nil || !strings.Contains(few.Note, "one or two buildings") {
		t.Errorf("Osaka's note is %q, %v", few.Note, err)
	}
}

func TestSelect(t *testing.T) {
	c := mustLoad(t)
	yes, no := true, false
	for _, tc := range []struct {
		name   string
		filter Filter
		want   string
		fails  string
	}{
		{"by continent", Filter{Cloud: "hetzner", Continent: "Europe"}, "hetzner/fsn1 hetzner/hel1 hetzner/nbg1", ""},
		{"case does not matter", Filter{Continent: "north america", Cloud: "hetzner"}, "hetzner/ash hetzner/hil", ""},
		{"by country, over all clouds", Filter{Country: "de"}, "google/europe-west10-a google/europe-west10-b google/europe-west10-c " +
			"google/europe-west3-a google/europe-west3-b google/europe-west3-c hetzner/fsn1 hetzner/nbg1", ""},
		{"in the union", Filter{Cloud: "hetzner", EU: &yes}, "hetzner/fsn1 hetzner/hel1 hetzner/nbg1", ""},
		{"outside the union", Filter{EU: &no, Cloud: "hetzner"}, "hetzner/ash hetzner/hil hetzner/sin", ""},
		{"nothing has both", Filter{Continent: "Asia", EU: &yes}, "", ""},
		{"in Europe, outside the union", Filter{Continent: "Europe", EU: &no}, "google/europe-west2-a google/europe-west2-b google/europe-west2-c " +
			"google/europe-west6-a google/europe-west6-b google/europe-west6-c", ""},
		{"misspelt cloud", Filter{Cloud: "hetzer"}, "", `no location with the cloud "hetzer"; did you mean hetzner?`},
		{"misspelt continent", Filter{Continent: "Eurpoe"}, "", `the continent "Eurpoe"; did you mean Europe?`},
		{"unknown continent", Filter{Continent: "Antarctica"}, "", `the continent "Antarctica"; there are: Africa, Asia, Europe, North America, Oceania, South America`},
		{"unknown country", Filter{Country: "Germany"}, "", `the country "Germany"; there are 29, from AU to ZA; data.holdfast_locations`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := c.Select(tc.filter)
			switch {
			case tc.fails != "":
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("error %v, want %q", err, tc.fails)
				}
			case err != nil || names(got) != tc.want || got == nil:
				t.Errorf("got %q, %v, want %q", names(got), err, tc.want)
			}
		})
	}
}

func TestLookupUnknown(t *testing.T) {
	c := mustLoad(t)
	for _, tc := range []struct{ location, want string }{
		{"hetzner/fns1", `hetzner has no location "fns1"; did you mean fsn1?`},
		{"hetzner/nbg2", `did you mean nbg1?`},
		{"hetzner/frankfurt-am-main", `hetzner has no location "frankfurt-am-main"; there are: ash, fsn1, hel1`},
		{"hetzer/fsn1", `"hetzer/fsn1" is of an unknown cloud (known: google, hetzner); did you mean hetzner/fsn1`},
		{"nimbus/eu-west-1a", `unknown cloud (known: google, hetzner); there are 136, from google/africa-south1-a to hetzner/sin; data.holdfast_locations lists them`},
		{"google/europe-west3", `google has no location "europe-west3"; did you mean europe-west3-a or europe-west3-b or europe-west3-c?`},
		{"google/europe-wset4-b", `did you mean europe-west4-b or`},
		{"google/us-east1-a", `did you mean us-east1-b or us-east1-c or us-east1-d?`},
		{"google/fsn1", `google has no location "fsn1"; there are 130, from africa-south1-a to us-west4-c`},
	} {
		location, err := cloud.ParseLocation(tc.location)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Lookup(location); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.location, err, tc.want)
		}
	}
}

// good is a whole file; the tests below break one thing at a time.
const good = `{"cloud": "nimbus", "compiled": "2026-01-31", "sources": ["https://nimbus.example/zones"],
 "statements": {"s": {"held": true, "evidence": "operator", "text": "It is so.", "source": "https://nimbus.example/s"}},
 "locations": [{"name": "a1", "city": "Oslo", "country": "NO", "continent": "Europe", "eu": false, "network_zone": "north", "site": "oslo", "ddos_protection": "s", "physical_security": "s"}]}`

func TestLoadRefusesBrokenData(t *testing.T) {
	none := fstest.MapFS{}
	one := func(text string) fstest.MapFS { return fstest.MapFS{"data/nimbus.json": {Data: []byte(text)}} }
	if c, err := load(one(good), none); err != nil || c.Clouds()[0] != "nimbus" {
		t.Fatalf("the whole file: %v", err)
	}
	for _, tc := range []struct{ old, new, want string }{
		{`{"cloud"`, `["cloud"`, "invalid character"},
		{`"cloud": "nimbus"`, `"cloud": "Nimbus"`, `"Nimbus/a1" is not a location`},
		{`"cloud": "nimbus"`, `"cluod": "nimbus"`, `unknown field "cluod"`},
		{`2026-01-31`, `31.1.2026`, `"31.1.2026" is not a day`},
		{`["https://nimbus.example/zones"]`, `[]`, "sources: there are none"},
		{`"https://nimbus.example/zones"`, `"hearsay"`, `sources: "hearsay" is not a URL`},
		{`"text": "It is so."`, `"text": ""`, `statement "s": needs a text`},
		{`"evidence": "operator"`, `"evidence": "rumour"`, `statement "s": needs a text`},
		{`"source": "https://nimbus.example/s"`, `"source": ""`, `statement "s": needs a text`},
		{`"city": "Oslo"`, `"city": ""`, "nimbus/a1: city is missing"},
		{`"continent": "Europe"`, `"continent": ""`, "nimbus/a1: continent is missing"},
		{`"north"`, `""`, "nimbus/a1: network_zone is missing"},
		{`"site": "oslo"`, `"site": ""`, "nimbus/a1: site is missing"},
		{`"NO"`, `"Norway"`, `country "Norway" is not an ISO 3166-1 alpha-2 code`},
		{`"eu": false, `, ``, "nimbus/a1: eu is missing"},
		{`"ddos_protection": "s"`, `"ddos_protection": "x"`, `there is no statement "x" for NET-3`},
		{`"site": "oslo"`, `"site": "oslo", "note": "n"`, `nimbus/a1: there is no note "n"`},
		{`"physical_security": "s"`, `"physical_security": "y"`, `there is no statement "y" for PHY-1`},
	} {
		broken := strings.Replace(good, tc.old, tc.new, 1)
		if broken == good {
			t.Fatalf("%q is not in the file", tc.old)
		}
		if _, err := load(one(broken), none); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.new, err, tc.want)
		}
	}
	twice := fstest.MapFS{"data/a.json": {Data: []byte(good)}, "data/b.json": {Data: []byte(good)}}
	if _, err := load(twice, none); err == nil || !strings.Contains(err.Error(), "nimbus/a1 is there twice") {
		t.Errorf("two files with the same location: %v", err)
	}
	if _, err := load(fstest.MapFS{}, none); err == nil || !strings.Contains(err.Error(), "no data") {
		t.Errorf("no file: %v", err)
	}
	if _, err := load(one(`{"cloud": "nimbus", "compiled": "2026-01-31", "sources": ["https://n.example"]}`), none); err == nil ||
		!strings.Contains(err.Error(), "there are no locations") {
		t.Errorf("no locations: %v", err)
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"fsn1", "fsn1", 0}, {"fsn1", "fsn2", 1},
		{"fns1", "fsn1", 1}, {"hel", "hel1", 1}, {"nbg1", "fsn1", 3}, {"ca", "abc", 3}, {"abcd", "badc", 2},
	} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if distance(tc.a, tc.b) != distance(tc.b, tc.a) {
			t.Errorf("distance(%q, %q) is not symmetric", tc.a, tc.b)
		}
	}
}
