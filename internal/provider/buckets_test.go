package provider

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

func TestObjectStorageSettings(t *testing.T) {
	environment := map[string]string{EnvHetznerS3AccessKey: "ENV", EnvHetznerS3SecretKey: "env-secret", EnvHetznerS3Endpoint: "https://{location}.example.org"}
	getenv := func(name string) string { return environment[name] }
	for name, test := range map[string]struct {
		model *objectStorageModel
		want  ObjectStorageConfig
		error string
	}{
		"environment": {nil, ObjectStorageConfig{AccessKey: "ENV", SecretKey: "env-secret", Endpoint: "https://{location}.example.org"}, ""},
		"block": {&objectStorageModel{AccessKey: types.StringValue("A"), SecretKey: types.StringValue("s"), Endpoint: types.StringValue("http://127.0.0.1:1/s3/{location}")},
			ObjectStorageConfig{AccessKey: "A", SecretKey: "s", Endpoint: "http://127.0.0.1:1/s3/{location}"}, ""},
		"half a pair": {&objectStorageModel{AccessKey: types.StringValue("A")}, ObjectStorageConfig{AccessKey: "A", SecretKey: "env-secret", Endpoint: "https://{location}.example.org"}, "Half a pair"},
		"no location": {&objectStorageModel{Endpoint: types.StringValue("https://example.org")}, ObjectStorageConfig{AccessKey: "ENV", SecretKey: "env-secret", Endpoint: "https://example.org"}, "Not an endpoint"},
		"unknown":     {&objectStorageModel{AccessKey: types.StringUnknown(), SecretKey: types.StringUnknown()}, ObjectStorageConfig{Endpoint: "https://{location}.example.org", Unknown: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			if got := test.model.resolve(getenv, &diags); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if found := diags.HasError(); found != (test.error != "") || found && !strings.Contains(diags[0].Summary(), test.error) {
				t.Errorf("the diagnostics are %v, want %q", diags, test.error)
			}
		})
	}
}

// TestBucketsThroughTheBudget: a lost answer is repeated below the drivers, and
// makes no second bucket.
func TestBucketsThroughTheBudget(t *testing.T) {
	sim, err := simcloud.New(simcloud.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	clouds := NewClouds(CloudsConfig{Deployment: "acme-eu", Version: "test",
		Hetzner: &HetznerConfig{Token: "t", Endpoint: server.URL + "/v1", ObjectStorage: ObjectStorageConfig{AccessKey: simcloud.DefaultS3AccessKey,
			SecretKey: simcloud.DefaultS3SecretKey, Endpoint: server.URL + "/s3/{location}"}},
		Google: &GoogleConfig{Project: "acme-prod", AccessToken: "t", Endpoint: server.URL, StorageEndpoint: server.URL + "/storage/v1/"}})
	for _, test := range []struct{ location, store, method, path string }{
		{"hetzner/fsn1", simcloud.S3, "PUT", "/s3/fsn1/[^/]+/?$"}, {"google/europe-west3-a", simcloud.GCS, "POST", "/b$"}} {
		location, err := cloud.ParseLocation(test.location)
		if err != nil {
			t.Fatal(err)
		}
		driver, err := clouds.Driver(location.Cloud)
		if err != nil {
			t.Fatal(err)
		}
		stores, ok := driver.(cloud.BucketDriver)
		if !ok {
			t.Fatalf("the driver of %s has no buckets", location.Cloud)
		}
		buckets, err := stores.Buckets()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.AddFault(simcloud.Fault{Kind: simcloud.FaultDropAfter, Cloud: test.store, Method: test.method, Path: test.path, Count: 1}); err != nil {
			t.Fatal(err)
		}
		spec := cloud.BucketSpec{Meta: cloud.Meta{Name: "b", Location: location, Deployment: "acme-eu"}, ImmutableDays: 93}
		made, err := buckets.Create(t.Context(), spec, func(cloud.Bucket) {})
		if err != nil {
			t.Fatalf("%s: %v", location, err)
		}
		if all, err := buckets.List(t.Context(), cloud.Filter{}); err != nil || len(all) != 1 || all[0].ID != made.ID || len(all[0].Broken) != 0 {
			t.Errorf("%s: there are %+v, %v", location, all, err)
		}
	}
}

func TestBucketsWithoutKeys(t *testing.T) {
	for name, test := range map[string]struct {
		storage ObjectStorageConfig
		remedy  string
		unknown bool
	}{
		"none":    {ObjectStorageConfig{}, EnvHetznerS3AccessKey, false},
		"unknown": {ObjectStorageConfig{Unknown: true}, "Apply what makes it first", true},
	} {
		driver, err := NewClouds(CloudsConfig{Hetzner: &HetznerConfig{Token: "t", ObjectStorage: test.storage}}).Driver("hetzner")
		if err != nil {
			t.Fatal(err)
		}
		_, err = driver.(cloud.BucketDriver).Buckets()
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeUnauthorized || !strings.Contains(failed.Remedy, test.remedy) || errors.Is(err, service.ErrNotYetKnown) != test.unknown {
			t.Errorf("%s: %+v", name, failed)
		}
	}
}
