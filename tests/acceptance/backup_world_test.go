package acceptance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/oauth2"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/budget"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	googledriver "github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/provider"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// vaults is a world with the object stores of both clouds.
type vaults struct{ *world }

func newVaults(t *testing.T) vaults {
	t.Helper()
	return vaults{newWorld(t)}
}

func (v vaults) url() string { return strings.TrimSuffix(v.HetznerEndpoint(), "/v1") }

// store is another client of the same keys: what somebody does behind Terraform's
// back. The stores have one address for each location.
func (v vaults) store(t *testing.T, location string) *minio.Client {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(v.S3Endpoint(location), "http://"), &minio.Options{Creds: credentials.NewStaticV4(s3.DefaultAccessKey, s3.DefaultSecretKey, ""), Region: location})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// bucketClouds are the real drivers at the embedded clouds.
type bucketClouds struct {
	v    vaults
	lost cloud.LostSet
}

// Driver implements service.Clouds.
func (c bucketClouds) Driver(name string) (cloud.Driver, error) {
	waiter := func(poller cloud.OperationPoller) cloud.Waiter {
		return budget.NewWaiter(poller, budget.SystemClock{}, budget.NewBucket(budget.SystemClock{}).Pressure)
	}
	var driver cloud.Driver
	var err error
	switch name {
	case hetzner.Name:
		driver, err = hetzner.New(hetzner.Options{Token: token, Endpoint: c.v.HetznerEndpoint(), NewWaiter: waiter, HTTPClient: http.DefaultClient, Lost: c.lost.Contains,
			ObjectStorage: hetzner.ObjectStorage{AccessKey: s3.DefaultAccessKey, SecretKey: s3.DefaultSecretKey, Endpoint: c.v.url() + "/s3/{location}"}})
	case googledriver.Name:
		client := &http.Client{Transport: &oauth2.Transport{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})}}
		driver, err = googledriver.New(googledriver.Options{Project: googleProject, Endpoint: c.v.url() + "/compute/v1/", StorageEndpoint: c.v.url() + "/storage/v1/",
			HTTPClient: client, NewWaiter: waiter, Lost: c.lost.Contains})
	default:
		return nil, fmt.Errorf("there is no cloud %q", name)
	}
	if err != nil {
		return nil, err
	}
	return budget.Wrap(driver, budget.SystemClock{}, "acc"), nil
}

// test runs steps with a provider that reaches both clouds.
func (v vaults) test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	test := v.testCase(steps...)
	test.ProtoV6ProviderFactories = map[string]func() (tfprotov6.ProviderServer, error){
		"holdfast": providerserver.NewProtocol6WithError(provider.New("test", provider.WithClouds(func(config provider.Config) service.Clouds {
			return bucketClouds{v, config.Lost}
		}))()),
	}
	resource.UnitTest(t, test)
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
}
%s`, quoted(lost), body)
}
