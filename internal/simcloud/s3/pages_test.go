package s3_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// TestPagesGoOnBehindWhatIsGone: whoever empties a bucket deletes each page
// before it asks for the next, which begins behind what is there no longer.
func TestPagesGoOnBehindWhatIsGone(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	c.put("acme-backups", "status", "before there were versions")
	c.ok(owner.EnableVersioning(c.ctx, "acme-backups"))
	for i := range 4 {
		c.put("acme-backups", "status", fmt.Sprint(i))
	}
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "status", minio.RemoveObjectOptions{})) // leaves a marker
	removed, query := 0, url.Values{"versions": {""}, "max-keys": {"1"}}
	for more := true; more; {
		var page struct {
			IsTruncated         bool
			NextKeyMarker       string
			NextVersionIDMarker string `xml:"NextVersionIdMarker"`
			Version             []struct {
				VersionID string `xml:"VersionId"`
			}
			DeleteMarker []struct {
				VersionID string `xml:"VersionId"`
			}
		}
		status, body, _ := c.raw("GET", "/acme-backups?"+query.Encode(), "", "OWNER", nil)
		c.ok(xml.Unmarshal([]byte(body), &page))
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		for _, v := range append(page.Version, page.DeleteMarker...) {
			c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "status", minio.RemoveObjectOptions{VersionID: v.VersionID}))
			removed++
		}
		query.Set("key-marker", page.NextKeyMarker)
		query.Set("version-id-marker", page.NextVersionIDMarker)
		more = page.IsTruncated
	}
	if removed != 6 {
		t.Errorf("%d versions were shown", removed)
	}
	for range 5 {
		_, err := owner.NewMultipartUpload(c.ctx, "acme-backups", "data", minio.PutObjectOptions{})
		c.ok(err)
	}
	aborted, key, id := 0, "", ""
	for more := true; more; {
		page, err := owner.ListMultipartUploads(c.ctx, "acme-backups", "", key, id, "", 2)
		c.ok(err)
		for _, upload := range page.Uploads {
			c.ok(owner.AbortMultipartUpload(c.ctx, "acme-backups", upload.Key, upload.UploadID))
			aborted++
		}
		key, id, more = page.NextKeyMarker, page.NextUploadIDMarker, page.IsTruncated
	}
	if aborted != 5 {
		t.Errorf("%d uploads were shown", aborted)
	}
}
