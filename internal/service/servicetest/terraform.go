package servicetest

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// NewEnv makes the environment of one walk over a cloud in memory.
func NewEnv(t testing.TB, clouds service.Clouds, lost ...string) *service.Env {
	t.Helper()
	known, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	set, err := cloud.ParseLost(lost)
	if err != nil {
		t.Fatal(err)
	}
	return &service.Env{Deployment: "test", Lost: set, Catalog: known, Clouds: clouds, Claims: service.NewClaims(), Timeouts: service.DefaultTimeouts()}
}

// Terraform drives one resource type through the plugin protocol as Terraform
// does: what it leaves out is everything between resources.
//
// Plan and Apply are a walk each, so that claims are forgotten between them;
// with OneWalk set the calls that follow belong to one.
type Terraform struct {
	OneWalk bool

	t      testing.TB
	env    *service.Env
	server tfprotov6.ProviderServer
	name   string
	schema *tfprotov6.Schema
}

// Config is the body of a block; absent attributes are null. Values are
// strings, bools, ints, floats, []any, map[string]any and Unknown.
type Config map[string]any

// Unknown is a value that is known only after apply.
var Unknown = unknown{}

type unknown struct{}

// Instance is one resource instance in the state. Its zero value is absent.
type Instance struct {
	State   tftypes.Value
	Private []byte
	Tainted bool
}

// Exists tells whether the instance is in the state.
func (i Instance) Exists() bool { return i.State.Type() != nil && !i.State.IsNull() }

// Plan is what Plan answered.
type Plan struct {
	Prior   Instance
	Planned tftypes.Value
	Private []byte
	// Replaces names the attributes that require a replacement.
	Replaces []string
	Config   Config
	Diags    Diags
}

// NewTerraform starts a walk: a configured provider that offers one resource.
func NewTerraform(t testing.TB, env *service.Env, resourceFunc func() resource.Resource) *Terraform {
	t.Helper()
	server := providerserver.NewProtocol6(&oneResource{env: env, resource: resourceFunc})()
	ctx := t.Context()
	answer, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if problems := Diags(answer.Diagnostics).Errors(); len(problems) > 0 {
		t.Fatal(problems)
	}
	empty, err := tfprotov6.NewDynamicValue(tftypes.Object{}, tftypes.NewValue(tftypes.Object{}, map[string]tftypes.Value{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: &empty}); err != nil {
		t.Fatal(err)
	}
	for name, schema := range answer.ResourceSchemas {
		return &Terraform{t: t, env: env, server: server, name: name, schema: schema}
	}
	t.Fatal("the provider offers no resource")
	return nil
}

func (tf *Terraform) kind() tftypes.Type { return tf.schema.ValueType() }

func (tf *Terraform) dynamic(value tftypes.Value) *tfprotov6.DynamicValue {
	tf.t.Helper()
	if value.Type() == nil {
		value = tftypes.NewValue(tf.kind(), nil)
	}
	d, err := tfprotov6.NewDynamicValue(tf.kind(), value)
	if err != nil {
		tf.t.Fatal(err)
	}
	return &d
}

func (tf *Terraform) static(d *tfprotov6.DynamicValue) tftypes.Value {
	tf.t.Helper()
	if d == nil {
		return tftypes.NewValue(tf.kind(), nil)
	}
	value, err := d.Unmarshal(tf.kind())
	if err != nil {
		tf.t.Fatal(err)
	}
	return value
}

// Validate runs `terraform validate`.
func (tf *Terraform) Validate(config Config) Diags {
	tf.t.Helper()
	answer, err := tf.server.ValidateResourceConfig(tf.t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: tf.name, Config: tf.dynamic(tf.value(config)),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}})
	if err != nil {
		tf.t.Fatal(err)
	}
	return Diags(answer.Diagnostics)
}

// walk begins a walk of Terraform.
func (tf *Terraform) walk() {
	if !tf.OneWalk {
		tf.env.Claims = service.NewClaims()
	}
}

