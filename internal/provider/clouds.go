package provider

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// CloudsConfig is what the drivers are made of.
type CloudsConfig struct {
	// Deployment owns what is created; reads of its objects are coalesced.
	Deployment string
	// Version of the provider, for the User-Agent.
	Version string
	// Lost holds the locations that the operator declared dead: what is missing
	// there is not taken for a failure of the cloud.
	Lost cloud.LostSet
	// Hetzner is nil where the configuration has no hetzner block, Google where
	// it has no google block.
	Hetzner *HetznerConfig
	Google  *GoogleConfig
	// Transport sends the requests; nil means Go's own with its defaults,
	// which honour the proxy environment.
	Transport http.RoundTripper
	// Clock meters requests and waits; nil means the machine's.
	Clock budget.Clock
	// Logger hears of retries and adoptions; nil means nobody does.
	Logger *slog.Logger
}

// HetznerConfig is the account at Hetzner Cloud.
type HetznerConfig struct {
	// Token is the API token of one project; TokenUnknown says that the
	// configuration has one whose value is not known yet.
	Token        string
	TokenUnknown bool
	// Endpoint is the API's base URL with its version; empty for the
	// vendor's own.
	Endpoint string
	// ObjectStorage is the access to buckets, which is another one.
	ObjectStorage ObjectStorageConfig
}

// clouds makes each driver at its first use.
type clouds struct {
	config CloudsConfig
	makers map[string]func() (cloud.Driver, error)
	mu     sync.Mutex
	made   map[string]cloud.Driver
}

// NewClouds gives the drivers of all clouds; it contacts nobody.
func NewClouds(config CloudsConfig) service.Clouds {
	if config.Clock == nil {
		config.Clock = budget.SystemClock{}
	}
	c := &clouds{config: config, made: map[string]cloud.Driver{}}
	c.makers = map[string]func() (cloud.Driver, error){
		hetzner.Name: c.hetzner,
		google.Name:  c.google,
	}
	return c
}

// Driver implements service.Clouds. A driver that could not be made is tried
// again at the next use: its configuration may have become known.
func (c *clouds) Driver(name string) (cloud.Driver, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if driver, ok := c.made[name]; ok {
		return driver, nil
	}
	maker, ok := c.makers[name]
	if !ok {
		return nil, &cloud.Error{Code: cloud.CodeUnsupported, Cloud: name, Doing: "find the driver", Field: "location",
			Message: "this version of Holdfast has no driver for the cloud", Remedy: "Use a location of another cloud."}
	}
	driver, err := maker()
	if err != nil {
		return nil, err
	}
	driver = budget.Wrap(driver, c.config.Clock, c.config.Deployment)
	c.made[name] = driver
	return driver, nil
}

// noAccount says what is missing to use a cloud's account.
func noAccount(name, message, remedy string) *cloud.Error {
	return &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: name, Doing: "use the account", Message: message, Remedy: remedy}
}

func (c *clouds) hetzner() (cloud.Driver, error) {
	account := c.config.Hetzner
	missing := func(message, remedy string) *cloud.Error { return noAccount(hetzner.Name, message, remedy) }
	switch {
	case account == nil:
		return nil, missing("the provider's configuration has no hetzner block and HCLOUD_TOKEN is not set",
			`Add hetzner {} to the provider "holdfast" block and give the project's API token as HCLOUD_TOKEN.`)
	case account.TokenUnknown:
		unknown := missing("the provider's hetzner.token is not known yet",
			"Apply what makes the token first (terraform apply -target=…), or give it as HCLOUD_TOKEN.")
		unknown.Err = service.ErrNotYetKnown
		return nil, unknown
	case account.Token == "":
		return nil, missing("the hetzner block has no token and HCLOUD_TOKEN is not set",
			"Set HCLOUD_TOKEN to an API token of the project, or hetzner.token to a variable that holds it.")
	}
	bucket := budget.NewBucket(c.config.Clock)
	return hetzner.New(hetzner.Options{
		Token:      account.Token,
		Endpoint:   strings.TrimSuffix(account.Endpoint, "/"),
		Version:    c.config.Version,
		HTTPClient: budget.NewHTTPClient(budget.HTTPOptions{Bucket: bucket, Base: c.config.Transport}),
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return budget.NewWaiter(poller, c.config.Clock, bucket.Pressure)
		},
		ObjectStorage: c.objectStorage(),
		Lost:          c.config.Lost.Contains,
		Logger:        c.config.Logger,
	})
}
