package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// The environment variables of Hetzner's Object Storage, which the vendor's own
// tools have no names for, and of Cloud Storage's address, which is that of the
// vendor's Terraform provider.
const (
	EnvHetznerS3AccessKey    = "HCLOUD_S3_ACCESS_KEY"
	EnvHetznerS3SecretKey    = "HCLOUD_S3_SECRET_KEY"
	EnvHetznerS3Endpoint     = "HCLOUD_S3_ENDPOINT"
	EnvGoogleStorageEndpoint = "GOOGLE_STORAGE_CUSTOM_ENDPOINT"
)

// ObjectStorageConfig is the access to Hetzner's Object Storage: without keys,
// everything works but buckets.
type ObjectStorageConfig struct {
	AccessKey, SecretKey string
	// Endpoint is a location's endpoint with {location} for its name; empty for
	// the vendor's own.
	Endpoint string
	// Unknown says that the configuration has one of these, whose value is not
	// known yet.
	Unknown bool
}

type objectStorageModel struct {
	AccessKey types.String `tfsdk:"access_key"`
	SecretKey types.String `tfsdk:"secret_key"`
	Endpoint  types.String `tfsdk:"endpoint"`
}

func objectStorageBlock() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "Access to Object Storage, which the API's token does not open. It is needed for backup buckets in `hetzner/…` locations. The keys are never kept in the state.",
		Attributes: map[string]schema.Attribute{
			"access_key": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Access key of a pair of S3 keys of the project, which the Hetzner Cloud Console makes. Also `" +
					EnvHetznerS3AccessKey + "`.",
			},
			"secret_key": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "Secret key of the pair. Also `" + EnvHetznerS3SecretKey + "`.",
			},
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "URL of a location's endpoint, in which `{location}` stands for the location's name, to use the embedded store (`http://127.0.0.1:8080/s3/{location}`) or a proxy. Also `" +
					EnvHetznerS3Endpoint + "`. Default: `" + hetzner.ObjectStorageEndpoint + "`.",
			},
		},
	}
}

// resolve takes from the environment what the block leaves out. A pair is not
// put together from both.
func (m *objectStorageModel) resolve(getenv func(string) string, diags *diag.Diagnostics) ObjectStorageConfig {
	if m == nil {
		m = &objectStorageModel{}
	}
	at := path.Root("hetzner").AtName("object_storage")
	if m.AccessKey.IsNull() != m.SecretKey.IsNull() {
		diags.AddAttributeError(at, "Half a pair of keys", "Give access_key and secret_key, or neither: then "+EnvHetznerS3AccessKey+" and "+EnvHetznerS3SecretKey+" hold them.")
	}
	storage := ObjectStorageConfig{
		AccessKey: or(m.AccessKey, getenv, EnvHetznerS3AccessKey),
		SecretKey: or(m.SecretKey, getenv, EnvHetznerS3SecretKey),
		Endpoint:  or(m.Endpoint, getenv, EnvHetznerS3Endpoint),
		Unknown:   m.AccessKey.IsUnknown() || m.SecretKey.IsUnknown() || m.Endpoint.IsUnknown(),
	}
	if err := hetzner.CheckObjectStorageEndpoint(storage.Endpoint); err != nil {
		diags.AddAttributeError(at.AtName("endpoint"), "Not an endpoint", err.Error())
	}
	return storage
}

// objectStorage is the driver's access, with a budget of its own: the store has
// other limits than the API.
func (c *clouds) objectStorage() hetzner.ObjectStorage {
	account := c.config.Hetzner.ObjectStorage
	storage := hetzner.ObjectStorage{AccessKey: account.AccessKey, SecretKey: account.SecretKey, Endpoint: account.Endpoint,
		HTTPClient: budget.NewHTTPClient(budget.HTTPOptions{Bucket: budget.NewBucket(c.config.Clock), Base: c.config.Transport})}
	if account.Unknown {
		unknown := noAccount(hetzner.Name, "a value of the provider's hetzner.object_storage is not known yet",
			"Apply what makes it first (terraform apply -target=…), or give the keys as "+EnvHetznerS3AccessKey+" and "+EnvHetznerS3SecretKey+".")
		unknown.Err = service.ErrNotYetKnown
		storage.Missing = unknown
	}
	return storage
}
