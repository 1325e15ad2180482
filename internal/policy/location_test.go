package policy

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestCheckLocation(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Select(catalog.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		// The catalogue knows no bad data centre so far.
		expect(t, CheckLocation(e))
	}
	bad := catalog.Entry{
		Location:         cloud.Location{Cloud: "nimbus", Name: "a1"},
		DDoSProtection:   catalog.Fact{Text: "It is sold apart.", Source: "https://nimbus.example/ddos"},
		PhysicalSecurity: catalog.Fact{Text: "Nothing is published.", Source: "https://nimbus.example/"},
	}
	expect(t, CheckLocation(bad),
		"NET-3 location | Data centre without DDoS protection | nimbus/a1 has, as far as is known, no DDoS protection at the edge. It is sold apart. (https://nimbus.example/ddos) | Choose another location",
		"PHY-1 location | Data centre without guarded perimeter | no perimeter with controlled access")
}

func TestCheckSite(t *testing.T) {
	entry := func(name, site string) catalog.Entry {
		return catalog.Entry{Location: cloud.Location{Cloud: "nimbus", Name: name}, Site: site}
	}
	expect(t, CheckSite(nil), "- locations | Site without locations | The list is empty | fall back to")
	expect(t, CheckSite([]catalog.Entry{entry("a1", "a"), entry("b1", "b")}))
	expect(t, CheckSite([]catalog.Entry{entry("a1", "a")}), "DR-2 locations | No stand-by data centre | When nimbus/a1 is lost | Add a location")
	expect(t, CheckSite([]catalog.Entry{entry("a1", "a"), entry("a2", "a")}), "DR-2 locations | No stand-by data centre")
	expect(t, CheckSite([]catalog.Entry{entry("a1", "a"), entry("b1", "b"), entry("a1", "a")}), "- locations[2] | Location named twice | nimbus/a1 is in the list twice")
}
