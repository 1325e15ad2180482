package google

import (
	"strings"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Wherever a list says that somebody did not answer, it is heard.
func TestGapsOfAggregatedLists(t *testing.T) {
	locations, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	warning := func(pairs ...string) *computepb.Warning {
		w := &computepb.Warning{Code: new("UNREACHABLE")}
		for i := 0; i < len(pairs); i += 2 {
			w.Data = append(w.Data, &computepb.Data{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return w
	}
	const lost, dark = "zones/europe-west3-a", "zones/europe-west4-b"
	tests := map[string]struct {
		tell func(*scopes)
		want string
	}{
		"nothing missing":          {func(s *scopes) { s.page(nil, nil); s.note(dark, "NO_RESULTS_ON_PAGE") }, ""},
		"a scope":                  {func(s *scopes) { s.note(dark, "UNREACHABLE"); s.note(dark, "UNREACHABLE") }, "could not reach " + dark},
		"a path":                   {func(s *scopes) { s.page([]string{"projects/acme-prod/" + dark}, nil) }, "could not reach " + dark},
		"a URL":                    {func(s *scopes) { s.page([]string{"https://www.googleapis.com/compute/v1/projects/p/" + dark}, nil) }, "could not reach " + dark},
		"a warning":                {func(s *scopes) { s.page(nil, warning("scope", dark)) }, "could not reach " + dark},
		"a warning of nobody":      {func(s *scopes) { s.page(nil, warning()) }, "could not reach a part of the project"},
		"a warning of a named one": {func(s *scopes) { s.page(nil, warning()); s.note(lost, "UNREACHABLE") }, ""},
		"a lost zone":              {func(s *scopes) { s.page([]string{lost}, warning("scope", lost)); s.note(lost, "UNREACHABLE") }, ""},
		"a lost zone and another":  {func(s *scopes) { s.page([]string{lost, dark}, warning()) }, "could not reach " + dark},
		"a zone that nobody knows": {func(s *scopes) {
			s.note("zones/mars-north1-a", "UNREACHABLE")
			s.note("regions/mars-north1", "UNREACHABLE")
		}, ""},
		"the region of one lost zone": {func(s *scopes) { s.note("regions/europe-west3", "UNREACHABLE") }, "could not reach regions/europe-west3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &scopes{d: &Driver{catalog: locations, lost: func(l cloud.Location) bool { return l.Name == "europe-west3-a" }}}
			test.tell(s)
			err := s.err()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
