package acceptance

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// vaults is a world with the object stores of both clouds.
type vaults struct{ *world }

func newVaults(t *testing.T) vaults {
	t.Helper()
	return vaults{newWorld(t)}
}

// s3Endpoints is what the provider takes as the endpoint of any location of the
// embedded store.
func s3Endpoints(sim *harness.Sim) string {
	return strings.TrimSuffix(sim.HetznerEndpoint(), "/v1") + "/s3/{location}"
}

// store is another client with the same keys: what somebody does behind
// Terraform's back. Other clients take no path, so each location has a port.
func (v vaults) store(t *testing.T, location string) *minio.Client {
	t.Helper()
	at, err := url.Parse(v.S3Endpoint(location))
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(at.Host, &minio.Options{Creds: credentials.NewStaticV4(s3.DefaultAccessKey, s3.DefaultSecretKey, ""), Region: location})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// config puts the provider's configuration before a test's resources.
func (v vaults) config(body string, lost ...string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment     = "acc"
  lost_locations = [%s]
  hetzner {
    endpoint = %q
    token    = %q
    object_storage {
      endpoint   = %q
      access_key = %q
      secret_key = %q
    }
  }
  google {
    project          = %q
    endpoint         = %q
    storage_endpoint = %q
    access_token     = %q
  }
}
%s`, quoted(lost), v.HetznerEndpoint(), token, s3Endpoints(v.Sim), s3.DefaultAccessKey, s3.DefaultSecretKey,
		googleProject, v.GoogleEndpoint(), strings.TrimSuffix(v.HetznerEndpoint(), "/v1")+"/storage/v1/", token, body)
}
