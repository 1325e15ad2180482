package plan

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine that tests need not have it

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// world is two clouds, with a bucket in each of several locations.
type world struct {
	clouds map[string]*servicetest.Cloud
	ids    map[string]string
}

func (w world) Driver(name string) (cloud.Driver, error) { return w.clouds[name].Driver(name) }

// calls counts the requests to both clouds.
func (w world) calls() int { return w.clouds["hetzner"].Calls() + w.clouds["google"].Calls() }

// immutable are the days for which the bucket in nbg1 is.
const immutable = 93

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{map[string]*servicetest.Cloud{}, map[string]string{}}
	for _, name := range []string{"hetzner", "google"} {
		w.clouds[name] = servicetest.NewCloud()
		w.clouds[name].Name = name
	}
	for _, text := range []string{"hetzner/fsn1", "hetzner/hel1", "hetzner/nbg1", "google/us-central1-a"} {
		location, err := cloud.ParseLocation(text)
		if err != nil {
			t.Fatal(err)
		}
		spec := cloud.BucketSpec{Meta: cloud.Meta{Name: "b", Location: location, Deployment: "test"}}
		if text == "hetzner/nbg1" {
			spec.ImmutableDays = immutable
		}
		w.ids[text] = w.clouds[location.Cloud].BucketStore.Put(spec).String()
	}
	return w
}

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func (w world) terraform(t *testing.T, lost ...string) *servicetest.Terraform {
	t.Helper()
	return servicetest.NewTerraform(t, servicetest.NewEnv(t, w, lost...), func() resource.Resource { return NewResource(now) })
}

// at is a bucket as it is given to a plan.
func (w world) at(location string) map[string]any {
	b := map[string]any{"id": w.ids[location], "location": location, "immutable_days": 0}
	if location == "hetzner/nbg1" {
		b["immutable_days"] = immutable
	}
	return b
}

func (w world) config() servicetest.Config {
	return servicetest.Config{"name": "standard", "schedule": "02:30", "protects": []any{"hetzner/fsn1"},
		"buckets": []any{w.at("hetzner/nbg1"), w.at("hetzner/hel1"), w.at("google/us-central1-a")}}
}

