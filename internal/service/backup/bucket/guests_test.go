package bucket

import (
	"slices"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

func guest(principal string, locks ...any) map[string]any {
	g := map[string]any{"principal": principal}
	if len(locks) > 0 {
		g["clears_locks"] = locks[0]
	}
	return g
}

func withGuests(guests map[string]any) servicetest.Config { return basic().With("guests", guests) }

// The layout that guests are confined to is the one that they write.
func TestAGuestsPrefixIsWhereItWrites(t *testing.T) {
	prefix := cloud.GuestPrefix("acme-eu", "acme")
	if prefix != status.Prefix("acme-eu", "acme") || prefix+cloud.GuestStatus+"v1.json" != status.Key("acme-eu", "acme") {
		t.Errorf("%s is not %s", prefix, status.Prefix("acme-eu", "acme"))
	}
}

func TestGuests(t *testing.T) {
	c, tf := start(t)
	stored := func() []cloud.BucketGuest { return c.BucketStore.All()["bucket-1"].Guests }
	made := tf.Create(withGuests(map[string]any{"zoo": guest("z"), "acme": guest("a", true)}))
	if want := []cloud.BucketGuest{{Tenant: "acme", Principal: "a", ClearsLocks: true}, {Tenant: "zoo", Principal: "z"}}; !slices.Equal(stored(), want) {
		t.Errorf("the cloud has %+v", stored())
	}
	same := withGuests(map[string]any{"zoo": guest("z", false), "acme": guest("a", true)})
	refreshed, _ := tf.Refresh(made)
	if plan := tf.Plan(refreshed, same); !plan.IsNoOp() {
		t.Errorf("the second plan is not empty: %v %v", plan.Planned, plan.Diags.Errors())
	}
	imported, diags := tf.Import("hetzner/nbg1/bucket-1")
	if len(diags.Errors()) > 0 || !imported.State.Equal(refreshed.State) {
		t.Errorf("import: %v\n got %v\nwant %v", diags.Errors(), imported.State, refreshed.State)
	}

	next := withGuests(map[string]any{"acme": guest("other")})
	plan := tf.Plan(made, next)
	if len(plan.Replaces) > 0 {
		t.Errorf("replaces %v", plan.Replaces)
	}
	changed, diags := tf.Apply(plan)
	if want := []cloud.BucketGuest{{Tenant: "acme", Principal: "other"}}; len(diags) > 0 || !slices.Equal(stored(), want) {
		t.Errorf("%v, the cloud has %+v", diags, stored())
	}
	for what, config := range map[string]servicetest.Config{"left out": basic(), "empty": withGuests(map[string]any{})} {
		without := tf.Change(changed, config)
		if len(stored()) > 0 {
			t.Errorf("%s: the cloud has %+v", what, stored())
		}
		without, _ = tf.Refresh(without)
		if plan := tf.Plan(without, config); !plan.IsNoOp() {
			t.Errorf("%s: the plan is not empty: %v", what, plan.Planned)
		}
		changed = tf.Change(without, next)
	}
}

// A grant that somebody took away, or gave, shows in the plan and is put right.
func TestDriftOfGuests(t *testing.T) {
	for what, harm := range map[string]func(*cloud.Bucket){
		"one is gone":  func(b *cloud.Bucket) { b.Guests = b.Guests[:1] },
		"one may more": func(b *cloud.Bucket) { b.Guests[1].ClearsLocks = true },
		"one is new":   func(b *cloud.Bucket) { b.Guests = append(b.Guests, cloud.BucketGuest{Tenant: "zzz", Principal: "x"}) },
		"one is wider": func(b *cloud.Bucket) { b.Broken = []cloud.BucketGuard{cloud.GuardGuests} },
	} {
		t.Run(what, func(t *testing.T) {
			c, tf := start(t)
			config := withGuests(map[string]any{"zoo": guest("z"), "acme": guest("a")})
			made := tf.Create(config)
			want := slices.Clone(c.BucketStore.All()["bucket-1"].Guests)
			c.BucketStore.Change("bucket-1", harm)
			drifted, _ := tf.Refresh(made)
			plan := tf.Plan(drifted, config)
			if plan.IsNoOp() || len(plan.Replaces) > 0 || len(plan.Diags) > 0 {
				t.Fatalf("plan %v, replaces %v, %v", plan.Planned, plan.Replaces, plan.Diags)
			}
			repaired, diags := tf.Apply(plan)
			if b := c.BucketStore.All()["bucket-1"]; len(diags) > 0 || !slices.Equal(b.Guests, want) || len(b.Broken) > 0 {
				t.Errorf("%v, the cloud has %+v", diags, b)
			}
			repaired, _ = tf.Refresh(repaired)
			if plan := tf.Plan(repaired, config); !plan.IsNoOp() {
				t.Errorf("the next plan is not empty: %v", plan.Planned)
			}
		})
	}
}

func TestGuestsRefused(t *testing.T) {
	for _, test := range []struct {
		name      string
		guests    map[string]any
		complains []string
	}{
		{"no name", map[string]any{"Acme/x": guest("a")}, []string{"guests", "Invalid tenant"}},
		{"shared", map[string]any{"acme": guest("a"), "zoo": guest("a")}, []string{"guests", "(ISO-2)", "credentials of its own"}},
		{"empty", map[string]any{"acme": guest("")}, []string{"guests", "Principal missing"}},
		{"the vendor's form", map[string]any{"acme": guest("not one")}, []string{"guests", "not a principal", "Leave the space out"}},
		{"too many", map[string]any{"a": guest("a"), "b": guest("b"), "c": guest("c"), "d": guest("d")}, []string{"guests: ", "4 guests are too many", "3 of them fit", "more buckets"}},
		{"too many, not known yet", map[string]any{"a": map[string]any{"principal": servicetest.Unknown}, "b": guest("b"), "c": guest("c"), "d": guest("d")}, []string{"guests: ", "3 of them fit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, tf := start(t)
			expect(t, tf.Plan(servicetest.Instance{}, withGuests(test.guests)).Diags.Errors(), test.complains)
		})
	}
}

func TestUnknownGuestsWait(t *testing.T) {
	_, tf := start(t)
	for what, config := range map[string]servicetest.Config{
		"all":           basic().With("guests", servicetest.Unknown),
		"its principal": withGuests(map[string]any{"acme": map[string]any{"principal": servicetest.Unknown}, "zoo": map[string]any{"principal": servicetest.Unknown}}),
		"its locks":     withGuests(map[string]any{"acme": guest("a", servicetest.Unknown)}),
		"the name":      withGuests(map[string]any{"acme": guest("a")}).With("name", servicetest.Unknown),
	} {
		if plan := tf.Plan(servicetest.Instance{}, config); len(plan.Diags.Errors()) > 0 {
			t.Errorf("%s: %v", what, plan.Diags.Errors())
		}
	}
}
