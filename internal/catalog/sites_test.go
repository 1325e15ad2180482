package catalog

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
	_ "time/tzdata" // the machine that tests need not have it

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestEverySiteHasATimeZone(t *testing.T) {
	entries, err := mustLoad(t).Select(Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		zone, err := e.Zone()
		if err != nil {
			t.Errorf("%s: %v", e.Location, err)
			continue
		}
		if zone.String() != e.TimeZone {
			t.Errorf("%s: zone %s, want %s", e.Location, zone, e.TimeZone)
		}
		// A zone on another continent is a mix-up. The tz database files Qatar,
		// Riyadh and Jerusalem under Asia as the catalogue does.
		area, _, _ := strings.Cut(e.TimeZone, "/")
		if want := map[string]string{"North America": "America", "South America": "America", "Oceania": "Australia"}[e.Continent]; want != "" && area != want || want == "" && area != e.Continent {
			t.Errorf("%s stands in %s, but its zone is %s", e.Location, e.Continent, e.TimeZone)
		}
		if e.StoragePrice.IsKnown() && (!strings.HasPrefix(e.StoragePrice.Source, "https://") || !e.ObjectStorage) {
			t.Errorf("%s: price %+v", e.Location, e.StoragePrice)
		}
	}
}

// Hours from UTC in January and July, which a wrong hemisphere or country
// does not have.
func TestTimeZones(t *testing.T) {
	c := mustLoad(t)
	for _, tc := range []struct {
		location   string
		winter, st float64
	}{
		{"hetzner/fsn1", 1, 2}, {"hetzner/hel1", 2, 3}, {"hetzner/ash", -5, -4}, {"hetzner/hil", -8, -7}, {"hetzner/sin", 8, 8},
		{"google/europe-west2-a", 0, 1}, {"google/us-central1-a", -6, -5}, {"google/us-west3-b", -7, -6}, {"google/asia-south1-a", 5.5, 5.5},
		{"google/australia-southeast1-a", 11, 10}, {"google/southamerica-west1-a", -3, -4}, {"google/northamerica-south1-a", -6, -6}, {"google/me-west1-a", 2, 3},
	} {
		location, err := cloud.ParseLocation(tc.location)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Lookup(location)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := e.Zone()
		if err != nil {
			t.Fatal(err)
		}
		for month, want := range map[time.Month]float64{time.January: tc.winter, time.July: tc.st} {
			if _, seconds := time.Date(2026, month, 15, 12, 0, 0, 0, zone).Zone(); float64(seconds)/3600 != want {
				t.Errorf("%s in %s: %g hours from UTC, want %g", tc.location, month, float64(seconds)/3600, want)
			}
		}
	}
}

// The vendor's page names endpoints in three of its locations.
func TestObjectStorage(t *testing.T) {
	c := mustLoad(t)
	for name, want := range map[string]string{"fsn1": "4.98 EUR", "nbg1": "4.98 EUR", "hel1": "4.98 EUR", "ash": "", "hil": "", "sin": ""} {
		e, err := c.Lookup(cloud.Location{Cloud: "hetzner", Name: name})
		if err != nil || e.ObjectStorage != (want != "") || e.StoragePrice.String() != want {
			t.Errorf("%s: %v %q, %v; want %q", name, e.ObjectStorage, e.StoragePrice, err, want)
		}
	}
}

const goodSites = `{"compiled": "2026-01-31", "currency": "EUR", "sources": {"time_zones": "https://tz.example", "object_storage": "https://nimbus.example/s"}, "note": "n",
 "sites": {"oslo": {"time_zone": "Europe/Oslo", "object_storage": true, "price_per_tb_month": 6.5}}}`

func TestLoadRefusesBrokenSites(t *testing.T) {
	locations := fstest.MapFS{"data/nimbus.json": {Data: []byte(good)}}
	sites := func(text string) fstest.MapFS { return fstest.MapFS{"sites/nimbus.json": {Data: []byte(text)}} }
	c, err := load(locations, sites(goodSites))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Lookup(cloud.Location{Cloud: "nimbus", Name: "a1"})
	if err != nil || e.TimeZone != "Europe/Oslo" || !e.ObjectStorage || e.StoragePrice != (Price{6.5, "EUR", "https://nimbus.example/s"}) {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, tc := range []struct{ old, new, want string }{
		{`"oslo"`, `"olso"`, `no location is of the site "olso"`},
		{`"Europe/Oslo"`, `"CET"`, `"CET" is not a time zone`},
		{`2026-01-31`, `yesterday`, `"yesterday" is not a day`},
		{`"EUR"`, `"euros"`, "needs a currency"},
		{`https://tz.example`, `hearsay`, "needs a currency, and URLs"},
		{`https://nimbus.example/s`, `hearsay`, "needs a currency, and URLs"},
		{`6.5`, `-1`, "a price of -1"},
		{`"object_storage": true, `, ``, "a price of 6.5 for what is not sold"},
		{`"note"`, `"nota"`, `unknown field "nota"`},
	} {
		broken := strings.Replace(goodSites, tc.old, tc.new, 1)
		if broken == goodSites {
			t.Fatalf("%q is not in the file", tc.old)
		}
		if _, err := load(locations, sites(broken)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.new, err, tc.want)
		}
	}
	twice := fstest.MapFS{"sites/a.json": {Data: []byte(goodSites)}, "sites/b.json": {Data: []byte(goodSites)}}
	if _, err := load(locations, twice); err == nil || !strings.Contains(err.Error(), `"oslo" is there twice`) {
		t.Errorf("two files with the same site: %v", err)
	}
	if _, err := (Entry{Location: cloud.Location{Cloud: "nimbus", Name: "a1"}}).Zone(); err == nil || !strings.Contains(err.Error(), "no time zone for nimbus/a1") {
		t.Errorf("no time zone: %v", err)
	}
	if _, err := (Entry{TimeZone: "Europe/Nowhere"}).Zone(); err == nil {
		t.Error("Europe/Nowhere is a zone")
	}
}