func TestLifecycle(t *testing.T) {
	w := newWorld(t)
	tf := w.terraform(t)
	made := tf.Create(w.config())
	for name, want := range map[string]any{"id": "standard", "name": "standard", "schedule": "02:30", "time_zone": nil, "rpo_hours": int64(24)} {
		if got := made.Get(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if got, ok := made.Get(t, "retention").(map[string]any); !ok || got["daily"] != int64(7) || got["weekly"] != int64(4) || got["monthly"] != int64(3) {
		t.Errorf("retention %v", got)
	}
	if got, ok := made.Get(t, "bucket_ids").([]any); !ok || len(got) != 3 || got[0] != w.ids["hetzner/nbg1"] || got[2] != w.ids["google/us-central1-a"] {
		t.Errorf("bucket_ids %v", got)
	}
	if w.calls() != 3 {
		t.Errorf("%d requests, want one a bucket", w.calls())
	}
	refreshed, diags := tf.Refresh(made)
	if len(diags) > 0 {
		t.Fatal(diags.Errors())
	}
	if plan := tf.Plan(refreshed, w.config()); !plan.IsNoOp() || w.calls() != 3 {
		t.Errorf("the second plan: %v %v, %d requests", plan.Planned, plan.Diags.Errors(), w.calls())
	}
	changed := tf.Change(made, w.config().With("name", "other").With("retention", map[string]any{"daily": 14}).With("time_zone", "Europe/Berlin"))
	if got, ok := changed.Get(t, "retention").(map[string]any); !ok || changed.Get(t, "id") != "other" || got["daily"] != int64(14) || got["weekly"] != int64(4) {
		t.Errorf("id %v, retention %v", changed.Get(t, "id"), got)
	}
	if gone, diags := tf.Apply(tf.Plan(changed, nil)); gone.Exists() || len(diags) > 0 {
		t.Errorf("%v", diags)
	}
	imported, diags := tf.Import("standard")
	if len(diags) > 0 || imported.Get(t, "name") != "standard" {
		t.Fatalf("import: %v", diags)
	}
	if whole := tf.Change(imported, w.config()); !whole.State.Equal(made.State) {
		t.Errorf("import and apply: %v, want %v", whole.State, made.State)
	}
	if _, diags := tf.Import("No Name"); len(diags.Errors()) != 1 {
		t.Errorf("import of what is no name: %v", diags)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	set := func(locations ...string) []any {
		buckets := []any{}
		for _, location := range locations {
			buckets = append(buckets, w.at(location))
		}
		return buckets
	}
	odd := func(name string, value any) []any {
		b := w.at("hetzner/nbg1")
		b[name] = value
		return []any{b, w.at("hetzner/hel1"), w.at("google/us-central1-a")}
	}
	for _, test := range []struct {
		name      string
		config    servicetest.Config
		complains [][]string
	}{
		{"two buckets", w.config().With("buckets", set("hetzner/nbg1", "google/us-central1-a")), [][]string{
			{"buckets: ", "Too few backup buckets (BAK-2)", "Add a bucket in "}, {"buckets: ", "too few data centres (BAK-2)"}}},
		{"the same one twice", w.config().With("buckets", set("hetzner/nbg1", "hetzner/nbg1", "google/us-central1-a")), [][]string{
			{"Too few backup buckets (BAK-2)", "2 buckets"}, {"too few data centres (BAK-2)"}}},
		{"one continent", w.config().With("buckets", set("hetzner/nbg1", "hetzner/hel1", "hetzner/fsn1")).With("protects", []any{"google/us-central1-a"}), [][]string{
			{"buckets: ", "too few continents (BAK-2)", "Europe", "Add a bucket in "}}},
		{"in the protected data centre", w.config().With("buckets", set("hetzner/nbg1", "hetzner/fsn1", "google/us-central1-a")), [][]string{
			{"buckets: ", "Bucket in the protected data centre does not count (DR-2)", "hetzner/fsn1"}}},
		{"in a stand-by's data centre", w.config().With("protects", []any{"hetzner/fsn1", "hetzner/hel1"}), [][]string{
			{"(DR-2)", "hetzner/hel1"}}},
		{"none immutable", w.config().With("buckets", odd("immutable_days", 0)), [][]string{{"buckets: ", "No immutable backups (BAK-6)", "Set immutable_days on the bucket in"}}},
		{"immutable for too short a time", w.config().With("retention", map[string]any{"monthly": 12}), [][]string{{"buckets[0].immutable_days: ", "(BAK-6)", "372"}}},
		{"too few kept", w.config().With("retention", map[string]any{"daily": 5}), [][]string{{"retention.daily: ", "(BAK-1)", "7 or more"}}},
		{"too old", w.config().With("rpo_hours", 48), [][]string{{"rpo_hours: ", "(DR-1)"}}},
		{"too often", w.config().With("rpo_hours", 4), [][]string{{"rpo_hours: ", "(BAK-3)"}}},
		{"business hours", w.config().With("schedule", "12:00"), [][]string{{"schedule: ", "(UPT-2)", "Europe/Berlin"}}},
		{"business hours of one", w.config().With("time_zone", "Asia/Singapore"), [][]string{{"schedule: ", "(UPT-2)", "19:30"}}},
		{"no time", w.config().With("schedule", "half past two"), [][]string{{"schedule: ", "Not a time of day"}}},
		{"no zone", w.config().With("time_zone", "Middle-earth"), [][]string{{"time_zone: ", "Unknown time zone"}}},
		{"no name", w.config().With("name", "Standard Plan"), [][]string{{"name: "}}},
		{"nothing protected", w.config().With("protects", []any{}), [][]string{{"protects: ", "(DR-2)"}}},
		{"a location's typo", w.config().With("protects", []any{"hetzner/fns1"}), [][]string{{"protects: ", "fsn1"}}},
		{"no bucket's id", w.config().With("buckets", odd("id", nil)), [][]string{{"buckets[0].id: ", "Incomplete bucket"}}},
		{"no bucket's location", w.config().With("buckets", odd("location", nil)), [][]string{{"buckets[0].location: ", "Incomplete bucket"}}},
		{"something else than an id", w.config().With("buckets", odd("id", "b")), [][]string{{"buckets[0].id: ", "Not a bucket's id"}}},
		{"another location", w.config().With("buckets", odd("location", "hetzner/fsn1")), [][]string{{"buckets[0].location: ", "Another location"}}},
		{"no bucket", w.config().With("buckets", []any{}), [][]string{{"Too few backup buckets"}, {"too few data centres"}, {"on no continent"}, {"No immutable"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := w.terraform(t).Plan(servicetest.Instance{}, test.config).Diags.Errors()
			if len(problems) != len(test.complains) {
				t.Fatalf("%d problems: %q", len(problems), problems)
			}
			for i, parts := range test.complains {
				for _, part := range parts {
					if !strings.Contains(problems[i], part) {
						t.Errorf("the message lacks %q: %s", part, problems[i])
					}
				}
			}
		})
	}
	if w.calls() != 0 {
		t.Errorf("%d requests for plans", w.calls())
	}
}

// What is unknown waits, and what is known is judged all the same.
func TestUnknown(t *testing.T) {
	w := newWorld(t)
	u := servicetest.Unknown
	with := func(index int, name string, value any) []any {
		buckets := []any{w.at("hetzner/nbg1"), w.at("hetzner/hel1"), w.at("google/us-central1-a")}
		if name == "" {
			buckets[index] = value
			return buckets
		}
		b := w.at([]string{"hetzner/nbg1", "hetzner/hel1", "google/us-central1-a"}[index])
		b[name] = value
		buckets[index] = b
		return buckets
	}
	for _, test := range []struct {
		name   string
		config servicetest.Config
		want   string
	}{
		{"name", w.config().With("name", u), ""},
		{"schedule", w.config().With("schedule", u), ""},
		{"zone", w.config().With("time_zone", u).With("schedule", "12:00"), ""},
		{"retention", w.config().With("retention", u), ""},
		{"a class", w.config().With("retention", map[string]any{"daily": u}), ""},
		{"objective", w.config().With("rpo_hours", u), ""},
		{"protects", w.config().With("protects", u), ""},
		{"a protected location", w.config().With("protects", []any{"hetzner/fsn1", u}), ""},
		{"a protected location besides a bad one", w.config().With("protects", []any{"hetzner/nbg1", u}), "(DR-2)"},
		{"buckets", w.config().With("buckets", u), ""},
		{"a bucket", w.config().With("buckets", with(0, "", u)), ""},
		{"a bucket of three on one continent", w.config().With("buckets", []any{w.at("hetzner/nbg1"), u}), "Too few backup buckets"},
		{"an id", w.config().With("buckets", with(0, "id", u)), ""},
		{"a location", w.config().With("buckets", with(2, "location", u)), ""},
		{"days", w.config().With("buckets", with(0, "immutable_days", u)), ""},
		{"days, and one too short", w.config().With("buckets", with(1, "immutable_days", 30)), "buckets[1].immutable_days: Immutable for too short a time (BAK-6)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tf := w.terraform(t)
			plan := tf.Plan(servicetest.Instance{}, test.config)
			switch problems := plan.Diags.Errors(); {
			case test.want == "" && len(problems) > 0:
				t.Error(problems)
			case test.want != "" && (len(problems) == 0 || !strings.Contains(problems[0], test.want)):
				t.Errorf("problems %q, want %q", problems, test.want)
			}
		})
	}
	// All ids are unknown in the first plan of all; a bad set is refused in it.
	first := []any{}
	for _, location := range []string{"hetzner/nbg1", "hetzner/hel1", "hetzner/fsn1"} {
		b := w.at(location)
		b["id"] = u
		first = append(first, b)
	}
	problems := w.terraform(t).Plan(servicetest.Instance{}, w.config().With("protects", []any{"google/us-central1-a"}).With("buckets", first)).Diags.Errors()
	if len(problems) != 1 || !strings.Contains(problems[0], "too few continents (BAK-2)") {
		t.Errorf("problems %q", problems)
	}
}

// What was said of the buckets is compared with the buckets before anything is
// kept.
func TestVerify(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(w world)
		errors  string
		warning string
	}{
		{"less immutable", func(w world) {
			w.clouds["hetzner"].BucketStore.Change("bucket-3", func(b *cloud.Bucket) { b.ImmutableDays = 30 })
		}, "buckets[0].immutable_days: Bucket is less immutable than it is said to be (BAK-6)", ""},
		{"more immutable", func(w world) {
			w.clouds["hetzner"].BucketStore.Change("bucket-3", func(b *cloud.Bucket) { b.ImmutableDays = 300 })
		}, "", ""},
		{"gone", func(w world) { w.clouds["hetzner"].BucketStore.Remove("bucket-2") }, "buckets[1].id: No such bucket", ""},
		{"another deployment's", func(w world) {
			w.clouds["google"].BucketStore.Change("bucket-1", func(b *cloud.Bucket) { b.Deployment = "theirs" })
		}, "buckets[2].id: Bucket of another deployment", ""},
		{"elsewhere", func(w world) {
			w.clouds["hetzner"].BucketStore.Change("bucket-2", func(b *cloud.Bucket) { b.Location.Name = "fsn1" })
		}, "buckets[1].id: Bucket of another location", ""},
		{"no answer", func(w world) {
			w.clouds["google"].Fault = func(string, cloud.Kind, string) error {
				return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "google", Message: "no route"}
			}
		}, "", "was not verified"},
		{"no credentials", func(w world) {
			w.clouds["google"].BucketsErr = &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "google", Message: "no key"}
		}, "no key", ""},
		{"no buckets", func(w world) { w.clouds["google"].NoBuckets = true }, "no buckets for backups", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			tf := w.terraform(t)
			plan := tf.Plan(servicetest.Instance{}, w.config())
			test.change(w)
			made, diags := tf.Apply(plan)
			if (test.errors == "") != made.Exists() || !contains(diags.Errors(), test.errors) || !contains(diags.Warnings(), test.warning) {
				t.Errorf("in the state %v, errors %q, warnings %q", made.Exists(), diags.Errors(), diags.Warnings())
			}
		})
	}
}

