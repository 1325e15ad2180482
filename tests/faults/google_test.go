package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// Where the region stands at Google Cloud, as testdata/google says too.
const (
	googleProject = "faults"
	googleZone    = "europe-west3-a"
	googleRegion  = "europe-west3"
	googleType    = "e2-medium"
	// paidTenants have their firewall in their network; the others' are kept in
	// the anchor network, switched off, and copied.
	paidTenants = 3
	anchor      = "holdfast-faults"
	// rulesEach are the VPC rules of a firewall in one network: IPv4 and IPv6
	// cannot share one.
	rulesEach = 2
)

func onGoogle() vendor {
	return vendor{
		name: simcloud.Google,
		environment: func(base string) []string {
			return []string{"GOOGLE_PROJECT=" + googleProject, "GOOGLE_OAUTH_ACCESS_TOKEN=" + token, "GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + base + "/compute/v1/",
				// A person's own stay out of it.
				"GOOGLE_CREDENTIALS=", "GOOGLE_APPLICATION_CREDENTIALS="}
		},
		runs:      12,
		requests:  36,
		scenarios: googleScenarios(),
		holds: map[string]int{"google_instance": tenants, "google_disk": 2 * tenants, "google_network": tenants + 1, "google_subnetwork": tenants,
			"google_firewall": rulesEach * (tenants + tenants - paidTenants)},
		lasting: []string{"google_instance", "google_disk", "google_network", "google_subnetwork", "google_firewall"},
		// Boot disks and copied rules are made and deleted with their VM.
		passing: func(kind, name string) bool {
			return (kind == "google_disk" || kind == "google_firewall") && !slices.Contains(everyTenant(googleName), name)
		},
		creations: []string{"instances.insert", "disks.insert", "networks.insert", "subnetworks.insert", "firewalls.insert"},
		inspect:   inspectGoogle,
		empty: func(t *testing.T, r *region) {
			t.Helper()
			if keys := r.googleKeys(t); len(keys) > 0 {
				t.Errorf("after destroy the project's metadata still holds %v", keys)
			}
		},
	}
}

// googleName is what a tenant's objects are called there.
func googleName(i int) string { return fmt.Sprintf("t%d-%s", i, googleZone) }

func inspectGoogle(t *testing.T, r *region) map[string]string {
	t.Helper()
	ids := map[string]string{}
	saw := func(resource, name string) {
		if tenant := strings.TrimSuffix(name, "-"+googleZone); tenant != name {
			ids[resource+"."+tenant] = name
		}
	}
	for _, network := range googleList(t, r, compute.NewNetworksRESTClient, func(c *compute.NetworksClient, ctx context.Context) pages[*computepb.Network] {
		return c.List(ctx, &computepb.ListNetworksRequest{Project: googleProject})
	}) {
		saw("holdfast_network", network.GetName())
		if subnets := len(network.GetSubnetworks()); (subnets != 1) != (network.GetName() == anchor) {
			t.Errorf("network %s has %d subnetworks", network.GetName(), subnets)
		}
	}
	for _, disk := range googleList(t, r, compute.NewDisksRESTClient, func(c *compute.DisksClient, ctx context.Context) pages[*computepb.Disk] {
		return c.List(ctx, &computepb.ListDisksRequest{Project: googleProject, Zone: googleZone})
	}) {
		saw("holdfast_volume", disk.GetName())
	}
	for _, instance := range googleList(t, r, compute.NewInstancesRESTClient, func(c *compute.InstancesClient, ctx context.Context) pages[*computepb.Instance] {
		return c.List(ctx, &computepb.ListInstancesRequest{Project: googleProject, Zone: googleZone})
	}) {
		saw("holdfast_vm", instance.GetName())
		connectedGoogle(t, instance)
	}
	for _, tag := range r.googleFirewalls(t) {
		saw("holdfast_firewall", tag)
	}
	if diff := cmp.Diff([]string{"holdfast-ssh-key-admin"}, r.googleKeys(t)); diff != "" {
		t.Errorf("the project's metadata does not hold the key:\n%s", diff)
	} else {
		ids["holdfast_ssh_key"] = "admin"
	}
	return ids
}

