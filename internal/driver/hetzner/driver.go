package hetzner

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/retry"
)

// Name is the cloud's short name, the first part of its locations.
const Name = "hetzner"

// Bounds that the vendor's API description states: volumes in POST /volumes
// (GB), user data in POST /servers (32 KiB).
const (
	minVolumeGB      = 10
	maxVolumeGB      = 10240
	maxUserDataBytes = 32 * 1024
)

// shutdownGrace is how long a guest may take to shut down before it is
// powered off. Debian's service manager gives a service 90 s to stop; most
// machines are off within 20 s.
const shutdownGrace = 90 * time.Second

// Options configure a Driver.
type Options struct {
	// Token is the API token of one Hetzner Cloud project.
	Token string
	// Endpoint is the API's base URL with its version; empty for the
	// vendor's own.
	Endpoint string
	// Version of this program, for the User-Agent.
	Version string
	// HTTPClient sends the requests. It is expected to keep the request
	// limit and to repeat what 429, 5xx and broken connections refused:
	// the driver itself does not.
	HTTPClient *http.Client
	// NewWaiter makes the Waiter that all waiting goes through.
	NewWaiter func(cloud.OperationPoller) cloud.Waiter
	// Sleep pauses for a retry; nil means a timer. It returns the context's
	// error if that ends first.
	Sleep func(context.Context, time.Duration) error
	// ObjectStorage is the access to buckets; without keys there is none.
	ObjectStorage ObjectStorage
	// Lost tells which locations the operator has declared lost: no bucket is
	// looked for there. Nil: none is lost.
	Lost func(cloud.Location) bool
	// Now is the time by which retentions of objects end; nil means the
	// machine's.
	Now func() time.Time
	// Logger hears of retries and adoptions; nil means nobody does.
	Logger *slog.Logger
}

// Driver implements cloud.Driver for one Hetzner Cloud project.
type Driver struct {
	client  *hcloud.Client
	catalog *catalog.Catalog
	waiter  cloud.Waiter
	sleep   func(context.Context, time.Duration) error
	log     *slog.Logger
	types   typeCache
	watches watches

	sshKeys   cloud.SSHKeys
	networks  cloud.Networks
	firewalls cloud.Firewalls
	volumes   cloud.Volumes
	vms       cloud.VMs
	images    cloud.Images
	buckets   *buckets
}

var (
	_ cloud.Driver          = (*Driver)(nil)
	_ cloud.BucketDriver    = (*Driver)(nil)
	_ cloud.ImageDriver     = (*Driver)(nil)
	_ cloud.OperationPoller = (*Driver)(nil)
)

// New makes a driver. It contacts nobody.
func New(options Options) (*Driver, error) {
	if err := checkToken(options.Token); err != nil {
		return nil, err
	}
	if options.HTTPClient == nil || options.NewWaiter == nil {
		return nil, fmt.Errorf("hetzner: Options.HTTPClient and Options.NewWaiter are required")
	}
	locations, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	settings := []hcloud.ClientOption{
		hcloud.WithToken(options.Token),
		hcloud.WithApplication("terraform-provider-holdfast", options.Version),
		hcloud.WithHTTPClient(options.HTTPClient),
		// The HTTP client repeats requests, and knows the request limit.
		hcloud.WithRetryOpts(hcloud.RetryOpts{MaxRetries: 0}),
	}
	if options.Endpoint != "" {
		settings = append(settings, hcloud.WithEndpoint(options.Endpoint))
	}
	d := &Driver{
		client:  hcloud.NewClient(settings...),
		catalog: locations,
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
	d.sshKeys = &store[cloud.SSHKeySpec, *hcloud.SSHKey, cloud.SSHKey]{d: d, noun: sshKeys{d}}
	d.networks = &store[cloud.NetworkSpec, *hcloud.Network, cloud.Network]{d: d, noun: networks{d}}
	d.firewalls = &store[cloud.FirewallSpec, *hcloud.Firewall, cloud.Firewall]{d: d, noun: firewalls{d}}
	d.volumes = &store[cloud.VolumeSpec, *hcloud.Volume, cloud.Volume]{d: d, noun: volumes{d}}
	d.vms = &store[cloud.VMSpec, *hcloud.Server, cloud.VM]{d: d, noun: vms{d}}
	d.images = newImageStore(d)
	d.buckets = newBuckets(options, d.log)
	return d, nil
}

// checkToken refuses what cannot be sent in a header, without echoing it.
func checkToken(token string) error {
	bad := func(message string) error {
		return &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: Name, Doing: "read the API token", Message: message, Field: "token",
			Remedy: "Make a token with read and write permission in the Hetzner Cloud Console (project, Security, API tokens)."}
	}
	if token == "" {
		return bad("it is empty")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return bad("it holds white space or characters that no token has")
	}
	return nil
}

// Cloud implements cloud.Driver.
func (d *Driver) Cloud() string { return Name }

// Capabilities implements cloud.Driver.
func (d *Driver) Capabilities() cloud.Capabilities {
	return cloud.Capabilities{
		Global:           map[cloud.Kind]bool{cloud.KindSSHKey: true, cloud.KindImage: true},
		Protectable:      map[cloud.Kind]bool{cloud.KindNetwork: true, cloud.KindVolume: true, cloud.KindVM: true, cloud.KindImage: true},
		MinVolumeGB:      minVolumeGB,
		MaxVolumeGB:      maxVolumeGB,
		MaxUserDataBytes: maxUserDataBytes,
		// Object lock is switched on when a bucket is made, or never: a bucket
		// that is to become immutable is replaced. A retention that is there
		// grows in place.
		Replaces: map[cloud.Kind][]string{cloud.KindBucket: {"immutable_days"}},
		// Its owner may shorten or clear the default retention of a bucket: what
		// was written keeps its lock, and the bucket its object lock.
		Loose: map[cloud.Kind][]string{cloud.KindBucket: {"immutable_days"}},
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
	if err := d.buckets.usable(); err != nil {
		return nil, err
	}
	return d.buckets, nil
}

// native writes a vendor id as the neutral model keeps it.
func native(id int64) string { return strconv.FormatInt(id, 10) }

// parseNative reads a vendor id; field names the attribute that gave it.
func parseNative(text string, kind cloud.Kind, field string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: kind, ID: text, Field: field,
			Doing: "read the id of " + kind.Noun(), Message: fmt.Sprintf("%q is not a Hetzner Cloud id, which is a positive number", text)}
	}
	return id, nil
}
