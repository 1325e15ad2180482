package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

func TestBuckets(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner, stranger := c.core("OWNER"), c.core("STRANGER")
	c.bucket("acme-backups", false)
	c.refused(owner.MakeBucket(c.ctx, "acme-backups", minio.MakeBucketOptions{}), "BucketAlreadyOwnedByYou")
	c.refused(stranger.MakeBucket(c.ctx, "acme-backups", minio.MakeBucketOptions{}), "BucketAlreadyExists")
	c.refused(c.coreAt("hel1", "OWNER").MakeBucket(c.ctx, "acme-backups", minio.MakeBucketOptions{}), "BucketAlreadyOwnedByYou")
	c.refused(owner.MakeBucket(c.ctx, "acme-elsewhere", minio.MakeBucketOptions{Region: "hel1"}), "InvalidLocationConstraint")
	status, body, _ := c.raw("PUT", "/Acme", "", "OWNER", nil)
	if status != 400 || !strings.Contains(body, "InvalidBucketName") {
		t.Errorf("a bad name: %d %s", status, body)
	}
	c.ok(c.coreAt("hel1", "OWNER").MakeBucket(c.ctx, "acme-north", minio.MakeBucketOptions{Region: "hel1"}))

	list, err := owner.ListBuckets(c.ctx)
	c.ok(err)
	if len(list) != 1 || list[0].Name != "acme-backups" {
		t.Errorf("fsn1 lists %v", list)
	}
	if list, err = stranger.ListBuckets(c.ctx); err != nil || len(list) != 0 {
		t.Errorf("a stranger's list: %v, %v", list, err)
	}
	if at, err := owner.GetBucketLocation(c.ctx, "acme-backups"); err != nil || at != "fsn1" {
		t.Errorf("location %q, %v", at, err)
	}
	if there, err := owner.BucketExists(c.ctx, "acme-north"); err != nil || there {
		t.Errorf("hel1's bucket at fsn1: %t, %v", there, err)
	}
	for _, access := range []string{"STRANGER", ""} {
		_, err := c.core(access).BucketExists(c.ctx, "acme-backups")
		c.refused(err, "AccessDenied")
	}
	c.put("acme-backups", "k", "x")
	c.refused(owner.RemoveBucket(c.ctx, "acme-backups"), "BucketNotEmpty")
	c.refused(stranger.RemoveBucket(c.ctx, "acme-backups"), "AccessDenied")
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "k", minio.RemoveObjectOptions{}))
	c.ok(owner.RemoveBucket(c.ctx, "acme-backups"))
	c.refused(owner.RemoveBucket(c.ctx, "acme-backups"), "NoSuchBucket")
}

func TestBucketTags(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	owner := c.core("OWNER")
	_, err := owner.GetBucketTagging(c.ctx, "acme-backups")
	c.refused(err, "NoSuchTagSet")
	want, err := tags.NewTags(map[string]string{"deployment": "acme-eu", "tier": "paid"}, false)
	c.ok(err)
	c.ok(owner.SetBucketTagging(c.ctx, "acme-backups", want))
	got, err := owner.GetBucketTagging(c.ctx, "acme-backups")
	c.ok(err)
	if got.String() != want.String() {
		t.Errorf("got %s, want %s", got, want)
	}
	c.ok(owner.RemoveBucketTagging(c.ctx, "acme-backups"))
	_, err = owner.GetBucketTagging(c.ctx, "acme-backups")
	c.refused(err, "NoSuchTagSet")
}

// TestRefusals are what is configured nowhere or built nowhere.
func TestRefusals(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "x")
	tests := map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		code               string
	}{
		"encryption":         {"GET", "/acme-backups?encryption=", "", nil, 404, "ServerSideEncryptionConfigurationNotFoundError"},
		"set encryption":     {"PUT", "/acme-backups?encryption=", "<x/>", nil, 501, "NotImplemented"},
		"website":            {"GET", "/acme-backups?website=", "", nil, 404, "NoSuchWebsiteConfiguration"},
		"set website":        {"PUT", "/acme-backups?website=", "<x/>", nil, 501, "NotImplemented"},
		"replication":        {"PUT", "/acme-backups?replication=", "<x/>", nil, 501, "NotImplemented"},
		"policy":             {"GET", "/acme-backups?policy=", "", nil, 404, "NoSuchBucketPolicy"},
		"lifecycle":          {"GET", "/acme-backups?lifecycle=", "", nil, 404, "NoSuchLifecycleConfiguration"},
		"broken lifecycle":   {"PUT", "/acme-backups?lifecycle=", "<x", nil, 400, "MalformedXML"},
		"lock":               {"GET", "/acme-backups?object-lock=", "", nil, 404, "ObjectLockConfigurationNotFoundError"},
		"late lock":          {"PUT", "/acme-backups?object-lock=", "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>", nil, 409, "InvalidBucketState"},
		"retention":          {"PUT", "/acme-backups/k?retention=", "<Retention/>", nil, 400, "InvalidRequest"},
		"hold at put":        {"PUT", "/acme-backups/k", "x", map[string]string{"X-Amz-Object-Lock-Legal-Hold": "ON"}, 400, "InvalidRequest"},
		"broken versioning":  {"PUT", "/acme-backups?versioning=", "<VersioningConfiguration/>", nil, 400, "MalformedXML"},
		"SSE-S3":             {"PUT", "/acme-backups/k", "x", map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}, 501, "NotImplemented"},
		"torrent":            {"GET", "/acme-backups/k?torrent=", "", nil, 501, "NotImplemented"},
		"a form":             {"POST", "/acme-backups", "x", nil, 405, "MethodNotAllowed"},
		"no object":          {"GET", "/acme-backups/nothing", "", nil, 404, "NoSuchKey"},
		"no version":         {"GET", "/acme-backups/k?versionId=x", "", nil, 404, "NoSuchVersion"},
		"no bucket":          {"GET", "/acme-nothing/k", "", nil, 404, "NoSuchBucket"},
		"no upload":          {"DELETE", "/acme-backups/k?uploadId=x", "", nil, 404, "NoSuchUpload"},
		"a range past it":    {"GET", "/acme-backups/k", "", map[string]string{"Range": "bytes=9-"}, 416, "InvalidRange"},
		"grants in headers":  {"PUT", "/acme-backups?acl=", "", map[string]string{"X-Amz-Grant-Read": "id=x"}, 501, "NotImplemented"},
		"an unknown list":    {"PUT", "/acme-backups?acl=", "", map[string]string{"X-Amz-Acl": "x"}, 400, "InvalidArgument"},
		"a wrong conditions": {"PUT", "/acme-backups/k", "x", map[string]string{"If-None-Match": "*"}, 412, "PreconditionFailed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, body, _ := c.raw(test.method, test.path, test.body, "OWNER", test.header)
			if status != test.status || !strings.Contains(body, "<Code>"+test.code+"</Code>") {
				t.Errorf("status %d, want %d %s: %s", status, test.status, test.code, body)
			}
		})
	}
	if status, _, _ := c.raw(http.MethodHead, "/acme-backups/nothing", "", "OWNER", nil); status != 404 {
		t.Errorf("HEAD of nothing: %d", status)
	}
}
