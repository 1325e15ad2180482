package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

func ptr[T any](v T) *T { return &v }

// lockBy sets a bucket's default retention of 30 days.
func (c *cloud) lockBy(bucket string, mode minio.RetentionMode) {
	c.t.Helper()
	c.ok(c.core("OWNER").SetObjectLockConfig(c.ctx, bucket, &mode, ptr(uint(30)), ptr(minio.Days)))
}

// TestImmutable tries every way to destroy a version in compliance mode, with the
// account's own keys, before its time and after.
func TestImmutable(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-immutable", true)
	c.lockBy("acme-immutable", minio.Compliance)
	enabled, mode, days, unit, err := owner.GetObjectLockConfig(c.ctx, "acme-immutable")
	c.ok(err)
	if enabled != "Enabled" || *mode != minio.Compliance || *days != 30 || *unit != minio.Days {
		t.Errorf("the lock is %s %s %d %s", enabled, *mode, *days, *unit)
	}
	id := c.put("acme-immutable", "snapshots/1", "precious")
	gone, until, err := owner.GetObjectRetention(c.ctx, "acme-immutable", "snapshots/1", id)
	c.ok(err)
	if want := c.eng.Clock.Now().AddDate(0, 0, 30); *gone != minio.Compliance || until.Sub(want).Abs() > time.Second {
		t.Errorf("retention %s until %s, want %s", *gone, until, want)
	}

	still := func(how string) {
		t.Helper()
		if got := c.text("acme-immutable", "snapshots/1", minio.GetObjectOptions{VersionID: id}); got != "precious" {
			t.Errorf("%s: the version is %q", how, got)
		}
	}
	remove := func(o minio.RemoveObjectOptions) error {
		return owner.Client.RemoveObject(c.ctx, "acme-immutable", "snapshots/1", o)
	}
	c.refused(remove(minio.RemoveObjectOptions{VersionID: id}), "AccessDenied")
	c.refused(remove(minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: true}), "AccessDenied")
	status, body, _ := c.raw("DELETE", "/acme-immutable/snapshots/1?versionId="+id, "", "OWNER", map[string]string{"X-Amz-Bypass-Governance-Retention": "true"})
	if status != 403 || !strings.Contains(body, "object lock") {
		t.Errorf("raw: %d %s", status, body)
	}
	status, body, _ = c.raw("POST", "/acme-immutable?delete=", "<Delete><Object><Key>snapshots/1</Key><VersionId>"+id+"</VersionId></Object></Delete>", "OWNER", nil)
	if status != 200 || !strings.Contains(body, "<Error><Key>snapshots/1</Key>") || !strings.Contains(body, "AccessDenied") {
		t.Errorf("many at once: %d %s", status, body)
	}
	still("after deletions")
	c.refused(owner.PutObjectRetention(c.ctx, "acme-immutable", "snapshots/1", minio.PutObjectRetentionOptions{VersionID: id,
		GovernanceBypass: true, Mode: ptr(minio.Compliance), RetainUntilDate: ptr(c.eng.Clock.Now().Add(day))}), "AccessDenied")
	c.refused(owner.PutObjectRetention(c.ctx, "acme-immutable", "snapshots/1", minio.PutObjectRetentionOptions{VersionID: id,
		GovernanceBypass: true, Mode: ptr(minio.Governance), RetainUntilDate: ptr(c.eng.Clock.Now().Add(90 * day))}), "AccessDenied")
	c.refused(owner.PutObjectRetention(c.ctx, "acme-immutable", "snapshots/1", minio.PutObjectRetentionOptions{VersionID: id, GovernanceBypass: true}), "AccessDenied")
	c.refused(owner.SuspendVersioning(c.ctx, "acme-immutable"), "InvalidBucketState")
	c.refused(owner.RemoveBucket(c.ctx, "acme-immutable"), "BucketNotEmpty")

	c.put("acme-immutable", "snapshots/1", "overwritten")
	still("after an overwrite")
	c.ok(remove(minio.RemoveObjectOptions{}))
	_, err = owner.StatObject(c.ctx, "acme-immutable", "snapshots/1", minio.StatObjectOptions{})
	c.refused(err, "NoSuchKey")
	still("behind a delete marker")

	c.advance(30*day - time.Minute)
	c.refused(remove(minio.RemoveObjectOptions{VersionID: id}), "AccessDenied")
	c.advance(2 * time.Minute)
	c.ok(remove(minio.RemoveObjectOptions{VersionID: id}))
	if status, body, _ := c.raw("GET", "/acme-immutable/snapshots/1?versionId="+id, "", "OWNER", nil); status != 404 || !strings.Contains(body, "NoSuchVersion") {
		t.Errorf("after its time: %d %s", status, body)
	}
}

