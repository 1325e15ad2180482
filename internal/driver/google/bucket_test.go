package google_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

func bucketSpec(name string) cloud.BucketSpec {
	return cloud.BucketSpec{OldVersionDays: 30, Meta: cloud.Meta{Name: name, Deployment: "acme-eu", Location: cloud.Location{Cloud: google.Name, Name: zone}}}
}

// stores opens the driver's buckets.
func (w *storeWorld) stores() cloud.Buckets {
	w.t.Helper()
	buckets, err := w.connect().Buckets()
	w.must(err)
	return buckets
}

func (w *storeWorld) make(spec cloud.BucketSpec) cloud.Bucket {
	w.t.Helper()
	made, err := w.stores().Create(w.t.Context(), spec, func(cloud.Bucket) {})
	w.must(err)
	return made
}

// spends compares the requests that something takes, by route.
func (w *storeWorld) spends(what string, want map[string]int, run func() error) {
	w.t.Helper()
	w.sim.ResetRequests()
	if err := run(); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	counts := map[string]int{}
	for route, n := range w.sim.Requests().Routes {
		counts[strings.Replace(route, "/storage/v1/", "", 1)] += n
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		w.t.Errorf("%s takes other requests (-want +got):\n%s", what, diff)
	}
}

func TestABucketTakesTheseRequests(t *testing.T) {
	w := newStoreWorld(t)
	stores := w.stores()
	var made cloud.Bucket
	spec := bucketSpec("counted")
	spec.ImmutableDays, spec.OldVersionDays = 93, 93
	w.spends("a create", map[string]int{"POST b": 1, "GET b/{bucket}": 1}, func() (err error) {
		made, err = stores.Create(t.Context(), spec, func(cloud.Bucket) {})
		return err
	})
	w.spends("a read", map[string]int{"GET b/{bucket}": 1}, func() (err error) {
		made, err = stores.Get(t.Context(), made.ID.Native)
		return err
	})
	grown := spec
	grown.ImmutableDays, grown.OldVersionDays = 100, 100
	w.spends("an update", map[string]int{"GET b/{bucket}": 1, "PATCH b/{bucket}": 1}, func() (err error) {
		made, err = stores.Update(t.Context(), made, grown)
		return err
	})
	grown.LockRetention = true
	w.spends("a lock", map[string]int{"GET b/{bucket}": 2, "POST b/{bucket}/lockRetentionPolicy": 1}, func() (err error) {
		made, err = stores.Update(t.Context(), made, grown)
		return err
	})
	w.spends("a list", map[string]int{"GET b": 1}, func() error {
		_, err := stores.List(t.Context(), cloud.Filter{Deployment: "acme-eu"})
		return err
	})
	w.spends("a delete", map[string]int{"DELETE b/{bucket}": 1}, func() error { return stores.Delete(t.Context(), made.ID.Native) })
}

// TestALockCannotBeUndone: not by the driver, and not by the account's owner.
func TestALockCannotBeUndone(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("locked")
	spec.ImmutableDays, spec.OldVersionDays, spec.LockRetention = 93, 0, true
	made := w.make(spec)
	if err := w.breakGuard(made.ID, cloud.GuardRetention); err == nil {
		t.Error("the owner took the retention away")
	}
	spec.LockRetention = false
	_, err := w.stores().Update(t.Context(), made, spec)
	if cloud.CodeOf(err) != cloud.CodeUnsupported || !strings.Contains(err.Error(), "locked") {
		t.Errorf("got %v", err)
	}
	unlocked := bucketSpec("unlocked")
	unlocked.ImmutableDays, unlocked.OldVersionDays = 93, 0
	if made := w.make(unlocked); made.LockRetention {
		t.Error("locked without being asked to")
	}
}

// TestAKilledCreateIsContinued: the run ends before the lock.
func TestAKilledCreateIsContinued(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("killed")
	spec.ImmutableDays, spec.OldVersionDays, spec.LockRetention = 93, 0, true
	ctx, kill := context.WithCancel(t.Context())
	if _, err := w.stores().Create(ctx, spec, func(cloud.Bucket) { kill() }); !errors.Is(err, context.Canceled) {
		t.Fatalf("the killed create: %v", err)
	}
	if made := w.make(spec); !made.LockRetention || len(made.Broken) != 0 {
		t.Errorf("it is %+v", made)
	}
}

