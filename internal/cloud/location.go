package cloud

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Location is one data centre of one cloud, written `<cloud>/<name>`, such as
// `hetzner/fsn1` or `google/europe-west3-a`.
type Location struct {
	Cloud string
	Name  string
}

var (
	cloudPattern    = regexp.MustCompile(`^[a-z][a-z0-9]{1,19}$`)
	locationPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
)

// ParseLocation reads `<cloud>/<name>`. Whether the location exists is the
// catalogue's business, not the parser's.
func ParseLocation(text string) (Location, error) {
	cloudName, name, found := strings.Cut(text, "/")
	if !found || !cloudPattern.MatchString(cloudName) || !locationPattern.MatchString(name) {
		return Location{}, fmt.Errorf("%q is not a location: write <cloud>/<data centre>, for example \"hetzner/fsn1\"", text)
	}
	return Location{Cloud: cloudName, Name: name}, nil
}

// String gives the form that ParseLocation reads.
func (l Location) String() string {
	if l == (Location{}) {
		return ""
	}
	return l.Cloud + "/" + l.Name
}

// IsZero tells whether the location is unset.
func (l Location) IsZero() bool { return l == Location{} }

// ID names an object across all clouds: `<cloud>/<location>/<native id>`. It
// is the Terraform id, the import id and the resource identity.
type ID struct {
	Location Location
	// Native is the vendor's own identifier. It never holds a slash.
	Native string
}

// ParseID reads `<cloud>/<location>/<native id>`.
func ParseID(text string) (ID, error) {
	parts := strings.Split(text, "/")
	bad := fmt.Errorf("%q is not an object id: write <cloud>/<location>/<native id>, for example \"hetzner/fsn1/4711\"", text)
	if len(parts) != 3 || !validNative(parts[2]) {
		return ID{}, bad
	}
	location, err := ParseLocation(parts[0] + "/" + parts[1])
	if err != nil {
		return ID{}, bad
	}
	return ID{Location: location, Native: parts[2]}, nil
}

func validNative(native string) bool {
	if native == "" || len(native) > 128 {
		return false
	}
	return !strings.ContainsFunc(native, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '/'
	})
}

// String gives the form that ParseID reads.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return id.Location.String() + "/" + id.Native
}

// IsZero tells whether the id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// LostSet is the set of locations that an operator declared dead: exact
// locations, or every location of a cloud (`hetzner/*`).
type LostSet struct {
	exact  map[Location]bool
	clouds map[string]bool
}

// ParseLost reads the entries of `lost_locations`. All bad entries are
// reported, not only the first.
func ParseLost(entries []string) (LostSet, error) {
	set := LostSet{exact: map[Location]bool{}, clouds: map[string]bool{}}
	var errs []error
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry, "/*"); ok && cloudPattern.MatchString(name) {
			set.clouds[name] = true
			continue
		}
		location, err := ParseLocation(entry)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w, or \"hetzner/*\" for a whole cloud", err))
			continue
		}
		set.exact[location] = true
	}
	return set, errors.Join(errs...)
}

// Contains tells whether the location was declared lost.
func (s LostSet) Contains(l Location) bool { return s.clouds[l.Cloud] || s.exact[l] }

// ContainsCloud tells whether the whole cloud was declared lost.
func (s LostSet) ContainsCloud(name string) bool { return s.clouds[name] }

// Empty tells whether nothing is lost.
func (s LostSet) Empty() bool { return len(s.exact) == 0 && len(s.clouds) == 0 }
