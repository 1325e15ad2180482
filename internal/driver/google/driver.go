package google

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"golang.org/x/sync/singleflight"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/retry"
)

// Name is the cloud's short name, the first part of its locations.
const Name = "google"

// Bounds that the vendor documents: balanced persistent disks
// (cloud.google.com/compute/docs/disks/persistent-disks: 10 GB to 64 TB), and
// the value of one metadata entry (cloud.google.com/compute/docs/metadata/
// setting-custom-metadata, Limitations: 256 KB), in which user data travels.
const (
	minVolumeGB      = 10
	maxVolumeGB      = 65536
	maxUserDataBytes = 256 * 1024
)

// Options configure a Driver.
type Options struct {
	// Project is the id of the Google Cloud project in which everything
	// stands.
	Project string
	// Endpoint is the API's base URL, with or without /compute/v1; empty for
	// the vendor's own.
	Endpoint string
	// KMSEndpoint is the base URL of Cloud KMS with its version, and
	// ResourceManagerEndpoint that of the Resource Manager with or without one.
	// Empty means the vendor's own, where Endpoint is empty too, and otherwise
	// that the policies of keys are not looked at.
	KMSEndpoint, ResourceManagerEndpoint string
	// StorageEndpoint is the base URL of Cloud Storage, with or without
	// /storage/v1. Empty means the vendor's own, where Endpoint is empty too, and
	// otherwise that there are no buckets.
	StorageEndpoint string
	// StorageClient sends the requests to Cloud Storage, which has a request rate
	// of its own; nil means HTTPClient.
	StorageClient *http.Client
	// Now is the time by which retentions of objects end; nil means the
	// machine's.
	Now func() time.Time
	// Version of this program, for the User-Agent.
	Version string
	// HTTPClient sends the requests. It is expected to add the credentials,
	// to keep the request rate, and to repeat what rate limits, 5xx and broken
	// connections refused: the driver itself repeats conflicts only.
	HTTPClient *http.Client
	// NewWaiter makes the Waiter that all waiting goes through.
	NewWaiter func(cloud.OperationPoller) cloud.Waiter
	// Lost tells which locations the operator has declared lost. A list that
	// lacks what stands in one of them is complete; one that lacks any other
	// place is an error. Nil: none is lost.
	Lost func(cloud.Location) bool
	// Sleep pauses for a retry; nil means a timer. It returns the context's
	// error if that ends first.
	Sleep func(context.Context, time.Duration) error
	// Logger hears of retries and adoptions; nil means nobody does.
	Logger *slog.Logger
}

// Driver implements cloud.Driver for one Google Cloud project.
type Driver struct {
	project string
	api     *api
	catalog *catalog.Catalog
	waiter  cloud.Waiter
	lost    func(cloud.Location) bool
	sleep   func(context.Context, time.Duration) error
	log     *slog.Logger
	types   typeCache
	// shared joins those who wait for the same request: a subnetwork that gets
	// IPv6, the project's keys.
	shared singleflight.Group
	// full holds subnetworks that have no free address.
	full usedUp
	// diskTypes holds the types of the volumes that this run has seen.
	diskTypes diskTypes
	// metadata is the project's, which holds the SSH keys.
	metadata *projectMetadata
	anchors  anchors
	grants   *grants
	removals removals
	// copies are the turns of who copies a firewall into a network.
	copies turns
	// What the callers of one run share.
	rules   *index[*computepb.Firewall]
	subnets *index[*computepb.Subnetwork]
	routes  *index[*computepb.Route]
	tagged  *index[*computepb.Instance]

	sshKeys   cloud.SSHKeys
	networks  cloud.Networks
	firewalls cloud.Firewalls
	volumes   cloud.Volumes
	vms       cloud.VMs
	images    cloud.Images
	buckets   *buckets
}

var (
	_ cloud.OperationPoller = (*Driver)(nil)
	_ cloud.BucketDriver    = (*Driver)(nil)
	_ cloud.ImageDriver     = (*Driver)(nil)
)

