// Command nullprovider has Holdfast's schema and does nothing: it reads what
// the state holds and plans what the configuration says. A plan with it takes
// the time that Terraform itself needs.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
)

func main() {
	address := "registry.terraform.io/holdfast-cloud/holdfast"
	if err := tf6server.Serve(address, newServer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// server answers the calls that a plan makes once a resource; schemas,
// configuration and data sources are Holdfast's own.
type server struct {
	tfprotov6.ProviderServer
	types map[string]tftypes.Type
}

func newServer() tfprotov6.ProviderServer {
	real := providerserver.NewProtocol6(provider.New("null")())()
	s := &server{ProviderServer: real, types: map[string]tftypes.Type{}}
	schema, err := real.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, resource := range schema.ResourceSchemas {
		s.types[name] = resource.ValueType()
	}
	return s
}

func (s *server) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, request *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	valueType, ok := s.types[request.TypeName]
	if !ok {
		return nil, fmt.Errorf("no resource %s", request.TypeName)
	}
	value, err := request.RawState.Unmarshal(valueType)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov6.NewDynamicValue(valueType, value)
	if err != nil {
		return nil, err
	}
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &state}, nil
}

func (s *server) ReadResource(_ context.Context, request *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return &tfprotov6.ReadResourceResponse{NewState: request.CurrentState, Private: request.Private, NewIdentity: request.CurrentIdentity}, nil
}

func (s *server) PlanResourceChange(_ context.Context, request *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: request.ProposedNewState, PlannedPrivate: request.PriorPrivate, PlannedIdentity: request.PriorIdentity}, nil
}
