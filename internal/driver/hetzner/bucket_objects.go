package hetzner

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// objectReader implements cloud.ObjectReader.
type objectReader struct {
	c      *s3
	bucket string
}

// listedObjects is the answer of ListObjectsV2. Keys are escaped as in a query.
type listedObjects struct {
	IsTruncated bool
	Contents    []struct {
		Key          string
		Size         int64
		LastModified time.Time
	}
}

// ListObjects implements cloud.ObjectReader.
func (r *objectReader) ListObjects(ctx context.Context, prefix, after string) (page []cloud.ObjectInfo, more bool, err error) {
	query := url.Values{"list-type": {"2"}, "prefix": {prefix}, "max-keys": {strconv.Itoa(cloud.MaxListedObjects)}, "encoding-type": {"url"}}
	if after != "" {
		query.Set("start-after", after)
	}
	var listed listedObjects
	if err := r.c.ask(ctx, http.MethodGet, r.bucket, query, nil, &listed); err != nil {
		return nil, false, r.fail(err, "", "list the objects of backup bucket")
	}
	page = make([]cloud.ObjectInfo, len(listed.Contents))
	for i, object := range listed.Contents {
		key, err := url.QueryUnescape(object.Key)
		if err != nil {
			return nil, false, r.fail(err, "", "list the objects of backup bucket")
		}
		page[i] = cloud.ObjectInfo{Key: key, Bytes: object.Size, Modified: object.LastModified}
	}
	return page, listed.IsTruncated, nil
}

// ReadObject implements cloud.ObjectReader.
func (r *objectReader) ReadObject(ctx context.Context, key string, limit int64) ([]byte, error) {
	const reading = "read an object of backup bucket"
	body, info, _, err := r.c.GetObject(ctx, r.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, r.fail(err, key, reading)
	}
	defer body.Close()
	tooLarge := &cloud.Error{Code: cloud.CodeInvalid, Message: fmt.Sprintf("the object has more than %d bytes", limit)}
	if info.Size > limit {
		return nil, r.fail(tooLarge, key, reading)
	}
	// What the HTTP client unpacks has no size beforehand.
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, r.fail(err, key, reading)
	case int64(len(content)) > limit:
		return nil, r.fail(tooLarge, key, reading)
	case int64(len(content)) < info.Size:
		return nil, r.fail(io.ErrUnexpectedEOF, key, reading)
	}
	return content, nil
}

func (r *objectReader) fail(err error, key, doing string) error {
	id := r.bucket
	if key != "" {
		id += "/" + key
	}
	return failBucket(err, id, doing)
}
