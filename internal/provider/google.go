package provider

import (
	"fmt"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// The environment variables of Google Cloud's block: those of the vendor's own
// Terraform provider and tools.
const (
	EnvGoogleProject      = "GOOGLE_PROJECT"
	EnvGoogleCloudProject = "GOOGLE_CLOUD_PROJECT"
	EnvGoogleCredentials  = "GOOGLE_CREDENTIALS"
	EnvGoogleDefaultFile  = "GOOGLE_APPLICATION_CREDENTIALS"
	EnvGoogleAccessToken  = "GOOGLE_OAUTH_ACCESS_TOKEN"
	EnvGoogleEndpoint     = "GOOGLE_COMPUTE_CUSTOM_ENDPOINT"
	// The addresses at which the policies of keys are read; the vendor's own
	// unless Compute Engine's address is another.
	EnvGoogleKMSEndpoint             = "GOOGLE_KMS_CUSTOM_ENDPOINT"
	EnvGoogleResourceManagerEndpoint = "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT"
)

// googleRequestsPerMinute is what is spent of Compute Engine's request quotas:
// its groups (changes, reads, lists, operations) have 1,500 a minute and
// project each
// (https://cloud.google.com/compute/docs/api-rate-limits), no answer tells how
// much is left, and a twentieth is left to others.
const googleRequestsPerMinute = 1500 * 19 / 20

// GoogleConfig is the access to one project at Google Cloud.
type GoogleConfig struct {
	// Project is the project's id; empty lets the credentials say it.
	Project string
	// AccessToken is used as it is, if there is one; otherwise Credentials (a
	// JSON text, or the path of a file with one) makes tokens; without either
	// the machine's Application Default Credentials do.
	AccessToken, Credentials string
	// Unknown says that one of these has a value that is not known yet.
	Unknown bool
	// Endpoint is the API's base URL; empty for the vendor's own.
	Endpoint string
	// KMSEndpoint and ResourceManagerEndpoint are those of the services that
	// tell who may use a key; see google.Options.
	KMSEndpoint, ResourceManagerEndpoint string
	// StorageEndpoint is Cloud Storage's base URL; empty for the vendor's own.
	StorageEndpoint string
}

type googleModel struct {
	Project         types.String `tfsdk:"project"`
	Credentials     types.String `tfsdk:"credentials"`
	AccessToken     types.String `tfsdk:"access_token"`
	Endpoint        types.String `tfsdk:"endpoint"`
	StorageEndpoint types.String `tfsdk:"storage_endpoint"`
}

func googleBlock() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "Access to Google Cloud. It is needed once something stands in a `google/…` location; nothing is asked before that.",
		Attributes: map[string]schema.Attribute{
			"project": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Id of the project in which everything stands. Also `" + EnvGoogleProject + "` or `" + EnvGoogleCloudProject + "`. " +
					"Default: the project that a service account's key names.",
			},
			"credentials": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "Credentials as JSON, or the path of a file that holds them: a service account's key, or what `gcloud auth application-default login` writes. " +
					"Also `" + EnvGoogleCredentials + "` or `" + EnvGoogleDefaultFile + "`. Default: the machine's Application Default Credentials.",
			},
			"access_token": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "A short-lived OAuth 2.0 access token, instead of `credentials`. It is not renewed. Also `" + EnvGoogleAccessToken + "`.",
			},
			"endpoint": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Base URL of the Compute Engine API, to use the embedded cloud (`… sim`) or a proxy. Also `" + EnvGoogleEndpoint + "`. Default: the vendor's own.",
			},
			"storage_endpoint": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Base URL of the Cloud Storage API, for backup buckets. Also `" + EnvGoogleStorageEndpoint + "`. Default: the vendor's own, unless `endpoint` is another: then there are no buckets without it.",
			},
		},
	}
}