// Plan plans one instance: config nil plans its removal. A replacement is
// planned in two calls, as Terraform does, and with replace it is one in any
// case (-replace).
func (tf *Terraform) Plan(prior Instance, config Config, replace ...bool) Plan {
	tf.t.Helper()
	tf.walk()
	plan := Plan{Prior: prior, Config: config}
	if config == nil {
		answer := tf.plan(prior.State, tftypes.NewValue(tf.kind(), nil), tftypes.NewValue(tf.kind(), nil), prior.Private)
		plan.Planned, plan.Private, plan.Diags = tf.static(answer.PlannedState), answer.PlannedPrivate, Diags(answer.Diagnostics)
		return plan
	}
	if plan.Diags = tf.Validate(config); len(plan.Diags.Errors()) > 0 {
		return plan
	}
	value := tf.value(config)
	state, private := prior.State, prior.Private
	if !prior.Exists() || prior.Tainted {
		state, private = tftypes.NewValue(tf.kind(), nil), nil
	}
	answer := tf.plan(state, tf.proposed(state, value), value, private)
	plan.Diags = append(plan.Diags, answer.Diagnostics...)
	for _, p := range answer.RequiresReplace {
		plan.Replaces = append(plan.Replaces, pathText(p))
	}
	if len(plan.Diags.Errors()) == 0 && !state.IsNull() && (len(plan.Replaces) > 0 || len(replace) > 0 && replace[0]) {
		null := tftypes.NewValue(tf.kind(), nil)
		answer = tf.plan(null, tf.proposed(null, value), value, answer.PlannedPrivate)
		plan.Diags = append(plan.Diags, answer.Diagnostics...)
		if len(plan.Replaces) == 0 {
			plan.Replaces = []string{"-replace"}
		}
	}
	plan.Planned, plan.Private = tf.static(answer.PlannedState), answer.PlannedPrivate
	return plan
}

func (tf *Terraform) plan(prior, proposed, config tftypes.Value, private []byte) *tfprotov6.PlanResourceChangeResponse {
	tf.t.Helper()
	answer, err := tf.server.PlanResourceChange(tf.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: tf.name, PriorState: tf.dynamic(prior), ProposedNewState: tf.dynamic(proposed), Config: tf.dynamic(config), PriorPrivate: private})
	if err != nil {
		tf.t.Fatal(err)
	}
	return answer
}

// proposed merges the configuration with the prior state: computed values
// that the configuration leaves out stay.
func (tf *Terraform) proposed(prior, config tftypes.Value) tftypes.Value {
	tf.t.Helper()
	was, want := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if err := config.As(&want); err != nil {
		tf.t.Fatal(err)
	}
	if !prior.IsNull() {
		if err := prior.As(&was); err != nil {
			tf.t.Fatal(err)
		}
	}
	want = maps.Clone(want) // As gives the value's own map
	for _, attribute := range tf.schema.Block.Attributes {
		if old, ok := was[attribute.Name]; ok && attribute.Computed && want[attribute.Name].IsNull() {
			want[attribute.Name] = old
		}
	}
	return tftypes.NewValue(tf.kind(), want)
}

// Apply carries a plan out: a replacement deletes first. What Terraform
// itself would refuse in the answer fails the test.
func (tf *Terraform) Apply(plan Plan) (Instance, Diags) {
	return tf.ApplyContext(tf.t.Context(), plan)
}

// ApplyContext is Apply under a context that the test may end.
func (tf *Terraform) ApplyContext(ctx context.Context, plan Plan) (Instance, Diags) {
	tf.t.Helper()
	if problems := plan.Diags.Errors(); len(problems) > 0 {
		tf.t.Fatalf("the plan failed: %v", problems)
	}
	tf.walk()
	prior, null := plan.Prior, tftypes.NewValue(tf.kind(), nil)
	var diags Diags
	if prior.Exists() && !plan.Planned.IsNull() && (len(plan.Replaces) > 0 || prior.Tainted) {
		answer := tf.apply(ctx, prior.State, null, null, prior.Private)
		diags = append(diags, answer.Diagnostics...)
		if len(diags.Errors()) > 0 {
			return prior, diags
		}
		prior = Instance{}
	}
	config := null
	if plan.Config != nil {
		config = tf.value(plan.Config)
	}
	state := null
	if prior.Exists() {
		state = prior.State
	}
	answer := tf.apply(ctx, state, plan.Planned, config, plan.Private)
	diags = append(diags, answer.Diagnostics...)
	reached := Instance{State: tf.static(answer.NewState), Private: answer.Private}
	failed := len(diags.Errors()) > 0
	if !failed && !plan.Planned.IsNull() {
		tf.consistent(plan.Planned, reached.State)
	}
	reached.Tainted = failed && !prior.Exists() && reached.Exists()
	return reached, diags
}

