package hetzner_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// spends compares the requests that something takes, by route.
func (w *storeWorld) spends(what string, want map[string]int, run func() error) {
	w.t.Helper()
	w.sim.ResetRequests()
	if err := run(); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	counts := map[string]int{}
	for route, n := range w.sim.Requests().Routes {
		counts[strings.Replace(route, "/s3/{location}/", "", 1)] += n
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		w.t.Errorf("%s takes other requests (-want +got):\n%s", what, diff)
	}
}

func with(more map[string]int, base ...map[string]int) map[string]int {
	all := map[string]int{}
	for _, counts := range append(base, more) {
		for route, n := range counts {
			all[route] += n
		}
	}
	return all
}

// readOnce is one request for each thing that S3 tells of a bucket.
var readOnce = map[string]int{"GET {bucket}?tagging": 1, "GET {bucket}?versioning": 1, "GET {bucket}?object-lock": 1,
	"GET {bucket}?policy": 1, "GET {bucket}?acl": 1, "GET {bucket}?lifecycle": 1}

func TestABucketTakesTheseRequests(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	var made cloud.Bucket
	spec := bucketSpec("counted")
	spec.ImmutableDays, spec.OldVersionDays = 93, 93
	w.spends("a create", with(map[string]int{"PUT {bucket}": 1, "GET {bucket}?versions": 1, "GET {bucket}?uploads": 1, "PUT {bucket}?tagging": 1,
		"PUT {bucket}?object-lock": 1, "GET {bucket}?policy": 1, "PUT {bucket}?policy": 1, "PUT {bucket}?lifecycle": 1, "PUT {bucket}?acl": 1}, readOnce), func() (err error) {
		made, err = stores.Create(t.Context(), spec, func(cloud.Bucket) {})
		return err
	})
	w.spends("a read", readOnce, func() (err error) {
		made, err = stores.Get(t.Context(), made.ID.Native)
		return err
	})
	w.spends("an update of nothing", map[string]int{}, func() error {
		_, err := stores.Update(t.Context(), made, spec)
		return err
	})
	grown := spec
	grown.ImmutableDays, grown.OldVersionDays = 100, 100
	w.spends("a longer retention", map[string]int{"PUT {bucket}?tagging": 1, "PUT {bucket}?object-lock": 1, "PUT {bucket}?lifecycle": 1}, func() error {
		_, err := stores.Update(t.Context(), made, grown)
		return err
	})
	w.spends("a list", with(map[string]int{"GET ": 3, "GET {bucket}?tagging": 1}, readOnce), func() error {
		_, err := stores.List(t.Context(), cloud.Filter{Deployment: "acme-eu"})
		return err
	})
	w.spends("a delete", map[string]int{"DELETE {bucket}": 1}, func() error { return stores.Delete(t.Context(), made.ID.Native) })
	w.sim.ResetRequests()
	if _, err := stores.Get(t.Context(), made.ID.Native); !cloud.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
	// In every location; the first refusal ends the others under way.
	if n := w.sim.RequestsOf(simcloud.S3).Total; n < 3 || n > 18 {
		t.Errorf("a read of what is gone took %d requests", n)
	}
}

