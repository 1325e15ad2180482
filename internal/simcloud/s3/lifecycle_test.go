package s3_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// state lists all versions of a bucket, newest first: "key text" or "key (marker)".
func (c *cloud) state(bucket string) string {
	c.t.Helper()
	var out []string
	for o := range c.core("OWNER").Client.ListObjects(c.ctx, bucket, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
		c.ok(o.Err)
		if o.IsDeleteMarker {
			out = append(out, o.Key+" (marker)")
			continue
		}
		out = append(out, o.Key+" "+c.text(bucket, o.Key, minio.GetObjectOptions{VersionID: o.VersionID}))
	}
	return strings.Join(out, ", ")
}

func (c *cloud) expect(bucket, want string) {
	c.t.Helper()
	if got := c.state(bucket); got != want {
		c.t.Errorf("at %s: %s; want %s", c.eng.Clock.Now(), got, want)
	}
}

func TestLifecycle(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	c.ok(owner.EnableVersioning(c.ctx, "acme-backups"))
	config := lifecycle.NewConfiguration()
	config.Rules = []lifecycle.Rule{
		{ID: "logs", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "logs/"}, Expiration: lifecycle.Expiration{Days: 3}},
		{ID: "old", Status: "Enabled", NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 2}},
		{ID: "markers", Status: "Enabled", Expiration: lifecycle.Expiration{DeleteMarker: true}},
		{ID: "off", Status: "Disabled", Expiration: lifecycle.Expiration{Days: 1}},
	}
	c.ok(owner.SetBucketLifecycle(c.ctx, "acme-backups", config))
	got, err := owner.GetBucketLifecycle(c.ctx, "acme-backups")
	c.ok(err)
	if len(got.Rules) != 4 || got.Rules[0].RuleFilter.Prefix != "logs/" || got.Rules[1].NoncurrentVersionExpiration.NoncurrentDays != 2 || !bool(got.Rules[2].Expiration.DeleteMarker) {
		t.Errorf("came back as %+v", got.Rules)
	}

	c.put("acme-backups", "logs/a", "1")
	c.put("acme-backups", "kept", "1")
	c.put("acme-backups", "kept", "2")
	c.expect("acme-backups", "kept 2, kept 1, logs/a 1")
	c.advance(2 * day)
	c.expect("acme-backups", "kept 2, kept 1, logs/a 1") // 36 h at the last midnight
	c.advance(day)                                       // 2.5 days
	c.expect("acme-backups", "kept 2, logs/a 1")
	c.advance(day) // 3.5 days
	c.expect("acme-backups", "kept 2, logs/a (marker), logs/a 1")
	c.advance(2 * day) // and what was hidden ends, and then its marker
	c.expect("acme-backups", "kept 2")
	c.ok(owner.SetBucketLifecycle(c.ctx, "acme-backups", lifecycle.NewConfiguration()))
	_, err = owner.GetBucketLifecycle(c.ctx, "acme-backups")
	c.refused(err, "NoSuchLifecycleConfiguration")
}

// TestLifecycleAtOnce lets many midnights pass unobserved: the result is the same
// as if somebody had looked every day.
func TestLifecycleAtOnce(t *testing.T) {
	for _, steps := range []int{1, 20} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			c := newCloud(t, s3.Options{})
			c.bucket("acme-backups", false)
			c.ok(c.core("OWNER").EnableVersioning(c.ctx, "acme-backups"))
			config := lifecycle.NewConfiguration()
			config.Rules = []lifecycle.Rule{{ID: "all", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 5},
				NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 4, NewerNoncurrentVersions: 1}}}
			c.ok(c.core("OWNER").SetBucketLifecycle(c.ctx, "acme-backups", config))
			for i := range 3 {
				c.put("acme-backups", "k", fmt.Sprint(i))
				c.advance(time.Second)
			}
			for range steps {
				c.advance(20 * day / time.Duration(steps))
				c.state("acme-backups")
			}
			c.expect("acme-backups", "k (marker), k 2")
		})
	}
}

// TestLifecycleNeverDestroysWhatIsLocked lets a rule meet a retention.
func TestLifecycleNeverDestroysWhatIsLocked(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-immutable", true)
	c.lockBy("acme-immutable", minio.Compliance) // 30 days
	config := lifecycle.NewConfiguration()
	config.Rules = []lifecycle.Rule{{ID: "all", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 1},
		NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1}}}
	c.ok(c.core("OWNER").SetBucketLifecycle(c.ctx, "acme-immutable", config))
	c.put("acme-immutable", "k", "precious")
	c.advance(29 * day)
	c.expect("acme-immutable", "k (marker), k precious")
	c.advance(2 * day)
	c.expect("acme-immutable", "k (marker)")
}

func TestUnfinishedUploadsEnd(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	config := lifecycle.NewConfiguration()
	config.Rules = []lifecycle.Rule{{ID: "u", Status: "Enabled", AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: 2}}}
	c.ok(owner.SetBucketLifecycle(c.ctx, "acme-backups", config))
	id, err := owner.NewMultipartUpload(c.ctx, "acme-backups", "k", minio.PutObjectOptions{})
	c.ok(err)
	c.advance(day)
	_, err = owner.ListObjectParts(c.ctx, "acme-backups", "k", id, 0, 10)
	c.ok(err)
	c.advance(2 * day)
	_, err = owner.ListObjectParts(c.ctx, "acme-backups", "k", id, 0, 10)
	c.refused(err, "NoSuchUpload")
}
