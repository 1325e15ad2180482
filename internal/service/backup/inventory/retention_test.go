package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// Whether a bucket is immutable is what it says itself; of one that is lost,
// cannot be read or does not tell, nobody knows.
func TestImmutable(t *testing.T) {
	days := func(read servicetest.Instance) string {
		var out []string
		for _, one := range list(read.Get(t, "buckets")) {
			out = append(out, fmt.Sprint(one["immutable_days"]))
		}
		return strings.Join(out, " ")
	}
	fails := func(call string, code cloud.Code) func(w world) {
		return func(w world) {
			w.Fault = func(made string, _ cloud.Kind, native string) error {
				if native == w.ids[0].Native && made == call {
					return &cloud.Error{Code: code, Cloud: "hetzner", Message: "no"}
				}
				return nil
			}
		}
	}
	for name, test := range map[string]struct {
		lost    []string
		change  func(w world)
		want    string
		warning string
	}{
		"all tell":            {nil, func(world) {}, "0 93 0", ""},
		"one is lost":         {[]string{"hetzner/hel1"}, func(world) {}, "0 <nil> 0", ""},
		"one does not list":   {nil, fails("list_objects", cloud.CodeUnavailable), "<nil> 93 0", "read the bucket"},
		"one does not tell":   {nil, fails("retention", cloud.CodeUnavailable), "<nil> 93 0", "read the retention of the bucket"},
		"one may not be read": {nil, fails("retention", cloud.CodeUnauthorized), "<nil> 93 0", ""},
	} {
		w := newWorld(t)
		w.backUp(t, "acme", 3, 10)
		w.BucketStore.Change(w.ids[1].Native, func(b *cloud.Bucket) { b.ImmutableDays = 93 })
		test.change(w)
		read, diags := w.read(t, servicetest.NewEnv(t, w, test.lost...), servicetest.Config{})
		warnings := diags.Warnings()
		if len(diags.Errors()) > 0 || (test.warning == "") != (len(warnings) == 0) || len(warnings) > 0 && !strings.Contains(warnings[0], test.warning) {
			t.Errorf("%s: %q %q", name, diags.Errors(), warnings)
		}
		if got := days(read); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