// TestTwoChangesAtOnceLoseNeither: whoever comes second reads again.
func TestTwoChangesAtOnceLoseNeither(t *testing.T) {
	w := newStoreWorld(t)
	stores := w.stores()
	made := w.make(bucketSpec("raced"))
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			want := bucketSpec("raced")
			want.OldVersionDays = 40 + i
			if _, err := stores.Update(t.Context(), made, want); err != nil && cloud.CodeOf(err) != cloud.CodeConflict {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	have, err := stores.Get(t.Context(), made.ID.Native)
	if err != nil || len(have.Broken) != 0 || have.OldVersionDays < 40 {
		t.Errorf("label and rule do not agree: %+v, %v", have, err)
	}
}

// TestWhatOthersSetIsKept: storage classes are the owner's business, deletions
// are not.
func TestWhatOthersSetIsKept(t *testing.T) {
	w := newStoreWorld(t)
	made := w.make(bucketSpec("shared"))
	bucket := w.clients["owner"].Bucket(made.ID.Native)
	if made.SoftDeleteDays != 7 {
		t.Errorf("soft deletion keeps %d days", made.SoftDeleteDays)
	}
	_, err := bucket.Update(t.Context(), storage.BucketAttrsToUpdate{SoftDeletePolicy: &storage.SoftDeletePolicy{RetentionDuration: 14 * 24 * time.Hour}})
	w.must(err)
	w.must(w.breakGuard(made.ID, cloud.GuardPrivate))
	found, err := w.stores().Get(t.Context(), made.ID.Native)
	w.must(err)
	after, err := w.stores().Update(t.Context(), found, bucketSpec("shared"))
	w.must(err)
	if after.SoftDeleteDays != 14 || len(after.Broken) != 0 {
		t.Errorf("soft deletion keeps %d days, broken are %v", after.SoftDeleteDays, after.Broken)
	}
}

func TestABucketHasItsKey(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("keyed")
	key := "projects/acme-prod/locations/europe-west3/keyRings/r/cryptoKeys/backups"
	spec.Options = map[string]string{"kms_key": key}
	made := w.make(spec)
	attrs, err := w.clients["owner"].Bucket(made.ID.Native).Attrs(t.Context())
	w.must(err)
	if attrs.Encryption == nil || attrs.Encryption.DefaultKMSKeyName != key || made.Options["kms_key"] != key {
		t.Errorf("the key is %+v, observed as %v", attrs.Encryption, made.Options)
	}
	spec.Options = nil
	made, err = w.stores().Update(t.Context(), made, spec)
	w.must(err)
	if made.Options["kms_key"] != "" {
		t.Errorf("the key is still %v", made.Options)
	}
}

// TestABucketIsFoundInItsZone: the vendor knows the region only.
func TestABucketIsFoundInItsZone(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("zoned")
	spec.Location.Name = "europe-west3-c"
	made := w.make(spec)
	w.must(w.clients["owner"].Bucket("imported").Create(t.Context(), project, &storage.BucketAttrs{Location: "EUROPE-WEST3"}))
	for name, want := range map[string]string{made.ID.Native: "europe-west3-c", "imported": "europe-west3-a"} {
		if have, err := w.stores().Get(t.Context(), name); err != nil || have.Location.Name != want {
			t.Errorf("%s is in %s, want %s; %v", name, have.Location, want, err)
		}
	}
}

// TestTheEnvironmentDoesNotRedirectRequests: the SDK obeys a variable for
// emulators, which would send credentials elsewhere.
func TestTheEnvironmentDoesNotRedirectRequests(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	w := newStoreWorld(t)
	made := w.make(bucketSpec("here"))
	w.must(w.put("owner", made.ID.Native, "status", "fine"))
	reader, err := w.stores().Open(made.ID)
	w.must(err)
	if content, err := reader.ReadObject(t.Context(), "status", 10); err != nil || string(content) != "fine" {
		t.Errorf("read %q, %v", content, err)
	}
}

func TestBucketsNeedTheirEndpoint(t *testing.T) {
	options := google.Options{Project: project, Endpoint: "http://127.0.0.1:1", HTTPClient: http.DefaultClient, NewWaiter: func(cloud.OperationPoller) cloud.Waiter { return nil }}
	for _, endpoint := range []string{"", "not a URL", "ftp://example.org"} {
		options.StorageEndpoint = endpoint
		driver, err := google.New(options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := driver.Buckets(); cloud.CodeOf(err) != cloud.CodeInvalid {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestBucketNamesAreWhole(t *testing.T) {
	name := func(of string) string { return newStoreWorld(t).make(bucketSpec(of)).ID.Native }
	if got := name("x"); got != "acme-eu-x-europe-west3-a" {
		t.Errorf("the bucket is named %s", got)
	}
	long := name(strings.Repeat("n", cloud.MaxNameLength))
	if len(long) > 63 || !strings.HasSuffix(long, "-"+zone) || long == name(strings.Repeat("n", cloud.MaxNameLength-1)) {
		t.Errorf("a long name becomes %s", long)
	}
}