// projectPattern is what a project id looks like, with or without the domain
// of an old one ("example.com:name").
var projectPattern = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// New makes a driver. It contacts nobody.
func New(options Options) (*Driver, error) {
	if !projectPattern.MatchString(options.Project) {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Doing: "read the project", Field: "project",
			Message: fmt.Sprintf("%q is not the id of a project", options.Project),
			Remedy:  "Set project in the provider's google block, or GOOGLE_PROJECT, to the project's id (not its name or number)."}
	}
	if options.HTTPClient == nil || options.NewWaiter == nil {
		return nil, errors.New("google: Options.HTTPClient and Options.NewWaiter are required")
	}
	locations, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	client := named(options.HTTPClient, options.Version)
	clients, err := newAPI(options.Endpoint, client)
	if err != nil {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Doing: "read the endpoint", Field: "endpoint", Message: err.Error(), Err: err}
	}
	d := &Driver{
		project: options.Project,
		api:     clients,
		catalog: locations,
		lost:    options.Lost,
		sleep:   options.Sleep,
		log:     options.Logger,
	}
	if d.sleep == nil {
		d.sleep = retry.Sleep
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.waiter = options.NewWaiter(d)
	d.metadata = newProjectMetadata(d)
	d.grants = &grants{d: d, read: newPolicyReader(client, options)}
	d.rules = newIndex((*computepb.Firewall).GetName, d.listRules)
	d.subnets = newIndex(subnetKey, d.listSubnets)
	d.routes = newIndex((*computepb.Route).GetName, d.listRoutes)
	d.tagged = newIndex(vmKey, d.listTagged)
	d.sshKeys = &store[cloud.SSHKeySpec, keyItem, cloud.SSHKey]{d: d, noun: sshKeys{d}}
	d.networks = &store[cloud.NetworkSpec, vpc, cloud.Network]{d: d, noun: networks{d}}
	d.firewalls = &store[cloud.FirewallSpec, ruleSet, cloud.Firewall]{d: d, noun: firewalls{d}}
	d.volumes = &store[cloud.VolumeSpec, *computepb.Disk, cloud.Volume]{d: d, noun: volumes{d}}
	d.vms = newVMStore(d)
	d.images = newImageStore(d)
	d.buckets = newBuckets(d, options)
	return d, nil
}

// Cloud implements cloud.Driver.
func (d *Driver) Cloud() string { return Name }

// Capabilities implements cloud.Driver.
func (d *Driver) Capabilities() cloud.Capabilities {
	return cloud.Capabilities{
		Global:           map[cloud.Kind]bool{cloud.KindSSHKey: true, cloud.KindImage: true},
		Protectable:      map[cloud.Kind]bool{cloud.KindVM: true},
		MinVolumeGB:      minVolumeGB,
		MaxVolumeGB:      maxVolumeGB,
		MaxUserDataBytes: maxUserDataBytes,
		// VPC rules belong to one network for good.
		Replaces: map[cloud.Kind][]string{cloud.KindFirewall: {"network_id"}},
		// A VPC has no range of its own: it is kept with the labels.
		Loose: map[cloud.Kind][]string{cloud.KindNetwork: {"cidr"}},
	}
}

// SSHKeys implements cloud.Driver.
func (d *Driver) SSHKeys() cloud.SSHKeys { return d.sshKeys }

// Networks implements cloud.Driver.
func (d *Driver) Networks() cloud.Networks { return d.networks }

// Firewalls implements cloud.Driver.
func (d *Driver) Firewalls() cloud.Firewalls { return d.firewalls }

// Volumes implements cloud.Driver.
func (d *Driver) Volumes() cloud.Volumes { return d.volumes }

// VMs implements cloud.Driver.
func (d *Driver) VMs() cloud.VMs { return d.vms }

// Images implements cloud.ImageDriver.
func (d *Driver) Images() cloud.Images { return d.images }

// Buckets implements cloud.BucketDriver.
func (d *Driver) Buckets() (cloud.Buckets, error) {
	if err := d.buckets.open(); err != nil {
		return nil, err
	}
	return d.buckets, nil
}

// checkNative refuses what cannot be the name of a Compute Engine resource.
func checkNative(native string, kind cloud.Kind) error {
	if nativePattern.MatchString(native) {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: kind, ID: native, Field: "id", Doing: "read the id of " + kind.Noun(),
		Message: fmt.Sprintf("%q is not the name of a Compute Engine resource: up to 63 lower case letters, digits and hyphens, beginning with a letter", native)}
}