func TestGovernanceAndHolds(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-governed", true)
	c.lockBy("acme-governed", minio.Governance)
	remove := func(key string, o minio.RemoveObjectOptions) error {
		return owner.Client.RemoveObject(c.ctx, "acme-governed", key, o)
	}
	id := c.put("acme-governed", "k", "x")
	c.refused(remove("k", minio.RemoveObjectOptions{VersionID: id}), "AccessDenied")
	c.ok(remove("k", minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: true}))

	id = c.put("acme-governed", "k", "x")
	later := ptr(c.eng.Clock.Now().Add(90 * day))
	c.ok(owner.PutObjectRetention(c.ctx, "acme-governed", "k", minio.PutObjectRetentionOptions{VersionID: id, Mode: ptr(minio.Governance), RetainUntilDate: later}))
	c.refused(owner.PutObjectRetention(c.ctx, "acme-governed", "k", minio.PutObjectRetentionOptions{VersionID: id, Mode: ptr(minio.Governance),
		RetainUntilDate: ptr(c.eng.Clock.Now().Add(day))}), "AccessDenied")
	c.ok(owner.PutObjectRetention(c.ctx, "acme-governed", "k", minio.PutObjectRetentionOptions{VersionID: id, GovernanceBypass: true}))
	_, _, err := owner.GetObjectRetention(c.ctx, "acme-governed", "k", id)
	c.refused(err, "ObjectLockConfigurationNotFoundError")

	c.ok(owner.PutObjectLegalHold(c.ctx, "acme-governed", "k", minio.PutObjectLegalHoldOptions{VersionID: id, Status: ptr(minio.LegalHoldEnabled)}))
	if hold, err := owner.GetObjectLegalHold(c.ctx, "acme-governed", "k", minio.GetObjectLegalHoldOptions{VersionID: id}); err != nil || *hold != minio.LegalHoldEnabled {
		t.Errorf("hold %v, %v", hold, err)
	}
	c.refused(remove("k", minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: true}), "AccessDenied")
	c.ok(owner.PutObjectLegalHold(c.ctx, "acme-governed", "k", minio.PutObjectLegalHoldOptions{VersionID: id, Status: ptr(minio.LegalHoldDisabled)}))
	c.ok(remove("k", minio.RemoveObjectOptions{VersionID: id}))

	info, err := owner.Client.PutObject(c.ctx, "acme-governed", "own", strings.NewReader("x"), 1, minio.PutObjectOptions{
		Mode: minio.Compliance, RetainUntilDate: c.eng.Clock.Now().Add(day), LegalHold: minio.LegalHoldEnabled})
	c.ok(err)
	c.refused(remove("own", minio.RemoveObjectOptions{VersionID: info.VersionID, GovernanceBypass: true}), "AccessDenied")
	stat, err := owner.StatObject(c.ctx, "acme-governed", "own", minio.StatObjectOptions{})
	c.ok(err)
	if got := stat.Metadata.Get("X-Amz-Object-Lock-Mode") + stat.Metadata.Get("X-Amz-Object-Lock-Legal-Hold"); got != "COMPLIANCEON" {
		t.Errorf("the headers say %q", got)
	}
	_, err = owner.Client.PutObject(c.ctx, "acme-governed", "past", strings.NewReader("x"), 1, minio.PutObjectOptions{
		Mode: minio.Compliance, RetainUntilDate: c.eng.Clock.Now().Add(-day)})
	c.refused(err, "InvalidArgument")
}

// TestLockOverRestart opens the data file anew.
func TestLockOverRestart(t *testing.T) {
	dir := t.TempDir()
	c := openCloud(t, s3.Options{}, dir)
	c.bucket("acme-immutable", true)
	c.lockBy("acme-immutable", minio.Compliance)
	id := c.put("acme-immutable", "k", "precious")
	c.put("acme-immutable", "k", "precious too")
	c.stop()

	c = openCloud(t, s3.Options{}, dir)
	if got := c.text("acme-immutable", "k", minio.GetObjectOptions{VersionID: id}); got != "precious" {
		t.Errorf("got %q", got)
	}
	if got := c.text("acme-immutable", "k", minio.GetObjectOptions{}); got != "precious too" {
		t.Errorf("got %q", got)
	}
	c.refused(c.core("OWNER").Client.RemoveObject(c.ctx, "acme-immutable", "k", minio.RemoveObjectOptions{VersionID: id}), "AccessDenied")
}
