package google

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/storage"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// objectReader implements cloud.ObjectReader.
type objectReader struct {
	b      *buckets
	bucket string
}

// ListObjects implements cloud.ObjectReader. The vendor's startOffset includes
// the key itself, which is passed over. An object's "updated" is also that of its
// metadata, which lifecycle rules and people change: "timeCreated" is when it was
// written.
func (r *objectReader) ListObjects(ctx context.Context, prefix, after string) (page []cloud.ObjectInfo, more bool, err error) {
	query := &storage.Query{Prefix: prefix, StartOffset: after, Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection([]string{"Name", "Size", "Created"}); err != nil {
		return nil, false, r.fail(err, "", "list the objects of backup bucket")
	}
	objects := r.b.client.Bucket(r.bucket).Objects(ctx, query)
	objects.PageInfo().MaxSize = cloud.MaxListedObjects
	// The first Next reads a page; what the page holds costs nothing more.
	for {
		object, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return page, false, nil
		}
		if err != nil {
			return nil, false, r.fail(err, "", "list the objects of backup bucket")
		}
		if after == "" || object.Name != after {
			page = append(page, cloud.ObjectInfo{Key: object.Name, Bytes: object.Size, Modified: object.Created})
		}
		if objects.PageInfo().Remaining() == 0 && len(page) > 0 {
			return page, objects.PageInfo().Token != "", nil
		}
	}
}

// ReadObject implements cloud.ObjectReader.
func (r *objectReader) ReadObject(ctx context.Context, key string, limit int64) ([]byte, error) {
	const reading = "read an object of backup bucket"
	body, err := r.b.client.Bucket(r.bucket).Object(key).NewReader(ctx)
	if err != nil {
		return nil, r.fail(err, key, reading)
	}
	defer body.Close()
	tooLarge := &cloud.Error{Code: cloud.CodeInvalid, Message: fmt.Sprintf("the object has more than %d bytes", limit)}
	if body.Attrs.Size > limit {
		return nil, r.fail(tooLarge, key, reading)
	}
	// What is unpacked on the way has no size beforehand.
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, r.fail(err, key, reading)
	case int64(len(content)) > limit:
		return nil, r.fail(tooLarge, key, reading)
	case int64(len(content)) < body.Attrs.Size:
		return nil, r.fail(io.ErrUnexpectedEOF, key, reading)
	}
	return content, nil
}

func (r *objectReader) fail(err error, key, doing string) error {
	id := r.bucket
	if key != "" {
		id += "/" + key
	}
	return r.b.fail(err, id, doing)
}

// deletions is how many objects are deleted at once: the vendor has no request
// for many.
const deletions = 16

// Empty implements cloud.Buckets: a request for each version, after a look at
// all of them (a thousand a request) that finds what is immutable.
func (b *buckets) Empty(ctx context.Context, native string) error {
	err := b.versions(ctx, native, func(object *storage.ObjectAttrs) error {
		until := object.RetentionExpirationTime // by the bucket's policy
		if own := object.Retention; own != nil && own.RetainUntil.After(until) {
			until = own.RetainUntil
		}
		switch {
		case object.TemporaryHold || object.EventBasedHold:
			return keptBack(native, object.Name+" is under a hold")
		case until.After(b.now()):
			return keptBack(native, object.Name+" is immutable until "+until.UTC().Format(time.RFC3339))
		}
		return nil
	})
	if err == nil {
		group, under := errgroup.WithContext(ctx)
		group.SetLimit(deletions)
		listed := b.versions(under, native, func(object *storage.ObjectAttrs) error {
			group.Go(func() error {
				err := b.client.Bucket(native).Object(object.Name).Generation(object.Generation).Delete(under)
				if errors.Is(err, storage.ErrObjectNotExist) {
					return nil
				}
				return err
			})
			return under.Err()
		})
		if err = group.Wait(); err == nil {
			err = listed
		}
	}
	return b.fail(err, native, "empty backup bucket")
}

func keptBack(bucket, message string) error {
	return &cloud.Error{Code: cloud.CodeProtected, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "empty backup bucket", Message: "object " + message,
		Remedy: "Nobody can delete it before that. Take the bucket out of the state (terraform state rm) if it is no longer to be managed."}
}

// versions calls each for every version of every object, until it fails.
func (b *buckets) versions(ctx context.Context, bucket string, each func(*storage.ObjectAttrs) error) error {
	query := &storage.Query{Versions: true, Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection([]string{"Name", "Generation", "RetentionExpirationTime", "Retention", "TemporaryHold", "EventBasedHold"}); err != nil {
		return err
	}
	objects := b.client.Bucket(bucket).Objects(ctx, query)
	objects.PageInfo().MaxSize = cloud.MaxListedObjects
	for {
		object, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err == nil {
			err = each(object)
		}
		if err != nil {
			return err
		}
	}
}
