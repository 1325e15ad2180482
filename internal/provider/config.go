package provider

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// The environment variables that stand in for what the provider block leaves
// out.
const (
	EnvDeployment = "HOLDFAST_DEPLOYMENT"
	// EnvLostLocations is comma separated.
	EnvLostLocations = "HOLDFAST_LOST_LOCATIONS"
	// EnvHetznerToken and EnvHetznerEndpoint are those of the vendor's own
	// tools.
	EnvHetznerToken    = "HCLOUD_TOKEN"
	EnvHetznerEndpoint = "HCLOUD_ENDPOINT"
)

// Config is the configuration in plain values, for who makes the drivers.
type Config struct {
	// Version is the provider's own.
	Version    string
	Deployment string
	Lost       cloud.LostSet
	// Hetzner is nil where neither the block nor a token in the environment is.
	Hetzner *HetznerConfig
	// Google is nil where neither the block nor a project in the environment is.
	Google *GoogleConfig
}

// model is the provider block.
type model struct {
	Deployment    types.String  `tfsdk:"deployment"`
	LostLocations types.Set     `tfsdk:"lost_locations"`
	Hetzner       *hetznerModel `tfsdk:"hetzner"`
	Google        *googleModel  `tfsdk:"google"`
}

type hetznerModel struct {
	Token         types.String        `tfsdk:"token"`
	Endpoint      types.String        `tfsdk:"endpoint"`
	ObjectStorage *objectStorageModel `tfsdk:"object_storage"`
}

// resolve judges the provider block and fills in from the environment.
func (m model) resolve(known *catalog.Catalog, getenv func(string) string, diags *diag.Diagnostics) Config {
	config := Config{Deployment: m.deployment(getenv, diags), Lost: m.lost(known, getenv, diags)}
	config.Hetzner = m.Hetzner.resolve(getenv, diags)
	config.Google = m.Google.resolve(getenv, diags)
	return config
}

// resolve gives nil where there is neither the block nor a token.
func (m *hetznerModel) resolve(getenv func(string) string, diags *diag.Diagnostics) *HetznerConfig {
	if m == nil {
		if getenv(EnvHetznerToken) == "" {
			return nil
		}
		m = &hetznerModel{}
	}
	account := &HetznerConfig{
		Token:        or(m.Token, getenv, EnvHetznerToken),
		Endpoint:     or(m.Endpoint, getenv, EnvHetznerEndpoint),
		TokenUnknown: m.Token.IsUnknown() || m.Endpoint.IsUnknown(),
	}
	account.ObjectStorage = m.ObjectStorage.resolve(getenv, diags)
	checkEndpoint("hetzner", account.Endpoint, "https://api.hetzner.cloud/v1", diags)
	return account
}

// checkEndpoint refuses what is not the base URL of an API; none is one.
func checkEndpoint(block, endpoint, example string, diags *diag.Diagnostics) {
	checkEndpointAt(block, "endpoint", endpoint, example, diags)
}

func checkEndpointAt(block, attribute, endpoint, example string, diags *diag.Diagnostics) {
	if endpoint == "" {
		return
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		diags.AddAttributeError(path.Root(block).AtName(attribute), "Not a URL",
			fmt.Sprintf("%q is not the base URL of an API: write it with its scheme and version, such as %q.", endpoint, example))
	}
}

// or gives the attribute's value, or the variable's where it is absent.
func or(value types.String, getenv func(string) string, variable string) string {
	if value.IsNull() {
		return getenv(variable)
	}
	return value.ValueString()
}

func (m model) deployment(getenv func(string) string, diags *diag.Diagnostics) string {
	if m.Deployment.IsUnknown() {
		diags.AddAttributeError(path.Root("deployment"), "Deployment not known yet",
			"The name of the deployment depends on a value that is known only after apply. Every object is found by it, so it must be known at plan: write it as a text or a variable.")
		return ""
	}
	name := or(m.Deployment, getenv, EnvDeployment)
	if name == "" {
		diags.AddAttributeError(path.Root("deployment"), "Deployment missing",
			"Every object carries the name of the deployment that owns it. Set deployment in the provider block, or "+EnvDeployment+", to a name that stays the same, such as \"acme-eu\".")
		return ""
	}
	if err := cloud.CheckName(name); err != nil {
		diags.AddAttributeError(path.Root("deployment"), "Invalid deployment", err.Error())
	}
	return name
}

func (m model) lost(known *catalog.Catalog, getenv func(string) string, diags *diag.Diagnostics) cloud.LostSet {
	attribute := path.Root("lost_locations")
	var entries []string
	if m.LostLocations.IsNull() {
		for entry := range strings.SplitSeq(getenv(EnvLostLocations), ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				entries = append(entries, entry)
			}
		}
	}
	unknown := m.LostLocations.IsUnknown()
	for _, element := range m.LostLocations.Elements() {
		text, ok := element.(types.String)
		unknown = unknown || !ok || text.IsUnknown()
		if ok && text.IsNull() {
			diags.AddAttributeError(attribute, "Lost location is null", "Leave the entry out.")
			continue
		}
		entries = append(entries, text.ValueString())
	}
	if unknown {
		diags.AddAttributeError(attribute, "Lost locations not known yet",
			"Which locations are lost decides what the plan does, so it must be known at plan: write it as a list or a variable.")
		return cloud.LostSet{}
	}
	set, err := cloud.ParseLost(entries)
	for _, one := range unjoin(err) {
		diags.AddAttributeError(attribute, "Not a location", one.Error())
	}
	for _, entry := range entries {
		if err := exists(known, entry); err != nil {
			diags.AddAttributeError(attribute, "Unknown location", err.Error())
		}
	}
	return set
}

// exists refuses well-formed entries that name nothing: a slip of the pen
// would leave the dead location in use.
func exists(known *catalog.Catalog, entry string) error {
	if name, ok := strings.CutSuffix(entry, "/*"); ok {
		if _, err := known.Select(catalog.Filter{Cloud: name}); err != nil {
			return fmt.Errorf("%q: %w", entry, err)
		}
		return nil
	}
	location, err := cloud.ParseLocation(entry)
	if err != nil {
		return nil // ParseLost has reported it
	}
	_, err = known.Lookup(location)
	return err
}

func unjoin(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// CloudsFunc makes the drivers of a configuration. It contacts nobody; a
// driver is made when it is first asked for.
type CloudsFunc func(Config) service.Clouds
