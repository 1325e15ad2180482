package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

//go:embed data/*.json
var embedded embed.FS

// file is the form of one file under data/.
type file struct {
	Cloud string `json:"cloud"`
	// Compiled is the day on which the sources were consulted, YYYY-MM-DD.
	Compiled string `json:"compiled"`
	// Sources of cities, countries and network zones.
	Sources []string `json:"sources"`
	// Statements are the facts that the locations refer to by name.
	Statements map[string]struct {
		Held     bool     `json:"held"`
		Evidence Evidence `json:"evidence"`
		Text     string   `json:"text"`
		Source   string   `json:"source"`
	} `json:"statements"`
	// Notes are what else there is to say of several locations, by name.
	Notes     map[string]string `json:"notes"`
	Locations []struct {
		Name             string `json:"name"`
		City             string `json:"city"`
		Country          string `json:"country"`
		Continent        string `json:"continent"`
		EU               *bool  `json:"eu"`
		NetworkZone      string `json:"network_zone"`
		Site             string `json:"site"`
		Note             string `json:"note"`
		DDoSProtection   string `json:"ddos_protection"`
		PhysicalSecurity string `json:"physical_security"`
	} `json:"locations"`
}

var countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)

// Load reads the catalogue that is built into the program. It fails only if
// the built-in data are incomplete or contradict themselves.
func Load() (*Catalog, error) { return load(embedded, embeddedSites) }

func load(files, siteFiles fs.FS) (*Catalog, error) {
	names, err := fs.Glob(files, "data/*.json")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("catalogue: there are no data")
	}
	var all []Entry
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		entries, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", name, err)
		}
		all = append(all, entries...)
	}
	sites, err := loadSites(siteFiles)
	if err != nil {
		return nil, err
	}
	if err := withSites(all, sites); err != nil {
		return nil, err
	}
	return New(all)
}

// New makes a catalogue of entries in any order; it fails if two are of the
// same location.
func New(entries []Entry) (*Catalog, error) {
	catalog := &Catalog{entries: slices.Clone(entries)}
	slices.SortFunc(catalog.entries, func(a, b Entry) int { return compareLocations(a.Location, b.Location) })
	for i := 1; i < len(catalog.entries); i++ {
		if catalog.entries[i].Location == catalog.entries[i-1].Location {
			return nil, fmt.Errorf("catalogue: %s is there twice", catalog.entries[i].Location)
		}
	}
	return catalog, nil
}

// parse reads one file and reports everything that is wrong with it.
func parse(text []byte) ([]Entry, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, err
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if _, err := time.Parse(time.DateOnly, f.Compiled); err != nil {
		bad("compiled: %q is not a day", f.Compiled)
	}
	if len(f.Sources) == 0 {
		bad("sources: there are none")
	}
	for _, s := range f.Sources {
		if !isURL(s) {
			bad("sources: %q is not a URL", s)
		}
	}
	for name, s := range f.Statements {
		if s.Text == "" || !isURL(s.Source) || (s.Evidence != EvidenceOperator && s.Evidence != EvidenceInspection) {
			bad("statement %q: needs a text, a URL as its source, and its evidence", name)
		}
	}
	fact := func(location, promise, name string) Fact {
		s, ok := f.Statements[name]
		if !ok {
			bad("%s: there is no statement %q for %s", location, name, promise)
		}
		return Fact{Held: s.Held, Evidence: s.Evidence, Text: s.Text, Source: s.Source}
	}

	if len(f.Locations) == 0 {
		bad("there are no locations")
	}
	var entries []Entry
	for _, l := range f.Locations {
		location, err := cloud.ParseLocation(f.Cloud + "/" + l.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, required := range []struct{ name, value string }{
			{"city", l.City}, {"continent", l.Continent}, {"network_zone", l.NetworkZone}, {"site", l.Site},
		} {
			if required.value == "" {
				bad("%s: %s is missing", location, required.name)
			}
		}
		if !countryPattern.MatchString(l.Country) {
			bad("%s: country %q is not an ISO 3166-1 alpha-2 code", location, l.Country)
		}
		note, known := f.Notes[l.Note]
		if l.Note != "" && (!known || note == "") {
			bad("%s: there is no note %q", location, l.Note)
		}
		if l.EU == nil {
			bad("%s: eu is missing", location)
			continue
		}
		entries = append(entries, Entry{
			Location: location, City: l.City, Country: l.Country, Continent: l.Continent, EU: *l.EU,
			NetworkZone: l.NetworkZone, Site: l.Site, Note: note,
			DDoSProtection:   fact(location.String(), "NET-3", l.DDoSProtection),
			PhysicalSecurity: fact(location.String(), "PHY-1", l.PhysicalSecurity),
		})
	}
	return entries, errors.Join(errs...)
}

func isURL(text string) bool { return strings.HasPrefix(text, "https://") }
