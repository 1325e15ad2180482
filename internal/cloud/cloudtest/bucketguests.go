package cloudtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// BucketGuests is what the suite needs to know of a vendor's guests, and what
// somebody else does to them with the account's own credentials.
type BucketGuests struct {
	// Principal gives a principal that the vendor would take, another for each
	// number.
	Principal func(n int) string
	// Withdraw takes away what a principal was granted, Widen lets it read the
	// whole bucket, Keep lets somebody do so who is no guest, and Kept tells
	// whether he still may.
	Withdraw, Widen func(id cloud.ID, principal string)
	Keep            func(id cloud.ID)
	Kept            func(id cloud.ID) bool
}

func (e *bucketEnv) guests(tenants ...string) []cloud.BucketGuest {
	var guests []cloud.BucketGuest
	for _, tenant := range tenants {
		name, locks := strings.CutSuffix(tenant, "+")
		guests = append(guests, cloud.BucketGuest{Tenant: name, Principal: e.Guests.Principal(int(name[0])), ClearsLocks: locks})
	}
	return guests
}

// update brings a bucket to a spec and looks at it again.
func (e *bucketEnv) update(t *testing.T, have cloud.Bucket, spec cloud.BucketSpec, when string) cloud.Bucket {
	t.Helper()
	updated, err := e.buckets.Update(e.ctx, have, spec)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	e.check(t, when+": what the update returned", spec, updated)
	have = e.get(t, updated.ID.Native)
	e.check(t, when+": what is read", spec, have)
	return have
}

func bucketGuests(t *testing.T, e *bucketEnv) {
	spec := e.spec("guests")
	spec.Guests = e.guests("a+", "b")
	made := e.create(t, spec)
	e.Guests.Keep(made.ID)
	have := e.get(t, made.ID.Native)
	e.check(t, "what is read", spec, have)

	spec.Guests = e.guests("b+", "c")
	have = e.update(t, have, spec, "one goes, one may more, one comes")
	for _, principal := range []string{e.Guests.Principal('b'), e.Guests.Principal('c')} {
		e.Guests.Withdraw(have.ID, principal)
		if found := e.get(t, have.ID.Native); slices.ContainsFunc(found.Guests, func(g cloud.BucketGuest) bool { return g.Principal == principal }) {
			t.Errorf("%s was withdrawn, and is found: %+v", principal, found.Guests)
		} else {
			have = e.update(t, found, spec, principal+" was withdrawn")
		}
		e.Guests.Widen(have.ID, principal)
		if found := e.get(t, have.ID.Native); !slices.Contains(found.Broken, cloud.GuardGuests) {
			t.Errorf("%s may read everything, broken are %v", principal, found.Broken)
		} else {
			have = e.update(t, found, spec, principal+" was let in everywhere")
		}
	}
	spec.Labels = map[string]string{"suite": "other"}
	have = e.update(t, have, spec, "only a label")
	if listed, err := e.buckets.List(e.ctx, cloud.Filter{Deployment: "conformance"}); err != nil || len(listed) != 1 || !slices.Equal(listed[0].Guests, spec.Guests) {
		t.Errorf("listed are %+v, %v", listed, err)
	}
	spec.Guests = nil
	have = e.update(t, have, spec, "all go")
	if !e.Guests.Kept(have.ID) {
		t.Error("who is no guest was thrown out")
	}
}

// bucketGuestsRefused: what could not work, or would open one tenant's part to
// another, is refused in advance, and by whoever does not ask in advance.
func bucketGuestsRefused(t *testing.T, e *bucketEnv) {
	spec := e.spec("refused")
	made := e.create(t, spec)
	shared := e.guests("a", "b")
	shared[1].Principal = shared[0].Principal
	var many []cloud.BucketGuest
	for i := range 1000 {
		many = append(many, cloud.BucketGuest{Tenant: fmt.Sprintf("t%04d", i), Principal: e.Guests.Principal(i)})
	}
	for what, guests := range map[string][]cloud.BucketGuest{
		"shared principal": shared,
		"tenant twice":     {{Tenant: "a", Principal: e.Guests.Principal(1)}, {Tenant: "a", Principal: e.Guests.Principal(2)}},
		"no name":          {{Tenant: `x/*"`, Principal: e.Guests.Principal(1)}},
		"too many":         many,
	} {
		spec.Guests = guests
		advance := e.buckets.CheckGuests(spec)
		_, later := e.buckets.Update(e.ctx, made, spec)
		for when, err := range map[string]error{"in advance": advance, "by the update": later} {
			var failed *cloud.Error
			if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != "guests" {
				t.Errorf("%s, %s: %v", what, when, err)
			}
		}
		e.check(t, what, e.spec("refused"), e.get(t, made.ID.Native))
	}
	for _, principal := range []string{"*", "allUsers", "root", `"`} {
		spec.Guests = []cloud.BucketGuest{{Tenant: "a", Principal: principal}}
		var failed *cloud.Error
		if err := e.buckets.CheckGuests(spec); !errors.As(err, &failed) || failed.Field != `guests["a"].principal` || failed.Remedy == "" {
			t.Errorf("%q: %v", principal, err)
		}
	}
	// One that is not known yet is passed over, until it has to be known.
	spec.Guests = []cloud.BucketGuest{{Tenant: "a"}, {Tenant: "b"}}
	if err := e.buckets.CheckGuests(spec); err != nil {
		t.Errorf("not known yet: %v", err)
	}
	_, err := e.buckets.Update(e.ctx, made, spec)
	wantCode(t, err, cloud.CodeInvalid)
	for i := range many {
		many[i].Principal = ""
	}
	spec.Guests = many
	wantCode(t, e.buckets.CheckGuests(spec), cloud.CodeInvalid)
	spec.Guests = e.guests("a", "b+")
	if err := e.buckets.CheckGuests(spec); err != nil {
		t.Errorf("what is right: %v", err)
	}
}
