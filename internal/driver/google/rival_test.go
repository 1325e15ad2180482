package google_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

// rival is another run of the same configuration that is always a little
// quicker: what matches is sent once by it before it is sent at all.
type rival struct {
	base http.RoundTripper
	path *regexp.Regexp
	won  map[string]bool
}

func (r *rival) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodPost || !r.path.MatchString(request.URL.Path) || r.won[request.URL.Path] {
		return r.base.RoundTrip(request)
	}
	r.won[request.URL.Path] = true
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	theirs := request.Clone(request.Context())
	query := theirs.URL.Query()
	query.Set("requestId", fmt.Sprintf("00000000-0000-4000-8000-%012d", len(r.won)))
	theirs.URL.RawQuery, theirs.Body = query.Encode(), io.NopCloser(bytes.NewReader(body))
	response, err := r.base.RoundTrip(theirs)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	return r.base.RoundTrip(request)
}

// Two runs make one network at the same time, and one of them loses the race
// for the network, for its subnet and for its route: each time it finds what
// it was about to make, and goes on.
func TestARaceThatIsLostAtEveryStep(t *testing.T) {
	w := newWorld(t, 0)
	plain := client(t)
	d := w.connectWith(t, func(options *google.Options) {
		options.HTTPClient = &http.Client{Transport: &rival{base: plain.Transport, path: regexp.MustCompile(`/(networks|subnetworks|routes)$`), won: map[string]bool{}}}
	})
	spec := tenantNetwork("one")
	spec.Routes = []cloud.Route{{Destination: netip.MustParsePrefix("192.168.0.0/16"), Gateway: netip.MustParseAddr("10.1.0.9")}}
	made, err := d.Networks().Create(t.Context(), spec, func(cloud.Network) {})
	if err != nil || len(made.Subnets) != 1 || len(made.Routes) != 1 {
		t.Fatalf("%+v, %v", made, err)
	}
	have, err := w.connect(t).Networks().Get(t.Context(), "one-"+zone)
	if err != nil || len(have.Subnets) != 1 || len(have.Routes) != 1 {
		t.Errorf("%+v, %v", have, err)
	}
}
