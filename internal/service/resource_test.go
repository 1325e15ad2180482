package service_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/firewall"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/network"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/sshkey"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/volume"
)

// The base is tested with networks: they are protectable and have a tenant.

func config() servicetest.Config {
	return servicetest.Config{"name": "acme", "location": "hetzner/fsn1", "cidr": "10.1.0.0/24"}
}

func protected() servicetest.Config { return config().With("deletion_protection", true) }

func start(t *testing.T, lost ...string) (*servicetest.Cloud, *servicetest.Terraform) {
	t.Helper()
	c := servicetest.NewCloud()
	return c, servicetest.NewTerraform(t, servicetest.NewEnv(t, c, lost...), network.NewResource)
}

// over starts another walk over the same cloud.
func over(t *testing.T, c *servicetest.Cloud, lost ...string) *servicetest.Terraform {
	t.Helper()
	return servicetest.NewTerraform(t, servicetest.NewEnv(t, c, lost...), network.NewResource)
}

// wantOne fails unless there is one text, and it holds all parts.
func wantOne(t *testing.T, texts []string, parts ...string) {
	t.Helper()
	if len(texts) != 1 {
		t.Errorf("want one message with %q, got %d: %q", parts, len(texts), texts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(texts[0], part) {
			t.Errorf("%q does not hold %q", texts[0], part)
		}
	}
}

func TestLost(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(protected())
	before := c.Calls()
	dark := over(t, c, "hetzner/fsn1")
	gone, diags := dark.Refresh(made)
	wantOne(t, diags.Warnings(), "lost location hetzner/fsn1", "hetzner/fsn1/1")
	if gone.Exists() || len(diags.Errors()) > 0 {
		t.Errorf("in the state: %v, %q", gone.State, diags.Errors())
	}
	deleted, diags := dark.Apply(dark.Plan(made, nil))
	wantOne(t, diags.Warnings(), "is left behind")
	if deleted.Exists() || len(diags.Errors()) > 0 {
		t.Errorf("deleted: %v, %q", deleted.State, diags.Errors())
	}
	wantOne(t, dark.Plan(servicetest.Instance{}, config()).Diags.Errors(), "location: Lost location", "data.holdfast_site")
	wantOne(t, dark.Plan(made, config().With("name", "other")).Diags.Errors(), "location: Lost location")
	_, diags = dark.Import("hetzner/fsn1/1")
	wantOne(t, diags.Errors(), "Cannot import network", "lost_locations")
	if calls := c.Calls(); calls != before {
		t.Errorf("%d calls", calls-before)
	}
	// The site moved on: protection of what is lost does not stand in the way,
	// even if the state was not refreshed.
	moved := dark.Plan(made, protected().With("location", "hetzner/hel1"))
	if problems := moved.Diags.Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	reached, diags := dark.Apply(moved)
	if len(diags.Errors()) > 0 || reached.Get(t, "location") != "hetzner/hel1" || len(c.NetworkStore.All()) != 2 {
		t.Errorf("moved: %v %q", reached.State, diags.Errors())
	}
	// A false alarm: what still stands there is adopted again.
	back := over(t, c).Create(protected())
	if back.Get(t, "native_id") != "1" {
		t.Errorf("adopted %v", back.Get(t, "native_id"))
	}
}

func TestProtection(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(protected())
	wantOne(t, tf.Plan(made, nil).Diags.Errors(), "deletion_protection: Deletion protection", "hetzner/fsn1/1", "apply")
	wantOne(t, tf.Plan(made, protected().With("cidr", "10.2.0.0/24")).Diags.Errors(), "cidr: Deletion protection", "changing cidr replaces it")
	wantOne(t, tf.Plan(made, config().With("location", "hetzner/hel1")).Diags.Errors(), "location: Deletion protection")
	wantOne(t, tf.Plan(made, protected(), true).Diags.Errors(), "deletion_protection: Deletion protection", "-replace")

	tainted := made
	tainted.Tainted = true
	tf.OneWalk = true
	tainted, _ = tf.Refresh(tainted)
	wantOne(t, tf.Plan(tainted, protected()).Diags.Errors(), "deletion_protection: Deletion protection", "tainted", "untaint")
	tf.OneWalk = false
	// With -refresh=false the plan cannot know; the apply refuses.
	blind := over(t, c)
	_, diags := blind.Apply(blind.Plan(tainted, protected()))
	wantOne(t, diags.Errors(), "deletion_protection: Deletion protection", "was not deleted")
	if len(c.NetworkStore.All()) != 1 {
		t.Fatal("it is gone")
	}

	freed := tf.Change(made, config())
	if c.NetworkStore.All()["1"].Protected {
		t.Error("the cloud still protects it")
	}
	tf.Change(freed, nil)
	if len(c.NetworkStore.All()) != 0 {
		t.Error("it is not deleted")
	}
}

func TestDeployments(t *testing.T) {
	c, tf := start(t)
	spec := func(name, deployment string) cloud.NetworkSpec {
		n := cloud.NetworkSpec{Meta: cloud.Meta{Name: name, Deployment: deployment, Location: cloud.Location{Cloud: "hetzner", Name: "fsn1"}}}
		n.CIDR = prefix("10.1.0.0/24")
		return n
	}
	foreign, free := c.NetworkStore.Put(spec("theirs", "other")), c.NetworkStore.Put(spec("acme", ""))
	_, diags := tf.Import(foreign.String())
	wantOne(t, diags.Errors(), "Cannot import network", `deployment "other"`)
	_, diags = tf.Import("hetzner/hel1/" + free.Native)
	wantOne(t, diags.Errors(), "import "+free.String()+" instead")
	for id, want := range map[string]string{"4711": "is not an object id", "hetzner/fsn2/1": "did you mean", "hetzner/fsn1/99": ""} {
		got, diags := tf.Import(id)
		if want != "" {
			wantOne(t, diags.Errors(), want)
		} else if got.Exists() {
			t.Errorf("%s is imported as %v", id, got.State)
		}
	}

	// What belongs to nobody is labelled by the next apply.
	owned, diags := tf.Import(free.String())
	if len(diags.Errors()) > 0 || owned.Get(t, "deployment") != "" {
		t.Fatalf("imported %v, %q", owned.State, diags.Errors())
	}
	owned = tf.Change(owned, config().With("subnets", []any{}))
	if got := c.NetworkStore.All()[free.Native].Deployment; got != "test" {
		t.Errorf("labelled with %q", got)
	}
	// And another configuration may not touch it any more.
	env := servicetest.NewEnv(t, c)
	env.Deployment = "else"
	stranger := servicetest.NewTerraform(t, env, network.NewResource)
	wantOne(t, stranger.Plan(owned, config()).Diags.Errors(), `belongs to the deployment "test"`)
	wantOne(t, stranger.Plan(owned, nil).Diags.Errors(), `belongs to the deployment "test"`)
}

func TestGone(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(config())
	c.NetworkStore.Remove("1")
	gone, diags := tf.Refresh(made)
	if gone.Exists() || len(diags) > 0 {
		t.Errorf("in the state: %v, %q", gone.State, diags.Errors())
	}
	if _, diags := tf.Apply(tf.Plan(made, nil)); len(diags.Errors()) > 0 {
		t.Errorf("deleting what is gone: %q", diags.Errors())
	}
}

func TestDrift(t *testing.T) {
	c, tf := start(t)
	labelled := config().With("labels", map[string]any{"team": "ops"})
	made := tf.Create(labelled)
	c.NetworkStore.Change("1", func(n *cloud.Network) { n.Labels, n.Name = nil, "renamed" })
	made, _ = tf.Refresh(made)
	tf.Change(made, labelled)
	if got := c.NetworkStore.All()["1"]; got.Name != "acme" || got.Labels["team"] != "ops" {
		t.Errorf("repaired to %+v", got)
	}
}

// A tenant that an object gets in place counts for what the same plan builds
// on it, also where the object was not refreshed.
func TestTenantInSight(t *testing.T) {
	for _, refreshed := range []bool{true, false} {
		c := servicetest.NewCloud()
		env := servicetest.NewEnv(t, c)
		made := servicetest.NewTerraform(t, env, network.NewResource).Create(config())
		env = servicetest.NewEnv(t, c)
		tf := servicetest.NewTerraform(t, env, network.NewResource)
		if refreshed {
			made, _ = tf.Refresh(made)
		}
		id, err := cloud.ParseID("hetzner/fsn1/1")
		if err != nil {
			t.Fatal(err)
		}
		tf.Plan(made, config())
		if known, _ := env.Known(cloud.KindNetwork, id); known.Tenant != "" {
			t.Errorf("without a change the tenant is %q", known.Tenant)
		}
		tf.Plan(made, config().With("tenant", servicetest.Unknown))
		if known, _ := env.Known(cloud.KindNetwork, id); known.Tenant != "" {
			t.Errorf("an unknown tenant is %q", known.Tenant)
		}
		tf.Plan(made, config().With("tenant", "acme").With("cidr", "10.2.0.0/24"))
		if known, _ := env.Known(cloud.KindNetwork, id); known.Tenant != "" {
			t.Errorf("one that is replaced has the tenant %q", known.Tenant)
		}
		tf.Plan(made, config().With("tenant", "acme"))
		if known, ok := env.Known(cloud.KindNetwork, id); !ok || known.Tenant != "acme" || known.Name != "acme" {
			t.Errorf("known is %+v (%v)", known, ok)
		}
	}
}

// Every object's data centre is judged at plan, and again by the apply.
func TestBadDataCentre(t *testing.T) {
	c := servicetest.NewCloud()
	env := servicetest.NewEnv(t, c)
	fsn1 := cloud.Location{Cloud: "hetzner", Name: "fsn1"}
	bare, err := catalog.New([]catalog.Entry{{Location: fsn1,
		DDoSProtection:   catalog.Fact{Text: "It is sold apart.", Source: "https://example.com/ddos"},
		PhysicalSecurity: catalog.Fact{Text: "A shed.", Source: "https://example.com/shed"}}})
	if err != nil {
		t.Fatal(err)
	}
	good := env.Catalog
	nouns := map[string]struct {
		resource func() resource.Resource
		config   servicetest.Config
	}{
		"network":  {network.NewResource, config()},
		"firewall": {firewall.NewResource, servicetest.Config{"name": "web", "location": "hetzner/fsn1"}},
		"volume":   {volume.NewResource, servicetest.Config{"name": "data", "location": "hetzner/fsn1", "size_gb": 10}},
		"SSH key": {sshkey.NewResource, servicetest.Config{"name": "ada", "location": "hetzner/fsn1",
			"public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFU72SmcowFiMstiWUxYpG91YBLuwPSzOkuBTbUVuFs5"}},
	}
	for name, noun := range nouns {
		t.Run(name, func(t *testing.T) {
			tf := servicetest.NewTerraform(t, env, noun.resource)
			env.Catalog = good
			plan := tf.Plan(servicetest.Instance{}, noun.config)
			env.Catalog = bare
			problems := tf.Plan(servicetest.Instance{}, noun.config).Diags.Errors()
			_, diags := tf.Apply(plan)
			for _, texts := range [][]string{problems, diags.Errors()} {
				if text := strings.Join(texts, "\n"); len(texts) != 2 ||
					!strings.Contains(text, "location: Data centre without DDoS protection (NET-3)") ||
					!strings.Contains(text, "location: Data centre without guarded perimeter (PHY-1)") {
					t.Errorf("problems: %s", text)
				}
			}
		})
	}
	if c.Calls() != 0 {
		t.Errorf("%d calls", c.Calls())
	}
}

func TestErrors(t *testing.T) {
	c, tf := start(t)
	made := tf.Create(config())
	c.Fault = fault("update", &cloud.Error{Code: cloud.CodeInvalid, Cloud: "hetzner", Message: "in use", VendorCode: "x", Field: "subnets", Remedy: "Detach."})
	kept, diags := tf.Apply(tf.Plan(made, config().With("name", "b")))
	wantOne(t, diags.Errors(), `subnets: Cannot change network "acme" (hetzner/fsn1/1)`, "in use (x)", "Detach.")
	if kept.Tainted || kept.Get(t, "name") != "acme" {
		t.Errorf("after a failed update: %v", kept.State)
	}
	c.Fault = fault("get", broken(cloud.CodeUnavailable))
	_, diags = tf.Refresh(made)
	wantOne(t, diags.Errors(), "Cannot read network", "lost_locations")
	c.Fault = fault("delete", broken(cloud.CodeInUse))
	left, diags := tf.Apply(tf.Plan(made, nil))
	wantOne(t, diags.Errors(), "Cannot delete network", "still needs it")
	if !left.Exists() {
		t.Error("a failed delete leaves the state empty")
	}
}

func TestPriority(t *testing.T) {
	c, tf := start(t)
	seen := map[string]cloud.Priority{}
	c.Watch = func(ctx context.Context, call string, _ cloud.Kind) { seen[call] = cloud.PriorityOf(ctx) }
	for tier, want := range map[any]cloud.Priority{nil: cloud.PriorityPaid, "paid": cloud.PriorityPaid, "free": cloud.PriorityFree} {
		tiered := config().With("tier", tier)
		made := tf.Create(tiered)
		made, _ = tf.Refresh(made)
		made = tf.Change(made, tiered.With("labels", map[string]any{"x": "y"}))
		tf.Change(made, nil)
		for _, call := range []string{"create", "update", "delete"} {
			if seen[call] != want {
				t.Errorf("tier %v: %s has priority %d, want %d", tier, call, seen[call], want)
			}
		}
		if seen["get"] != cloud.PriorityRefresh {
			t.Errorf("reading has priority %d", seen["get"])
		}
	}
}

// noClouds fails to make any driver.
type noClouds struct{ err error }

func (c noClouds) Driver(string) (cloud.Driver, error) { return nil, c.err }

func TestCredentials(t *testing.T) {
	missing := servicetest.NewTerraform(t, servicetest.NewEnv(t, noClouds{&cloud.Error{Code: cloud.CodeUnauthorized, Message: "no token", Remedy: "Set it."}}), network.NewResource)
	wantOne(t, missing.Plan(servicetest.Instance{}, config()).Diags.Errors(), "location: Cannot reach hetzner", "no token", "Set it.")

	later := servicetest.NewTerraform(t, servicetest.NewEnv(t, noClouds{service.ErrNotYetKnown}), network.NewResource)
	plan := later.Plan(servicetest.Instance{}, config())
	if problems := plan.Diags.Errors(); len(problems) > 0 {
		t.Fatalf("a token that is known after apply fails the plan: %q", problems)
	}
	_, diags := later.Apply(plan)
	wantOne(t, diags.Errors(), "location: Cannot reach hetzner", "known only after apply")
}
