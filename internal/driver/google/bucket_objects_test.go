package google_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud/cloudtest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/google"
)

func (w *storeWorld) open(bucket string) cloud.ObjectReader {
	w.t.Helper()
	reader, err := w.stores().Open(cloud.ID{Location: cloud.Location{Cloud: google.Name, Name: zone}, Native: bucket})
	w.must(err)
	return reader
}

// TestAnObjectIsAsOldAsItsContent: an old backup whose metadata somebody
// changes, or a rule of the bucket, does not become a fresh one.
func TestAnObjectIsAsOldAsItsContent(t *testing.T) {
	w := newStoreWorld(t)
	bucket := w.make(bucketSpec("aged")).ID.Native
	written := w.sim.Clock().Now()
	w.must(w.put("owner", bucket, "acme/old", "ciphertext"))
	w.sim.Clock().Advance(40 * time.Hour)
	_, err := w.clients["owner"].Bucket(bucket).Object("acme/old").Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{"seen": "yes"}})
	w.must(err)
	page, _, err := w.open(bucket).ListObjects(t.Context(), "acme/", "")
	w.must(err)
	if len(page) != 1 || page[0].Modified.Sub(written).Abs() > time.Minute {
		t.Errorf("written %s, listed %v", written, page)
	}
}

// TestWhatIsTooLargeWhenUnpackedIsRefused: the store unpacks an object that was
// stored compressed, and tells no size of what comes out.
func TestWhatIsTooLargeWhenUnpackedIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var packed bytes.Buffer
		pack := gzip.NewWriter(&packed)
		_, _ = pack.Write(bytes.Repeat([]byte("{"), 1000))
		_ = pack.Close()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	driver, err := google.New(google.Options{Project: project, Endpoint: server.URL, StorageEndpoint: server.URL, Version: "test", HTTPClient: server.Client(),
		NewWaiter: func(poller cloud.OperationPoller) cloud.Waiter {
			return cloudtest.Waiter{Poller: poller, Pause: pollPause}
		}})
	if err != nil {
		t.Fatal(err)
	}
	stores, err := driver.Buckets()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := stores.Open(cloud.ID{Location: cloud.Location{Cloud: google.Name, Name: zone}, Native: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadObject(t.Context(), "k", 999); cloud.CodeOf(err) != cloud.CodeInvalid || !strings.Contains(err.Error(), "more than 999 bytes") {
		t.Errorf("a byte too many: %v", err)
	}
	if content, err := reader.ReadObject(t.Context(), "k", 1000); err != nil || len(content) != 1000 {
		t.Errorf("just enough: %d bytes, %v", len(content), err)
	}
}

// TestAnObjectsOwnRetentionIsFoundBeforehand: nothing is deleted of a bucket of
// which something cannot be.
func TestAnObjectsOwnRetentionIsFoundBeforehand(t *testing.T) {
	w := newStoreWorld(t)
	owner := w.clients["owner"].Bucket("by-hand")
	w.must(owner.SetObjectRetention(true).Create(t.Context(), project, &storage.BucketAttrs{Location: "EUROPE-WEST3"}))
	w.must(w.put("owner", "by-hand", "acme/a", "x"))
	w.must(w.put("owner", "by-hand", "acme/z", "x"))
	until := w.sim.Clock().Now().Add(48 * time.Hour)
	_, err := owner.Object("acme/z").Update(t.Context(), storage.ObjectAttrsToUpdate{Retention: &storage.ObjectRetention{Mode: "Locked", RetainUntil: until}})
	w.must(err)
	if err := w.stores().Empty(t.Context(), "by-hand"); cloud.CodeOf(err) != cloud.CodeProtected || !strings.Contains(err.Error(), "acme/z is immutable until") {
		t.Errorf("got %v", err)
	}
	if _, err := owner.Object("acme/a").Attrs(t.Context()); err != nil {
		t.Errorf("what is not immutable: %v", err)
	}
	w.sim.Clock().Advance(49 * time.Hour)
	w.must(w.stores().Empty(t.Context(), "by-hand"))
}