// resolve gives nil where there is neither the block nor a project.
func (m *googleModel) resolve(getenv func(string) string, diags *diag.Diagnostics) *GoogleConfig {
	if m == nil {
		if getenv(EnvGoogleProject) == "" && getenv(EnvGoogleCloudProject) == "" {
			return nil
		}
		m = &googleModel{}
	}
	if service.Known(m.Credentials) && service.Known(m.AccessToken) {
		diags.AddAttributeError(path.Root("google").AtName("access_token"), "Two ways to log in", "Give either access_token or credentials.")
	}
	account := &GoogleConfig{
		Project:                 or(m.Project, getenv, EnvGoogleProject),
		Endpoint:                or(m.Endpoint, getenv, EnvGoogleEndpoint),
		StorageEndpoint:         or(m.StorageEndpoint, getenv, EnvGoogleStorageEndpoint),
		KMSEndpoint:             getenv(EnvGoogleKMSEndpoint),
		ResourceManagerEndpoint: getenv(EnvGoogleResourceManagerEndpoint),
		Unknown:                 m.Project.IsUnknown() || m.Credentials.IsUnknown() || m.AccessToken.IsUnknown() || m.Endpoint.IsUnknown() || m.StorageEndpoint.IsUnknown(),
	}
	if m.Project.IsNull() && account.Project == "" {
		account.Project = getenv(EnvGoogleCloudProject)
	}
	// What the block says goes before what the environment says.
	switch {
	case !m.AccessToken.IsNull():
		account.AccessToken = m.AccessToken.ValueString()
	case !m.Credentials.IsNull():
		account.Credentials = m.Credentials.ValueString()
	default:
		account.AccessToken = getenv(EnvGoogleAccessToken)
		for _, variable := range []string{EnvGoogleCredentials, EnvGoogleDefaultFile} {
			if account.Credentials == "" {
				account.Credentials = getenv(variable)
			}
		}
	}
	checkEndpoint("google", account.Endpoint, "https://compute.googleapis.com/compute/v1/", diags)
	checkEndpointAt("google", "storage_endpoint", account.StorageEndpoint, google.StorageEndpoint, diags)
	for variable, endpoint := range map[string]string{EnvGoogleKMSEndpoint: account.KMSEndpoint, EnvGoogleResourceManagerEndpoint: account.ResourceManagerEndpoint} {
		if at, err := url.Parse(endpoint); endpoint != "" && (err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https") {
			diags.AddError("Not a URL", fmt.Sprintf("%s is %q. Write it like https://cloudkms.googleapis.com/v1/, or leave it out.", variable, endpoint))
		}
	}
	return account
}

func (c *clouds) google() (cloud.Driver, error) {
	account := c.config.Google
	switch {
	case account == nil:
		return nil, noAccount(google.Name, "the provider's configuration has no google block and "+EnvGoogleProject+" is not set",
			`Add google { project = "…" } to the provider "holdfast" block.`)
	case account.Unknown:
		unknown := noAccount(google.Name, "a value of the provider's google block is not known yet",
			"Apply what makes it first (terraform apply -target=…), or give it in the environment.")
		unknown.Err = service.ErrNotYetKnown
		return nil, unknown
	}
	login, err := newGoogleLogin(*account, c.config.Transport)
	if err != nil {
		return nil, err
	}
	project := account.Project
	if project == "" {
		project = login.project
	}
	if project == "" {
		return nil, noAccount(google.Name, "the google block has no project, "+EnvGoogleProject+" is not set, and the credentials name none",
			"Set project in the google block, or "+EnvGoogleProject+", to the project's id.")
	}
	bucket := budget.NewRateBucket(c.config.Clock, googleRequestsPerMinute)
	return google.New(google.Options{
		Project:     project,
		Endpoint:    account.Endpoint,
		KMSEndpoint: account.KMSEndpoint, ResourceManagerEndpoint: account.ResourceManagerEndpoint,
		Version:    c.config.Version,
		HTTPClient: budget.NewHTTPClient(budget.HTTPOptions{Bucket: bucket, Base: login}),
		// Cloud Storage has no quota of requests a minute that a bucket must keep.
		StorageEndpoint: account.StorageEndpoint,
		StorageClient:   budget.NewHTTPClient(budget.HTTPOptions{Bucket: budget.NewBucket(c.config.Clock), Base: login}),
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return budget.NewWaiter(poller, c.config.Clock, bucket.Pressure)
		},
		Lost:   c.config.Lost.Contains,
		Logger: c.config.Logger,
	})
}
