package hetzner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Empty implements cloud.Buckets: all versions, markers and unfinished uploads
// go, a thousand versions a request. The store tells of one version at a time
// for how long it is kept, so of a bucket with object lock only the newest is
// asked: it is the one that a default retention keeps longest. Where another has
// a longer retention of its own, it is found when it is to be deleted.
func (b *buckets) Empty(ctx context.Context, native string) error {
	return b.wherever(ctx, native, "empty backup bucket", func(c *s3) error {
		state := &bucketState{name: native}
		if err := c.readLock(ctx, state); err != nil {
			return err
		}
		if state.locked {
			if err := b.checkUnlocked(ctx, c, native); err != nil {
				return err
			}
		}
		if err := c.removeVersions(ctx, native); err != nil {
			return err
		}
		return c.removeUploads(ctx, native)
	})
}

func (b *buckets) checkUnlocked(ctx context.Context, c *s3, bucket string) error {
	var newest minio.ObjectInfo
	for object := range c.versions(ctx, bucket) {
		if object.Err != nil {
			return object.Err
		}
		if !object.IsDeleteMarker && !object.LastModified.Before(newest.LastModified) {
			newest = object
		}
	}
	if newest.Key == "" {
		return nil
	}
	_, until, err := c.GetObjectRetention(ctx, bucket, newest.Key, newest.VersionID)
	switch {
	case s3Code(err) == "ObjectLockConfigurationNotFoundError", s3Code(err) == "NoSuchObjectLockConfiguration":
		return nil
	case err != nil:
		return err
	case until != nil && until.After(b.now()):
		return stillImmutable(bucket, newest.Key, *until)
	}
	return nil
}

func stillImmutable(bucket, key string, until time.Time) error {
	return &cloud.Error{Code: cloud.CodeProtected, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "empty backup bucket",
		Message: fmt.Sprintf("object %s is immutable until %s", key, until.UTC().Format(time.RFC3339)),
		Remedy:  "Nobody can delete it before that. Take the bucket out of the state (terraform state rm) if it is no longer to be managed."}
}

func (c *s3) versions(ctx context.Context, bucket string) <-chan minio.ObjectInfo {
	return c.Client.ListObjects(ctx, bucket, minio.ListObjectsOptions{WithVersions: true, Recursive: true})
}

func (c *s3) removeVersions(ctx context.Context, bucket string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		feed   = make(chan minio.ObjectInfo)
		listed = make(chan error, 1)
	)
	go func() {
		defer close(feed)
		var failed error
		for object := range c.versions(ctx, bucket) {
			if object.Err != nil {
				failed = object.Err
				break
			}
			select {
			case feed <- object:
			case <-ctx.Done():
				failed = ctx.Err()
			}
			if failed != nil {
				break
			}
		}
		listed <- failed
	}()
	var errs []error
	for refused := range c.RemoveObjects(ctx, bucket, feed, minio.RemoveObjectsOptions{}) {
		if len(errs) == 0 {
			errs = append(errs, c.refusal(bucket, refused))
		}
	}
	if len(errs) > 0 {
		stop() // nobody takes what is listed any more
	} else if err := <-listed; err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// refusal explains why a version was not deleted.
func (c *s3) refusal(bucket string, refused minio.RemoveObjectError) error {
	if s3Code(refused.Err) != "AccessDenied" {
		return refused.Err
	}
	return &cloud.Error{Code: cloud.CodeProtected, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "empty backup bucket", Err: refused.Err,
		VendorCode: s3Code(refused.Err), Message: fmt.Sprintf("version %s of object %s cannot be deleted: %s", refused.VersionID, refused.ObjectName, refused.Err),
		Remedy: "An object lock that has not ended, or a hold on the object, keeps it."}
}

func (c *s3) removeUploads(ctx context.Context, bucket string) error {
	key, id := "", ""
	for {
		page, err := c.ListMultipartUploads(ctx, bucket, "", key, id, "", cloud.MaxListedObjects)
		if err != nil {
			return err
		}
		for _, upload := range page.Uploads {
			if err := c.AbortMultipartUpload(ctx, bucket, upload.Key, upload.UploadID); err != nil && s3Code(err) != "NoSuchUpload" {
				return err
			}
		}
		if !page.IsTruncated {
			return nil
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
}
