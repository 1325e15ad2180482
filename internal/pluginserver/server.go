package pluginserver

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Serve offers the provider to the Terraform that started this process, until
// that ends it. With debug it waits for a Terraform that is told of it by
// TF_REATTACH_PROVIDERS, which it prints.
func Serve(address string, newProvider func() provider.Provider, debug bool) error {
	var options []tf6server.ServeOpt
	if debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	return tf6server.Serve(address, func() tfprotov6.ProviderServer { return New(newProvider()) }, options...)
}

// New makes the protocol server of a provider. It offers neither list
// resources nor actions, which would need more methods here.
//
// The framework's own server (terraform-plugin-framework 1.19) remembers the
// context of every call until Terraform stops the provider, to cancel it then,
// and with it all loggers and the stream of the call: about 20 KiB a call,
// which at 4,000 resources makes a plan three times as slow. Here a call's
// context forgets everything when the call returns.
func New(p provider.Provider) tfprotov6.ProviderServer {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return &server{ProviderServer: providerserver.NewProtocol6(p)(), ended: ended}
}

// server is the framework's server with contexts that forget. Only the calls
// that Terraform makes once a resource or more are worth a method.
type server struct {
	tfprotov6.ProviderServer
	// ended stands in for the contexts of calls that have returned.
	ended context.Context
}

// callContext is the context of a call while that lasts, and then one that
// has ended and holds nothing.
type callContext struct {
	now atomic.Pointer[context.Context]
}

func (c *callContext) Deadline() (time.Time, bool) { return (*c.now.Load()).Deadline() }
func (c *callContext) Done() <-chan struct{}       { return (*c.now.Load()).Done() }
func (c *callContext) Err() error                  { return (*c.now.Load()).Err() }
func (c *callContext) Value(key any) any           { return (*c.now.Load()).Value(key) }

// during makes a call with a context that forgets.
func during[Q, P any](ctx context.Context, s *server, request Q, call func(context.Context, Q) (P, error)) (P, error) {
	forgetful := &callContext{}
	forgetful.now.Store(&ctx)
	defer forgetful.now.Store(&s.ended)
	return call(forgetful, request)
}

// ValidateResourceConfig implements tfprotov6.ProviderServer, as do the others.
func (s *server) ValidateResourceConfig(ctx context.Context, request *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ValidateResourceConfig)
}

func (s *server) UpgradeResourceState(ctx context.Context, request *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return during(ctx, s, request, s.ProviderServer.UpgradeResourceState)
}

func (s *server) UpgradeResourceIdentity(ctx context.Context, request *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return during(ctx, s, request, s.ProviderServer.UpgradeResourceIdentity)
}

func (s *server) ReadResource(ctx context.Context, request *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ReadResource)
}

func (s *server) PlanResourceChange(ctx context.Context, request *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return during(ctx, s, request, s.ProviderServer.PlanResourceChange)
}

func (s *server) ApplyResourceChange(ctx context.Context, request *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ApplyResourceChange)
}

func (s *server) ImportResourceState(ctx context.Context, request *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ImportResourceState)
}

func (s *server) ValidateDataResourceConfig(ctx context.Context, request *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ValidateDataResourceConfig)
}

func (s *server) ReadDataSource(ctx context.Context, request *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return during(ctx, s, request, s.ProviderServer.ReadDataSource)
}
