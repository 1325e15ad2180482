package hetzner_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// TestWhatIsTooLargeWhenUnpackedIsRefused: the HTTP client unpacks an object that
// was stored compressed, and then nobody tells its size.
func TestWhatIsTooLargeWhenUnpackedIsRefused(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	made, err := stores.Create(t.Context(), bucketSpec("packed"), func(cloud.Bucket) {})
	w.must(err)
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	_, err = pack.Write(bytes.Repeat([]byte("{"), 1000))
	w.must(err)
	w.must(pack.Close())
	_, err = w.client("fsn1", "OPERATOR").Client.PutObject(t.Context(), made.ID.Native, "k", &packed, int64(packed.Len()), minio.PutObjectOptions{ContentEncoding: "gzip"})
	w.must(err)
	reader, err := stores.Open(made.ID)
	w.must(err)
	if _, err := reader.ReadObject(t.Context(), "k", 999); cloud.CodeOf(err) != cloud.CodeInvalid || !strings.Contains(err.Error(), "more than 999 bytes") {
		t.Errorf("a byte too many: %v", err)
	}
	if content, err := reader.ReadObject(t.Context(), "k", 1000); err != nil || len(content) != 1000 {
		t.Errorf("just enough: %d bytes, %v", len(content), err)
	}
}

// TestABucketWithALongHistoryIsEmptied: a status object is written anew each day
// and keeps all its versions, of which a page holds a thousand.
func TestABucketWithALongHistoryIsEmptied(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	made, err := stores.Create(t.Context(), bucketSpec("history"), func(cloud.Bucket) {})
	w.must(err)
	for i := range cloud.MaxListedObjects + 5 {
		w.must(w.put("OPERATOR", made.ID, "acme-eu/acme/status/v1.json", strconv.Itoa(i)))
	}
	uploads := w.client("fsn1", "OPERATOR")
	for range cloud.MaxListedObjects + 5 {
		_, err := uploads.NewMultipartUpload(context.Background(), made.ID.Native, "acme-eu/acme/restic/data/00/x", minio.PutObjectOptions{})
		w.must(err)
	}
	w.must(stores.Empty(t.Context(), made.ID.Native))
	left, err := uploads.ListMultipartUploads(t.Context(), made.ID.Native, "", "", "", "", 1000)
	w.must(err)
	if len(left.Uploads) != 0 {
		t.Errorf("%d uploads are left", len(left.Uploads))
	}
	w.must(stores.Delete(t.Context(), made.ID.Native))
}
