package google_test

import (
	"math"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

// A server type costs what it does in its zone's region, so that the cheapest
// is not the same one everywhere.
func TestServerTypesHaveTheRegionsPrices(t *testing.T) {
	types := []object{{"name": "e2-standard-2", "guestCpus": 2, "memoryMb": 8192, "architecture": "X86_64"},
		{"name": "n2d-standard-2", "guestCpus": 2, "memoryMb": 8192, "architecture": "X86_64"}}
	w := newWire(t)
	d := w.driver()
	for zone, want := range map[string]struct {
		name    string
		monthly float64
	}{"europe-west3-a": {"e2-standard-2", 63.02}, "us-central1-f": {"e2-standard-2", 48.92}, "asia-south1-b": {"n2d-standard-2", 40.71}} {
		w.say("GET zones/"+zone+"/machineTypes", object{"items": types})
		sold, err := d.ServerTypes(t.Context(), cloud.Location{Cloud: google.Name, Name: zone})
		if err != nil || len(sold) != len(types) {
			t.Fatalf("%s: %v, %v", zone, sold, err)
		}
		got := cloud.Fitting(sold, cloud.Size{CPUs: 2, MemoryGB: 8})
		if len(got) != len(types) || got[0].Name != want.name || math.Abs(got[0].PriceMonthly-want.monthly) > 0.011 {
			t.Errorf("%s: got %v, want %+v first", zone, got, want)
		}
	}
}
