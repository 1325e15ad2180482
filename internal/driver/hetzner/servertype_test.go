package hetzner_test

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// A type that a location has refused to sell counts as sold out there, and
// only there, although the list said otherwise when it was read.
func TestRefusedTypeIsSoldOut(t *testing.T) {
	s := newTenant(t)
	available := func(location string) bool {
		types, err := s.d.ServerTypes(t.Context(), cloud.Location{Cloud: hetzner.Name, Name: location})
		if err != nil {
			t.Fatal(err)
		}
		for _, offered := range types {
			if offered.Name == smallType {
				return offered.Available
			}
		}
		t.Fatalf("%s is not in the list", smallType)
		return false
	}
	if !available("fsn1") {
		t.Fatalf("%s is sold out from the beginning", smallType)
	}
	s.w.fault(t, simcloud.Fault{Kind: simcloud.FaultCapacity, ServerType: smallType, Location: "fsn1", Count: 1})
	spec := s.vmSpec()
	spec.Name = "other"
	spec.Volumes = nil
	if _, err := s.d.VMs().Create(t.Context(), spec, func(cloud.VM) {}); cloud.CodeOf(err) != cloud.CodeCapacity {
		t.Fatalf("got %v", err)
	}
	if available("fsn1") {
		t.Error("what was refused is still offered")
	}
	if !available("hel1") {
		t.Error("what one location refused is sold out in another")
	}
}