func (tf *Terraform) apply(ctx context.Context, prior, planned, config tftypes.Value, private []byte) *tfprotov6.ApplyResourceChangeResponse {
	tf.t.Helper()
	answer, err := tf.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: tf.name, PriorState: tf.dynamic(prior), PlannedState: tf.dynamic(planned), Config: tf.dynamic(config), PlannedPrivate: private})
	if err != nil {
		tf.t.Fatal(err)
	}
	return answer
}

// consistent is Terraform's demand on the state after an apply: planned
// values are kept, and nothing is unknown.
func (tf *Terraform) consistent(planned, reached tftypes.Value) {
	tf.t.Helper()
	if !reached.IsFullyKnown() {
		tf.t.Errorf("the state after apply holds unknown values: %s", reached)
	}
	want, got := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if planned.As(&want) != nil || reached.As(&got) != nil {
		tf.t.Fatalf("no objects: planned %s, reached %s", planned, reached)
	}
	for name, value := range want {
		if value.IsFullyKnown() && !value.Equal(got[name]) {
			tf.t.Errorf("inconsistent result after apply: %s was planned as %s and became %s", name, value, got[name])
		}
	}
}

// Refresh reads an instance.
func (tf *Terraform) Refresh(instance Instance) (Instance, Diags) {
	tf.t.Helper()
	answer, err := tf.server.ReadResource(tf.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: tf.name, CurrentState: tf.dynamic(instance.State), Private: instance.Private})
	if err != nil {
		tf.t.Fatal(err)
	}
	return Instance{State: tf.static(answer.NewState), Private: answer.Private, Tainted: instance.Tainted}, Diags(answer.Diagnostics)
}

// Import imports by id and reads.
func (tf *Terraform) Import(id string) (Instance, Diags) {
	tf.t.Helper()
	answer, err := tf.server.ImportResourceState(tf.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: tf.name, ID: id})
	if err != nil {
		tf.t.Fatal(err)
	}
	if len(Diags(answer.Diagnostics).Errors()) > 0 {
		return Instance{}, Diags(answer.Diagnostics)
	}
	imported := answer.ImportedResources[0]
	return tf.Refresh(Instance{State: tf.static(imported.State), Private: imported.Private})
}

// Create plans and applies a new instance, and fails the test on an error.
func (tf *Terraform) Create(config Config) Instance {
	tf.t.Helper()
	return tf.Change(Instance{}, config)
}

// Change plans and applies, and fails the test on an error.
func (tf *Terraform) Change(prior Instance, config Config) Instance {
	tf.t.Helper()
	reached, diags := tf.Apply(tf.Plan(prior, config))
	if problems := diags.Errors(); len(problems) > 0 {
		tf.t.Fatalf("apply: %v", problems)
	}
	return reached
}

// IsNoOp tells whether a plan changes nothing.
func (p Plan) IsNoOp() bool { return len(p.Diags.Errors()) == 0 && p.Planned.Equal(p.Prior.State) }

// With gives a copy of a configuration with one value changed.
func (c Config) With(name string, value any) Config {
	changed := maps.Clone(c)
	changed[name] = value
	return changed
}

// oneResource is a provider that offers one resource.
type oneResource struct {
	env      *service.Env
	resource func() resource.Resource
}

func (p *oneResource) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "holdfast"
}

func (p *oneResource) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (p *oneResource) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ResourceData = p.env
}

func (p *oneResource) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p *oneResource) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{p.resource}
}

// Get reads a value of the state by attribute name, as Go values; nil if it
// is null.
func (i Instance) Get(t testing.TB, name string) any {
	t.Helper()
	attributes := map[string]tftypes.Value{}
	if err := i.State.As(&attributes); err != nil {
		t.Fatal(err)
	}
	value, ok := attributes[name]
	if !ok {
		t.Fatal(fmt.Errorf("there is no attribute %q", name))
	}
	return goValue(t, value)
}
