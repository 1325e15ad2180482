package google

import (
	"context"
	"errors"
	"net/http"
	"strings"

	compute "cloud.google.com/go/compute/apiv1"
	"google.golang.org/api/option"
)

// api holds the vendor's REST clients. Making them contacts nobody.
type api struct {
	networks         *compute.NetworksClient
	subnetworks      *compute.SubnetworksClient
	routes           *compute.RoutesClient
	firewalls        *compute.FirewallsClient
	projects         *compute.ProjectsClient
	disks            *compute.DisksClient
	instances        *compute.InstancesClient
	machineTypes     *compute.MachineTypesClient
	images           *compute.ImagesClient
	globalOperations *compute.GlobalOperationsClient
	regionOperations *compute.RegionOperationsClient
	zoneOperations   *compute.ZoneOperationsClient
}

// newAPI makes the clients over one HTTP client. What the SDK would repeat by
// itself, and its time limits, are switched off: the HTTP client below repeats
// requests, and a request may queue for long while the rate is limited.
func newAPI(endpoint string, client *http.Client) (*api, error) {
	options := []option.ClientOption{option.WithHTTPClient(client)}
	if endpoint != "" {
		options = append(options, option.WithEndpoint(baseURL(endpoint)))
	}
	a := &api{}
	return a, errors.Join(
		build(&a.networks, compute.NewNetworksRESTClient, options, func(c *compute.NetworksClient) { *c.CallOptions = compute.NetworksCallOptions{} }),
		build(&a.subnetworks, compute.NewSubnetworksRESTClient, options, func(c *compute.SubnetworksClient) { *c.CallOptions = compute.SubnetworksCallOptions{} }),
		build(&a.routes, compute.NewRoutesRESTClient, options, func(c *compute.RoutesClient) { *c.CallOptions = compute.RoutesCallOptions{} }),
		build(&a.firewalls, compute.NewFirewallsRESTClient, options, func(c *compute.FirewallsClient) { *c.CallOptions = compute.FirewallsCallOptions{} }),
		build(&a.projects, compute.NewProjectsRESTClient, options, func(c *compute.ProjectsClient) { *c.CallOptions = compute.ProjectsCallOptions{} }),
		build(&a.disks, compute.NewDisksRESTClient, options, func(c *compute.DisksClient) { *c.CallOptions = compute.DisksCallOptions{} }),
		build(&a.instances, compute.NewInstancesRESTClient, options, func(c *compute.InstancesClient) { *c.CallOptions = compute.InstancesCallOptions{} }),
		build(&a.machineTypes, compute.NewMachineTypesRESTClient, options, func(c *compute.MachineTypesClient) { *c.CallOptions = compute.MachineTypesCallOptions{} }),
		build(&a.images, compute.NewImagesRESTClient, options, func(c *compute.ImagesClient) { *c.CallOptions = compute.ImagesCallOptions{} }),
		build(&a.globalOperations, compute.NewGlobalOperationsRESTClient, options, func(c *compute.GlobalOperationsClient) { *c.CallOptions = compute.GlobalOperationsCallOptions{} }),
		build(&a.regionOperations, compute.NewRegionOperationsRESTClient, options, func(c *compute.RegionOperationsClient) { *c.CallOptions = compute.RegionOperationsCallOptions{} }),
		build(&a.zoneOperations, compute.NewZoneOperationsRESTClient, options, func(c *compute.ZoneOperationsClient) { *c.CallOptions = compute.ZoneOperationsCallOptions{} }),
	)
}

func build[C any](into **C, open func(context.Context, ...option.ClientOption) (*C, error), options []option.ClientOption, plain func(*C)) error {
	client, err := open(context.Background(), options...)
	if err != nil {
		return err
	}
	plain(client)
	*into = client
	return nil
}

// baseURL takes off an endpoint what the SDK appends: the vendor's Terraform
// provider wants it there (https://host/compute/v1/), the SDK does not.
func baseURL(endpoint string) string {
	return strings.TrimSuffix(strings.TrimRight(endpoint, "/"), "/compute/v1")
}

// userAgent names this program in every request.
type userAgent struct {
	base http.RoundTripper
	name string
}

func (t userAgent) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", t.name)
	return t.base.RoundTrip(request)
}

// partialSuccess asks every aggregated list for what can be reached: without
// the parameter, which the SDK's requests do not have, one zone that does not
// answer fails the list of all (see scopes for what is missing then).
type partialSuccess struct{ base http.RoundTripper }

func (t partialSuccess) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet && strings.Contains(request.URL.Path, "/aggregated/") {
		request = request.Clone(request.Context())
		query := request.URL.Query()
		query.Set("returnPartialSuccess", "true")
		request.URL.RawQuery = query.Encode()
	}
	return t.base.RoundTrip(request)
}

// named gives a client that does as the given one, names this program, and
// asks for partial lists.
func named(client *http.Client, version string) *http.Client {
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	copied := *client
	copied.Transport = userAgent{base: partialSuccess{base}, name: "terraform-provider-holdfast/" + version}
	return &copied
}