// TestPrivacyIsMoreThanTheACL: a policy can make a bucket public, too, and a
// private bucket can hold public objects.
func TestPrivacyIsMoreThanTheACL(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	made, err := stores.Create(t.Context(), bucketSpec("private"), func(cloud.Bucket) {})
	w.must(err)
	name, operator := made.ID.Native, w.client("fsn1", "OPERATOR")

	_, err = operator.Client.PutObject(t.Context(), name, "open", strings.NewReader("x"), 1, minio.PutObjectOptions{UserMetadata: map[string]string{"x-amz-acl": "public-read"}})
	if minio.ToErrorResponse(err).Code != "AccessDenied" {
		t.Errorf("a public object: %v", err)
	}
	w.must(w.put("OPERATOR", made.ID, "closed", "x"))
	if status, body := w.raw(http.MethodPut, "fsn1", "/"+name+"/closed?acl", map[string]string{"X-Amz-Acl": "public-read"}); status != http.StatusForbidden {
		t.Errorf("an object became public: %d %s", status, body)
	}

	own, err := operator.GetBucketPolicy(t.Context(), name)
	w.must(err)
	open := `{"Sid":"Oops","Effect":"Allow","Principal":{"AWS":["*"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + name + `/*"},`
	w.must(operator.SetBucketPolicy(t.Context(), name, strings.Replace(own, `"Statement":[`, `"Statement":[`+open, 1)))
	response, err := http.Get(w.endpoints["fsn1"] + "/" + name + "/closed")
	w.must(err)
	w.must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the policy does not open the bucket (%d): the test shows nothing", response.StatusCode)
	}
	found, err := stores.Get(t.Context(), name)
	w.must(err)
	if diff := cmp.Diff([]cloud.BucketGuard{cloud.GuardPrivate}, found.Broken); diff != "" {
		t.Errorf("broken (-want +got):\n%s", diff)
	}
	_, err = stores.Update(t.Context(), found, bucketSpec("private"))
	w.must(err)
	if response, err = http.Get(w.endpoints["fsn1"] + "/" + name + "/closed"); err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("after the repair: %v, %v", response, err)
	}
	w.must(response.Body.Close())
}

// TestTLSIsAsked: of a request that came in the clear the gateway says nothing,
// so that the denial does not reach it (see the package comment); and it locks
// nobody out behind a proxy that ends TLS.
func TestTLSIsAsked(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	made, err := stores.Create(t.Context(), bucketSpec("tls"), func(cloud.Bucket) {})
	w.must(err)
	if _, policy := w.raw(http.MethodGet, "fsn1", "/"+made.ID.Native+"/?policy", nil); !strings.Contains(policy, `{"Bool":{"aws:SecureTransport":["false"]}}`) {
		t.Errorf("the policy is %s", policy)
	}
	path := "/" + made.ID.Native + "/?list-type=2"
	for _, scheme := range []string{"https", "http"} {
		if status, body := w.raw(http.MethodGet, "fsn1", path, map[string]string{"X-Forwarded-Proto": scheme}); status != http.StatusOK {
			t.Errorf("with %s: %d %s", scheme, status, body)
		}
	}
}

// TestAKilledCreateIsContinued: the run ends as soon as the bucket is there.
func TestAKilledCreateIsContinued(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	spec := bucketSpec("killed")
	spec.ImmutableDays, spec.OldVersionDays = 93, 0
	ctx, kill := context.WithCancel(t.Context())
	if _, err := stores.Create(ctx, spec, func(cloud.Bucket) { kill() }); !errors.Is(err, context.Canceled) {
		t.Fatalf("the killed create: %v", err)
	}
	made, err := stores.Create(t.Context(), spec, func(cloud.Bucket) {})
	w.must(err)
	if have, err := stores.Get(t.Context(), made.ID.Native); err != nil || len(have.Broken) != 0 || have.ImmutableDays != 93 || have.Deployment != "acme-eu" {
		t.Errorf("it is %+v, %v", have, err)
	}
}

// TestWhatIsNotLockedDoesNotBecomeImmutable: neither is a bucket without object
// lock taken for an immutable one, nor labelled as one.
func TestWhatIsNotLockedDoesNotBecomeImmutable(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	spec := bucketSpec("open")
	made, err := stores.Create(t.Context(), spec, func(cloud.Bucket) {})
	w.must(err)
	spec.ImmutableDays, spec.OldVersionDays = 93, 0
	for what, try := range map[string]func() error{
		"create": func() error { _, err := stores.Create(t.Context(), spec, func(cloud.Bucket) {}); return err },
		"update": func() error { _, err := stores.Update(t.Context(), made, spec); return err },
	} {
		err := try()
		if failed, ok := err.(*cloud.Error); !ok || failed.Code != cloud.CodeUnsupported || failed.Field != "immutable_days" {
			t.Errorf("%s: %v", what, err)
		}
		if have, err := stores.Get(t.Context(), made.ID.Native); err != nil || len(have.Broken) != 0 || have.OldVersionDays != 30 {
			t.Errorf("after the %s it is %+v, %v", what, have, err)
		}
	}
}

// TestAnImportedBucketShowsWhatItLacks: one that somebody made by hand, in
// another location than its name says.
func TestAnImportedBucketShowsWhatItLacks(t *testing.T) {
	w := newStoreWorld(t)
	w.must(w.client("hel1", "OPERATOR").MakeBucket(t.Context(), "by-hand-fsn1", minio.MakeBucketOptions{Region: "hel1"}))
	stores, err := w.connect().Buckets()
	w.must(err)
	have, err := stores.Get(t.Context(), "by-hand-fsn1")
	w.must(err)
	want := []cloud.BucketGuard{cloud.GuardPrivate, cloud.GuardVersioned, cloud.GuardTLS, cloud.GuardLifecycle}
	if diff := cmp.Diff(want, have.Broken); diff != "" || have.Location.Name != "hel1" || have.Name != "by-hand-fsn1" || have.Deployment != "" {
		t.Errorf("it is %+v; broken (-want +got):\n%s", have, diff)
	}
	spec := bucketSpec("by-hand")
	spec.Location.Name = "hel1"
	after, err := stores.Update(t.Context(), have, spec)
	w.must(err)
	if read, err := stores.Get(t.Context(), "by-hand-fsn1"); err != nil || len(read.Broken) != 0 || read.Deployment != "acme-eu" || read.Name != "by-hand" || after.ID != have.ID {
		t.Errorf("after the update it is %+v, %v", read, err)
	}
	lost, err := w.connect(cloud.Location{Cloud: hetzner.Name, Name: "hel1"}).Buckets()
	w.must(err)
	if _, err := lost.Get(t.Context(), "by-hand-fsn1"); cloud.CodeOf(err) != cloud.CodeUnavailable {
		t.Errorf("with its location declared lost it is %v", err)
	}
}

func TestBucketsNeedTheirOwnKeys(t *testing.T) {
	options := hetzner.Options{Token: token, HTTPClient: http.DefaultClient, NewWaiter: func(cloud.OperationPoller) cloud.Waiter { return nil }}
	for what, storage := range map[string]hetzner.ObjectStorage{
		"no keys":     {},
		"half a pair": {AccessKey: "A"},
		"no location": {AccessKey: "A", SecretKey: "s", Endpoint: "https://example.org"},
		"no URL":      {AccessKey: "A", SecretKey: "s", Endpoint: "{location}"},
	} {
		options.ObjectStorage = storage
		driver, err := hetzner.New(options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := driver.Buckets(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	elsewhere := bucketSpec("elsewhere")
	elsewhere.Location.Name = "ash"
	_, err = stores.Create(t.Context(), elsewhere, func(cloud.Bucket) {})
	if cloud.CodeOf(err) != cloud.CodeInvalid || !strings.Contains(err.(*cloud.Error).Remedy, "nbg1") {
		t.Errorf("a location without object storage: %v", err)
	}
}

func TestWrongKeysAreNamedAsSuch(t *testing.T) {
	w := newStoreWorld(t)
	driver, err := hetzner.New(hetzner.Options{Token: token, HTTPClient: http.DefaultClient, NewWaiter: func(cloud.OperationPoller) cloud.Waiter { return nil },
		ObjectStorage: hetzner.ObjectStorage{AccessKey: "OPERATOR", SecretKey: "wrong", Endpoint: w.url + "/s3/{location}"}})
	w.must(err)
	stores, err := driver.Buckets()
	w.must(err)
	_, err = stores.Create(t.Context(), bucketSpec("x"), func(cloud.Bucket) {})
	if cloud.CodeOf(err) != cloud.CodeUnauthorized || !strings.Contains(err.(*cloud.Error).Remedy, "HCLOUD_S3_ACCESS_KEY") {
		t.Errorf("got %v", err)
	}
}
