package service_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func at(name string) service.Address {
	return service.Address{Kind: cloud.KindNetwork, Name: name, Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}}
}

// Each step is what one instance's ModifyPlan does; the last one is refused
// or not.
func TestClaims(t *testing.T) {
	type step func(*service.Claims) error
	claim := func(name, claimant string) step {
		return func(c *service.Claims) error { return c.Claim(at(name), claimant) }
	}
	hold := func(name, id string, staying bool) step {
		return func(c *service.Claims) error { return c.Hold(at(name), id, staying) }
	}
	free := func(id string) step {
		return func(c *service.Claims) error { c.Free(cloud.KindNetwork, id); return nil }
	}
	firewall := func(name, id string, staying bool) step {
		address := at(name)
		address.Kind = cloud.KindFirewall
		return func(c *service.Claims) error { return c.Hold(address, id, staying) }
	}
	tests := map[string]struct {
		steps   []step
		refused string
	}{
		"two new":                   {[]step{claim("a", ""), claim("a", "")}, "another network block"},
		"new beside existing":       {[]step{claim("a", "1"), claim("a", "")}, "another network block"},
		"two existing":              {[]step{claim("a", "1"), claim("a", "2")}, "another network block"},
		"two names":                 {[]step{claim("a", ""), claim("b", "")}, ""},
		"planned twice":             {[]step{claim("a", "1"), claim("a", "1")}, ""},
		"replaced":                  {[]step{hold("a", "1", true), claim("a", "1"), claim("a", "1")}, ""},
		"new under one that goes":   {[]step{hold("a", "1", false), claim("a", "")}, "moved block"},
		"goes while new is there":   {[]step{claim("a", ""), hold("a", "1", false)}, "moved block"},
		"new under one renamed":     {[]step{hold("a", "1", true), claim("b", "1"), claim("a", "")}, "moved block"},
		"renamed to one renamed":    {[]step{hold("b", "2", true), claim("c", "2"), hold("a", "1", true), claim("b", "1")}, ""},
		"swapped":                   {[]step{hold("a", "1", true), claim("b", "1"), hold("b", "2", true), claim("a", "2")}, ""},
		"kept and deleted":          {[]step{hold("a", "1", true), hold("a", "1", false)}, "in the state twice"},
		"deleted and kept":          {[]step{hold("a", "1", false), hold("a", "1", true)}, "in the state twice"},
		"two kinds with one id":     {[]step{hold("a", "a-x", true), firewall("a", "a-x", false)}, ""},
		"created after its removal": {[]step{hold("a", "1", false), free("1"), claim("a", "")}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			claims := service.NewClaims()
			var err error
			for i, do := range test.steps {
				if err != nil {
					t.Fatalf("step %d is refused already: %v", i, err)
				}
				err = do(claims)
			}
			if (err != nil) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("got %v, want %q", err, test.refused)
			}
		})
	}
}

func TestClaimsInOneWalk(t *testing.T) {
	_, tf := start(t)
	made := tf.Create(config())
	tf.OneWalk = true
	tf.Plan(made, config())
	wantOne(t, tf.Plan(servicetest.Instance{}, config()).Diags.Errors(), "name: The name is claimed twice", `"acme" in hetzner/fsn1`)
	if problems := tf.Plan(servicetest.Instance{}, config().With("location", "hetzner/hel1")).Diags.Errors(); len(problems) > 0 {
		t.Errorf("the same name in another location: %q", problems)
	}
}

// create_before_destroy under one name finds the old object: it must not be
// destroyed afterwards.
func TestCreateBeforeDestroy(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(config())
	tf.OneWalk = true
	again := tf.Create(config())
	if again.Get(t, "native_id") != "1" {
		t.Fatalf("made %v", again.State)
	}
	deposed := tf.Plan(made, nil)
	if problems := deposed.Diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	gone, diags := tf.Apply(deposed)
	wantOne(t, diags.Warnings(), "was not replaced", "create_before_destroy")
	if gone.Exists() || len(c.NetworkStore.All()) != 1 {
		t.Errorf("in the state %v, in the cloud %v", gone.Exists(), c.NetworkStore.All())
	}
}

// What create_before_destroy replaces is planned to go once more when it goes,
// under the address that its successor has by then.
func TestClaimSettled(t *testing.T) {
	claims := service.NewClaims()
	address := service.Address{Kind: cloud.KindImage, Name: "base", Location: cloud.Location{Cloud: "hetzner"}}
	if err := claims.Claim(address, ""); err != nil {
		t.Fatal(err)
	}
	claims.Settle(address, "hetzner/fsn1/2")
	if err := claims.Hold(address, "hetzner/fsn1/1", false); err != nil {
		t.Error(err)
	}
	if err := claims.Claim(address, ""); err == nil {
		t.Error("a second block may claim the address")
	}
}
