package cloudtest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Harness gives the suite clouds to play with.
type Harness struct {
	// New opens an account that holds nothing. The suite asks for one for
	// each test and closes none: use t.Cleanup.
	New func(t *testing.T) Account
}

// Account is one empty account at a cloud.
type Account struct {
	// Connect makes a driver of its own, as each run of the program does.
	Connect func() cloud.Driver
	// Location is where the suite works; Standby is another one.
	Location, Standby cloud.Location
	// ServerType and LargerType can be ordered in Location; a VM can change
	// from the first to the second.
	ServerType, LargerType string
	// Image is a stock image that both types can run.
	Image string
	// PageSize is the number of objects in the vendor's largest page.
	PageSize int

	// Stranger makes an object that no deployment owns under the name that
	// the vendor would see, and returns its id. Nil: not possible.
	Stranger func(kind cloud.Kind, nativeName string) (native string)
	// LoseAnswer lets the next request that makes an object of the kind take
	// effect without an answer. Nil: not possible.
	LoseAnswer func(kind cloud.Kind)
	// FailCreation lets the next operation that makes a VM fail. Nil: not
	// possible.
	FailCreation func()
}

// limit bounds each test of the suite.
const limit = 2 * time.Minute

// Run tries everything.
func Run(t *testing.T, h Harness) {
	runNoun(t, h, sshKeys())
	runNoun(t, h, networks())
	runNoun(t, h, firewalls())
	runNoun(t, h, volumes())
	runNoun(t, h, vms())
	t.Run("vm/changes in place", func(t *testing.T) { vmChanges(t, open(t, h)) })
	t.Run("vm/failed creation", func(t *testing.T) { failedCreation(t, open(t, h)) })
	t.Run("volume/deleted while attached", func(t *testing.T) { deleteAttached(t, open(t, h)) })
	t.Run("firewall/deleted while in use", func(t *testing.T) { firewallInUse(t, open(t, h)) })
	runImages(t, h)
	t.Run("server types", func(t *testing.T) { serverTypes(t, open(t, h)) })
}

func runNoun[S, T any](t *testing.T, h Harness, n noun[S, T]) {
	for name, test := range map[string]func(*testing.T, *env, noun[S, T]){
		"life":                       life[S, T],
		"create twice":               createTwice[S, T],
		"create for another tenant":  otherTenant[S, T],
		"lost answer":                lostAnswer[S, T],
		"interrupted":                interrupted[S, T],
		"name taken by a stranger":   strangersName[S, T],
		"name of another deployment": otherDeployment[S, T],
		"protection":                 protection[S, T],
		"many":                       many[S, T],
		"race":                       race[S, T],
		"stand-by":                   standby[S, T],
		"unknown":                    unknown[S, T],
		"cancelled":                  cancelled[S, T],
	} {
		t.Run(string(n.kind)+"/"+name, func(t *testing.T) { test(t, open(t, h), n) })
	}
}

// env is an account with what the suite has made in it.
type env struct {
	Account
	driver cloud.Driver
	ctx    context.Context
	// shared is what VMs need.
	key, network, firewall, volume string
}

func open(t *testing.T, h Harness) *env {
	t.Helper()
	account := h.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return &env{Account: account, driver: account.Connect(), ctx: cloud.WithPriority(ctx, cloud.PriorityPaid)}
}

// meta is the Meta of the suite's objects.
func (e *env) meta(name string) cloud.Meta {
	return cloud.Meta{Name: name, Location: e.Location, Deployment: "conformance", Tenant: "acme", Tier: cloud.TierFree,
		Labels: map[string]string{"suite": "cloudtest"}}
}

// noun is how the suite handles one sort of object.
type noun[S, T any] struct {
	kind  cloud.Kind
	store func(cloud.Driver) cloud.Store[S, T]
	// spec makes a spec with this Meta, and what it refers to.
	spec func(t *testing.T, e *env, meta cloud.Meta) S
	meta func(*S) *cloud.Meta
	// object and observed take a T apart.
	object   func(T) cloud.Object
	observed func(T) S
	// change alters what the noun itself can change in place, beyond Meta.
	change func(*S)
	// readable takes out of a spec what no cloud tells again.
	readable func(S) S
}

// check compares what was observed with what was wanted.
func (n noun[S, T]) check(t *testing.T, when string, want S, got T) {
	t.Helper()
	have := n.observed(got)
	n.meta(&want).Protected = false
	n.meta(&have).Protected = false
	if diff := cmp.Diff(n.readable(want), n.readable(have), compareAddresses, cmpopts.EquateEmpty(), unordered); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

var (
	compareAddresses = cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})
	unordered        = cmpopts.SortSlices(func(a, b netip.Prefix) bool { return a.Compare(b) < 0 })
)

// create makes an object and fails the test if it cannot be made.
func (n noun[S, T]) create(t *testing.T, e *env, spec S) T {
	t.Helper()
	var saved []T
	made, err := n.store(e.driver).Create(e.ctx, spec, func(o T) { saved = append(saved, o) })
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if len(saved) == 0 {
		t.Fatal("the id was not handed over before the end of the create")
	}
	id := n.object(made).ID
	if id.Native == "" || id.Location != n.meta(&spec).Location {
		t.Fatalf("the created object's id is %+v", id)
	}
	for _, o := range saved {
		if n.object(o).ID != id {
			t.Fatalf("the id handed over first is %s, the final one %s", n.object(o).ID, id)
		}
	}
	return made
}

// owned lists what the suite's deployment owns.
func (n noun[S, T]) owned(t *testing.T, e *env) []T {
	t.Helper()
	objects, err := n.store(e.driver).List(e.ctx, cloud.Filter{Deployment: "conformance"})
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return objects
}

// keyOf is the key of a spec, as the driver labels it.
func (n noun[S, T]) keyOf(e *env, spec S) string {
	meta := n.meta(&spec)
	location := meta.Location
	if e.driver.Capabilities().Global[n.kind] {
		location.Name = ""
	}
	return cloud.Key(meta.Deployment, n.kind, meta.Name, location)
}

func wantCode(t *testing.T, err error, code cloud.Code) {
	t.Helper()
	if cloud.CodeOf(err) != code {
		t.Fatalf("got %v (code %q), want the code %q", err, cloud.CodeOf(err), code)
	}
}
