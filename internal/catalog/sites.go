package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// What is true of a whole site is data under sites/, one file a cloud: its time
// zone (the IANA zone of its city), and whether the vendor's object storage is
// sold there, for how much.
//
//go:embed sites/*.json
var embeddedSites embed.FS

// Price is what a vendor asks for keeping 1,000 GB of object storage for a
// month: its standard class, without traffic and requests. The zero value is
// unknown.
type Price struct {
	Amount float64
	// Currency is an ISO 4217 code: "EUR".
	Currency string
	// Source is the URL where the vendor says so.
	Source string
}

// IsKnown tells whether there is a price.
func (p Price) IsKnown() bool { return p.Amount > 0 }

// String gives "4.98 EUR", and nothing for an unknown price.
func (p Price) String() string {
	if !p.IsKnown() {
		return ""
	}
	return fmt.Sprintf("%.2f %s", p.Amount, p.Currency)
}

// Zone is the location's time zone. The error is the tz database's: it is not
// installed, and not built into the program either.
func (e Entry) Zone() (*time.Location, error) {
	if e.TimeZone == "" {
		return nil, fmt.Errorf("the catalogue has no time zone for %s", e.Location)
	}
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("time zone of %s: %w", e.Location, err)
	}
	return zone, nil
}

// siteFile is the form of one file under sites/.
type siteFile struct {
	// Compiled is the day on which the sources were consulted, YYYY-MM-DD.
	Compiled string `json:"compiled"`
	// Currency of the prices.
	Currency string `json:"currency"`
	Sources  struct {
		TimeZones     string `json:"time_zones"`
		ObjectStorage string `json:"object_storage"`
	} `json:"sources"`
	// Note says how to read the prices, and what could not be read.
	Note  string                 `json:"note"`
	Sites map[string]siteOfAFile `json:"sites"`
}

type siteOfAFile struct {
	TimeZone      string  `json:"time_zone"`
	ObjectStorage bool    `json:"object_storage"`
	Price         float64 `json:"price_per_tb_month"`
}

// site is what Entry gets from its site.
type site struct {
	zone    string
	storage bool
	price   Price
}

func loadSites(files fs.FS) (map[string]site, error) {
	names, err := fs.Glob(files, "sites/*.json")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	all := map[string]site{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		if err := parseSites(text, all); err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", name, err)
		}
	}
	return all, nil
}

// parseSites reads one file into all and reports everything that is wrong with
// it.
func parseSites(text []byte, all map[string]site) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var f siteFile
	if err := decoder.Decode(&f); err != nil {
		return err
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := time.Parse(time.DateOnly, f.Compiled); err != nil {
		bad("compiled: %q is not a day", f.Compiled)
	}
	if len(f.Currency) != 3 || !isURL(f.Sources.TimeZones) || !isURL(f.Sources.ObjectStorage) {
		bad("needs a currency, and URLs as the sources of time zones and object storage")
	}
	for name, s := range f.Sites {
		if _, twice := all[name]; twice {
			bad("the site %q is there twice", name)
		}
		// Whether the zone exists is the tz database's answer, which a program
		// need not have at hand; a test asks it.
		if area, city, found := strings.Cut(s.TimeZone, "/"); !found || area == "" || city == "" {
			bad("site %q: %q is not a time zone", name, s.TimeZone)
		}
		if s.Price < 0 || s.Price > 0 && !s.ObjectStorage {
			bad("site %q: a price of %g for what is not sold", name, s.Price)
		}
		facts := site{zone: s.TimeZone, storage: s.ObjectStorage}
		if s.Price > 0 {
			facts.price = Price{Amount: s.Price, Currency: f.Currency, Source: f.Sources.ObjectStorage}
		}
		all[name] = facts
	}
	return errors.Join(errs...)
}

// withSites gives the entries what their sites have in common; a site that no
// entry names is a slip of the pen.
func withSites(entries []Entry, sites map[string]site) error {
	named := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		named[e.Site] = true
		s := sites[e.Site]
		e.TimeZone, e.ObjectStorage, e.StoragePrice = s.zone, s.storage, s.price
	}
	for name := range sites {
		if !named[name] {
			return fmt.Errorf("catalogue: no location is of the site %q", name)
		}
	}
	return nil
}
