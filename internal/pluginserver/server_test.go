package pluginserver_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/pluginserver"
)

type key struct{}

// thing is a resource whose read hands its context to read.
type thing struct {
	resource.Resource
	read func(context.Context)
}

func (thing) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "test_thing"
}

func (thing) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"id": schema.StringAttribute{Computed: true}}}
}

func (t thing) Read(ctx context.Context, _ resource.ReadRequest, _ *resource.ReadResponse) {
	t.read(ctx)
}

// things is a provider of that resource.
type things struct {
	provider.Provider
	thing resource.Resource
}

func (things) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "test"
}

func (p things) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return p.thing }}
}

func read(t *testing.T, ctx context.Context, server tfprotov6.ProviderServer) {
	t.Helper()
	shape := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}}
	state, err := tfprotov6.NewDynamicValue(shape, tftypes.NewValue(shape, map[string]tftypes.Value{"id": tftypes.NewValue(tftypes.String, "1")}))
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: "test_thing", CurrentState: &state})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range response.Diagnostics {
		t.Fatalf("%s: %s", d.Summary, d.Detail)
	}
}

func TestForgetsFinishedCalls(t *testing.T) {
	server := pluginserver.New(things{thing: thing{read: func(context.Context) {}}})
	const calls = 100
	var held atomic.Int64
	for range calls {
		stream, cancel := context.WithCancel(context.Background())
		value := new([64 << 10]byte)
		held.Add(1)
		runtime.SetFinalizer(value, func(*[64 << 10]byte) { held.Add(-1) })
		read(t, context.WithValue(stream, key{}, value), server)
		cancel()
	}
	for range 10 {
		runtime.GC()
		runtime.Gosched()
	}
	// The last ones may still be in registers or on the stack.
	if n := held.Load(); n > calls/10 {
		t.Errorf("%d of %d finished calls are still in memory", n, calls)
	}
	runtime.KeepAlive(server)
}

func TestCallSeesItsContext(t *testing.T) {
	stream, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
	var during, after context.Context
	server := pluginserver.New(things{thing: thing{read: func(ctx context.Context) {
		during = ctx
		if ctx.Value(key{}) != "value" || ctx.Err() != nil {
			t.Errorf("the call's own context is %v, %v", ctx.Value(key{}), ctx.Err())
		}
		child, stop := context.WithCancel(ctx)
		defer stop()
		after = child
		cancel()
		<-child.Done()
	}}})
	read(t, stream, server)
	<-during.Done()
	if during.Value(key{}) != nil || during.Err() == nil || after.Err() == nil {
		t.Error("a call that has returned still holds its context")
	}
}

func TestStopEndsCalls(t *testing.T) {
	started := make(chan struct{})
	server := pluginserver.New(things{thing: thing{read: func(ctx context.Context) {
		close(started)
		<-ctx.Done()
	}}})
	go func() {
		<-started
		if _, err := server.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{}); err != nil {
			t.Error(err)
		}
	}()
	read(t, t.Context(), server)
}