// connectedGoogle checks one instance: it runs, behind its firewall, in its
// network, with its volume, and lets its key in.
func connectedGoogle(t *testing.T, instance *computepb.Instance) {
	t.Helper()
	name := instance.GetName()
	has := []string{instance.GetStatus(), last(instance.GetMachineType())}
	for _, nic := range instance.GetNetworkInterfaces() {
		has = append(has, "network "+last(nic.GetNetwork()))
		for _, access := range append(nic.GetAccessConfigs(), nic.GetIpv6AccessConfigs()...) {
			if access.GetNatIP() == "" && access.GetExternalIpv6() == "" {
				t.Errorf("instance %s lacks a public address", name)
			}
			has = append(has, access.GetType())
		}
	}
	for _, tag := range instance.GetTags().GetItems() {
		has = append(has, "firewall "+tag)
	}
	for _, disk := range instance.GetDisks() {
		if !disk.GetBoot() {
			has = append(has, "volume "+last(disk.GetSource()))
		}
	}
	for _, item := range instance.GetMetadata().GetItems() {
		if item.GetKey() == "ssh-keys" {
			has = append(has, strings.Fields(item.GetValue())...)
		}
	}
	want := []string{"RUNNING", googleType, "network " + name, "ONE_TO_ONE_NAT", "DIRECT_IPV6", "firewall " + name, "volume " + name,
		"admin:ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx"}
	if len(has) > len(want) {
		has = has[:len(want)] // whatever comment the key has
	}
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("instance %s is not as declared:\n%s", name, diff)
	}
}

// googleFirewalls compares the VPC rules with the firewalls that are declared,
// and gives the tags of those.
func (r *region) googleFirewalls(t *testing.T) []string {
	t.Helper()
	has := map[string][]string{}
	for _, rule := range googleList(t, r, compute.NewFirewallsRESTClient, func(c *compute.FirewallsClient, ctx context.Context) pages[*computepb.Firewall] {
		return c.List(ctx, &computepb.ListFirewallsRequest{Project: googleProject})
	}) {
		for _, tag := range rule.GetTargetTags() {
			has[tag] = append(has[tag], fmt.Sprintf("%s: disabled=%t, %s %v from %v", last(rule.GetNetwork()), rule.GetDisabled(),
				rule.GetAllowed()[0].GetIPProtocol(), rule.GetAllowed()[0].GetPorts(), rule.GetSourceRanges()))
		}
	}
	want := map[string][]string{}
	for i, tag := range everyTenant(googleName) {
		at := []string{tag + ": disabled=false"}
		if i >= paidTenants {
			at = append(at, anchor+": disabled=true")
		}
		for _, where := range at {
			want[tag] = append(want[tag], where+", tcp [443] from [0.0.0.0/0]", where+", tcp [443] from [::/0]")
		}
	}
	for tag := range has {
		slices.Sort(has[tag])
		slices.Sort(want[tag])
	}
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("the firewalls are not as declared:\n%s", diff)
	}
	return everyTenant(googleName)
}

// googleKeys are the SSH keys in the project's metadata.
func (r *region) googleKeys(t *testing.T) []string {
	t.Helper()
	client, err := compute.NewProjectsRESTClient(t.Context(), r.googleOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	project, err := client.Get(t.Context(), &computepb.GetProjectRequest{Project: googleProject})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, item := range project.GetCommonInstanceMetadata().GetItems() {
		keys = append(keys, item.GetKey())
	}
	return keys
}

func (r *region) googleOptions() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(r.base()), option.WithHTTPClient(&http.Client{Transport: bearer{}})}
}

// bearer logs in with the tests' token.
type bearer struct{}

func (bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultTransport.RoundTrip(request)
}

// pages is an iterator of the vendor's client.
type pages[T any] interface{ Next() (T, error) }

// googleList reads a whole list by the vendor's client.
func googleList[C, T any](t *testing.T, r *region, open func(context.Context, ...option.ClientOption) (C, error), list func(C, context.Context) pages[T]) []T {
	t.Helper()
	client, err := open(t.Context(), r.googleOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	var found []T
	for rows := list(client, t.Context()); ; {
		row, err := rows.Next()
		if err == iterator.Done {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, row)
	}
}

// last is the last element of a resource's URL: its name.
func last(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