// contains tells whether the only text has a part, or there is none.
func contains(texts []string, part string) bool {
	if part == "" {
		return len(texts) == 0
	}
	return len(texts) == 1 && strings.Contains(texts[0], part)
}

// One of the buckets' locations is lost: nothing is refused, nobody asks there,
// and the plan says what is degraded.
func TestLostBucket(t *testing.T) {
	w := newWorld(t)
	made := w.terraform(t).Create(w.config())
	calls := w.calls()
	for _, test := range []struct {
		lost string
		want []string
	}{
		{"google/us-central1-a", []string{"Backups of the plan \"standard\" are degraded", "2 of 3 can be used", "too few continents (BAK-2)", "If the locations do not come back: Add"}},
		{"hetzner/nbg1", []string{"2 of 3 can be used", "No immutable backups (BAK-6)"}},
	} {
		tf := w.terraform(t, test.lost)
		plan := tf.Plan(made, w.config())
		if !plan.IsNoOp() {
			t.Errorf("%s: the plan is not empty: %v", test.lost, plan.Diags.Errors())
		}
		expectWarning(t, plan.Diags, test.want...)
	}
	four := w.config().With("buckets", []any{w.at("hetzner/nbg1"), w.at("hetzner/hel1"), w.at("google/us-central1-a"), w.at("hetzner/fsn1")}).With("protects", []any{"hetzner/hel1"})
	plan := w.terraform(t, "hetzner/fsn1").Plan(servicetest.Instance{}, w.config().With("buckets", four["buckets"]))
	expectWarning(t, plan.Diags, "3 of 4 can be used", "still keeps what is promised")
	if w.calls() != calls {
		t.Errorf("%d requests", w.calls()-calls)
	}
	// An apply asks the others only.
	tf := w.terraform(t, "google/us-central1-a")
	w.clouds["google"].Fault = func(string, cloud.Kind, string) error { t.Error("the lost location was asked"); return nil }
	if _, diags := tf.Apply(tf.Plan(made, w.config().With("schedule", "03:00"))); len(diags.Errors()) > 0 || w.calls() != calls+2 {
		t.Errorf("%v, %d requests", diags.Errors(), w.calls()-calls)
	}
}

// A failover moves what is protected next to a bucket: it goes on, and the plan
// says what is wrong until the lost location is back.
func TestFailover(t *testing.T) {
	w := newWorld(t)
	made := w.terraform(t).Create(w.config())
	moved := w.config().With("protects", []any{"hetzner/hel1"})
	tf := w.terraform(t, "hetzner/fsn1")
	plan := tf.Plan(made, moved)
	expectWarning(t, plan.Diags, "does not count (DR-2)", "accepted while there are lost_locations")
	after, diags := tf.Apply(plan)
	if len(diags.Errors()) > 0 {
		t.Fatal(diags.Errors())
	}
	// Not together with another change, not in a new plan, and not for ever.
	for name, problems := range map[string][]string{
		"another change": tf.Plan(made, moved.With("schedule", "03:00")).Diags.Errors(),
		"a new plan":     tf.Plan(servicetest.Instance{}, moved).Diags.Errors(),
		"all is back":    w.terraform(t).Plan(after, moved).Diags.Errors(),
	} {
		if !contains(problems, "(DR-2)") {
			t.Errorf("%s: %q", name, problems)
		}
	}
}

func expectWarning(t *testing.T, diags servicetest.Diags, parts ...string) {
	t.Helper()
	if len(diags.Errors()) > 0 || len(diags.Warnings()) != 1 {
		t.Fatalf("errors %q, warnings %q", diags.Errors(), diags.Warnings())
	}
	for _, part := range parts {
		if !strings.Contains(diags.Warnings()[0], part) {
			t.Errorf("the warning lacks %q: %s", part, diags.Warnings()[0])
		}
	}
}

var _ service.Clouds = world{}
