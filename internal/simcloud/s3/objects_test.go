package s3_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

func TestObjects(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	_, err := owner.Client.PutObject(c.ctx, "acme-backups", "k", strings.NewReader("0123456789"), 10, minio.PutObjectOptions{
		ContentType: "text/plain", CacheControl: "no-store", UserMetadata: map[string]string{"Tenant": "ada"}, UserTags: map[string]string{"tier": "paid"}})
	c.ok(err)
	stat, err := owner.StatObject(c.ctx, "acme-backups", "k", minio.StatObjectOptions{})
	c.ok(err)
	if stat.Size != 10 || stat.ContentType != "text/plain" || stat.UserMetadata["Tenant"] != "ada" || stat.UserTagCount != 1 ||
		stat.Metadata.Get("Cache-Control") != "no-store" || stat.ETag != "781e5e245d69b566979b86e28d23f2c7" {
		t.Errorf("the object is %+v", stat)
	}
	for spec, want := range map[[2]int64]string{{0, 0}: "0", {2, 4}: "234", {0, -3}: "789", {7, 0}: "789"} {
		o := minio.GetObjectOptions{}
		c.ok(o.SetRange(spec[0], spec[1]))
		if got := c.text("acme-backups", "k", o); got != want {
			t.Errorf("the range %v is %q, want %q", spec, got, want)
		}
	}
	for name, test := range map[string]struct {
		header map[string]string
		status int
	}{
		"same tag":           {map[string]string{"If-None-Match": `"` + stat.ETag + `"`}, 304},
		"another tag":        {map[string]string{"If-Match": `"x"`}, 412},
		"not modified since": {map[string]string{"If-Modified-Since": stat.LastModified.Format(time.RFC1123)}, 200}, // no HTTP date: ignored
		"modified long ago":  {map[string]string{"If-Modified-Since": stat.LastModified.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}, 304},
		"unmodified":         {map[string]string{"If-Unmodified-Since": stat.LastModified.Add(-time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}, 412},
		"two ranges":         {map[string]string{"Range": "bytes=0-1,3-4"}, 200},
	} {
		if status, _, _ := c.raw("GET", "/acme-backups/k", "", "OWNER", test.header); status != test.status && !(name == "not modified since" && status == 304) {
			t.Errorf("%s: %d, want %d", name, status, test.status)
		}
	}
	set, err := tags.NewTags(map[string]string{"a": "b"}, true)
	c.ok(err)
	c.ok(owner.PutObjectTagging(c.ctx, "acme-backups", "k", set, minio.PutObjectTaggingOptions{}))
	if got, err := owner.GetObjectTagging(c.ctx, "acme-backups", "k", minio.GetObjectTaggingOptions{}); err != nil || got.String() != "a=b" {
		t.Errorf("tags %v, %v", got, err)
	}
	c.ok(owner.RemoveObjectTagging(c.ctx, "acme-backups", "k", minio.RemoveObjectTaggingOptions{}))

	copied, err := owner.Client.CopyObject(c.ctx, minio.CopyDestOptions{Bucket: "acme-backups", Object: "ü b/k2"}, minio.CopySrcOptions{Bucket: "acme-backups", Object: "k"})
	c.ok(err)
	if got := c.text("acme-backups", "ü b/k2", minio.GetObjectOptions{}); got != "0123456789" || copied.ETag != stat.ETag {
		t.Errorf("the copy is %q, %+v", got, copied)
	}
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "k", minio.RemoveObjectOptions{}))
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "k", minio.RemoveObjectOptions{}))
	if got := c.text("acme-backups", "ü b/k2", minio.GetObjectOptions{}); got != "0123456789" {
		t.Errorf("without its source the copy is %q", got)
	}
}

func TestCustomerKeys(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	key := func(b byte) map[string]string {
		sse, err := encrypt.NewSSEC(bytes.Repeat([]byte{b}, 32))
		c.ok(err)
		h := map[string]string{}
		r := make(map[string][]string)
		sse.Marshal(r)
		for k, v := range r {
			h[k] = v[0]
		}
		return h
	}
	if status, body, _ := c.raw("PUT", "/acme-backups/k", "secret", "OWNER", key(1)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for name, test := range map[string]struct {
		header map[string]string
		status int
	}{"its key": {key(1), 200}, "another": {key(2), 403}, "none": {nil, 400}} {
		if status, body, _ := c.raw("GET", "/acme-backups/k", "", "OWNER", test.header); status != test.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestVersions(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "null")
	c.ok(owner.EnableVersioning(c.ctx, "acme-backups"))
	one, two := c.put("acme-backups", "k", "1"), c.put("acme-backups", "k", "2")
	c.expect("acme-backups", "k 2, k 1, k null")
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{VersionID: "null"}); got != "null" || one == two {
		t.Errorf("the null version is %q; the others are %s, %s", got, one, two)
	}
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "k", minio.RemoveObjectOptions{VersionID: two}))
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != "1" {
		t.Errorf("after the newest was destroyed the object is %q", got)
	}
	c.ok(owner.Client.RemoveObject(c.ctx, "acme-backups", "k", minio.RemoveObjectOptions{}))
	c.expect("acme-backups", "k (marker), k 1, k null")
	c.ok(owner.SuspendVersioning(c.ctx, "acme-backups"))
	c.put("acme-backups", "k", "3")
	c.expect("acme-backups", "k 3, k (marker), k 1")
	if v, err := owner.GetBucketVersioning(c.ctx, "acme-backups"); err != nil || v.Status != "Suspended" {
		t.Errorf("versioning %+v, %v", v, err)
	}
}

func TestMultipart(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	content := bytes.Repeat([]byte("0123456789abcdef"), 700_000) // 11.2 MB: three parts
	info, err := owner.Client.PutObject(c.ctx, "acme-backups", "large", bytes.NewReader(content), -1, minio.PutObjectOptions{PartSize: 5 << 20})
	c.ok(err)
	if !strings.HasSuffix(info.ETag, "-3") || info.Size != int64(len(content)) {
		t.Errorf("stored %+v", info)
	}
	if got := c.text("acme-backups", "large", minio.GetObjectOptions{}); got != string(content) {
		t.Errorf("%d bytes came back", len(got))
	}
	o := minio.GetObjectOptions{}
	c.ok(o.SetRange(5<<20-3, 5<<20+2)) // across two parts
	if got, want := c.text("acme-backups", "large", o), string(content[5<<20-3:5<<20+3]); got != want {
		t.Errorf("the range is %q, want %q", got, want)
	}

	id, err := owner.NewMultipartUpload(c.ctx, "acme-backups", "k", minio.PutObjectOptions{})
	c.ok(err)
	part := func(n int, text string) minio.CompletePart {
		p, err := owner.PutObjectPart(c.ctx, "acme-backups", "k", id, n, strings.NewReader(text), int64(len(text)), minio.PutObjectPartOptions{})
		c.ok(err)
		return minio.CompletePart{PartNumber: n, ETag: p.ETag}
	}
	small, last := part(1, "small"), part(2, "last")
	_, err = owner.CompleteMultipartUpload(c.ctx, "acme-backups", "k", id, []minio.CompletePart{small, last}, minio.PutObjectOptions{})
	c.refused(err, "EntityTooSmall")
	_, err = owner.CompleteMultipartUpload(c.ctx, "acme-backups", "k", id, []minio.CompletePart{last, small}, minio.PutObjectOptions{})
	c.refused(err, "InvalidPartOrder")
	_, err = owner.CompleteMultipartUpload(c.ctx, "acme-backups", "k", id, []minio.CompletePart{{PartNumber: 1, ETag: last.ETag}}, minio.PutObjectOptions{})
	c.refused(err, "InvalidPart")
	parts, err := owner.ListObjectParts(c.ctx, "acme-backups", "k", id, 0, 1)
	c.ok(err)
	if len(parts.ObjectParts) != 1 || !parts.IsTruncated || parts.NextPartNumberMarker != 1 {
		t.Errorf("a page of parts: %+v", parts)
	}
	list, err := owner.ListMultipartUploads(c.ctx, "acme-backups", "", "", "", "", 10)
	c.ok(err)
	if len(list.Uploads) != 1 || list.Uploads[0].UploadID != id {
		t.Errorf("uploads: %+v", list.Uploads)
	}
	_, err = owner.CompleteMultipartUpload(c.ctx, "acme-backups", "k", id, []minio.CompletePart{last}, minio.PutObjectOptions{})
	c.ok(err)
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != "last" {
		t.Errorf("completed as %q", got)
	}
	id, err = owner.NewMultipartUpload(c.ctx, "acme-backups", "k", minio.PutObjectOptions{})
	c.ok(err)
	_, err = owner.CopyObjectPart(c.ctx, "acme-backups", "large", "acme-backups", "k", id, 1, 16, 4, nil)
	c.ok(err)
	c.ok(owner.AbortMultipartUpload(c.ctx, "acme-backups", "k", id))
	c.refused(owner.AbortMultipartUpload(c.ctx, "acme-backups", "k", id), "NoSuchUpload")
}

// TestListings compares pages of every length with a plain computation.
func TestListings(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	r := rand.New(rand.NewPCG(1, 2))
	set := map[string]bool{}
	for range 60 {
		key := ""
		for range 1 + r.IntN(4) {
			key += []string{"a", "b", "/", "ü", "a/", " "}[r.IntN(6)]
		}
		if key = strings.TrimLeft(key, "/"); strings.TrimSpace(key) == "" || strings.Contains(key, "//") {
			continue
		}
		set[key] = true
		c.put("acme-backups", key, key)
	}
	var keys []string
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "a", "a/", "b", "zz"} {
		for _, delimiter := range []string{"", "/"} {
			var want []string
			for _, k := range keys {
				if !strings.HasPrefix(k, prefix) {
					continue
				}
				if i := strings.Index(k[len(prefix):], "/"); delimiter != "" && i >= 0 {
					k = k[:len(prefix)+i+1] + "…"
				}
				if len(want) == 0 || want[len(want)-1] != k {
					want = append(want, k)
				}
			}
			for _, most := range []int{1, 3, 1000} {
				for version := range 2 {
					got := c.pages(owner, version, prefix, delimiter, most)
					if !slices.Equal(got, want) {
						t.Errorf("prefix %q, delimiter %q, %d a page, version %d:\n%q\nwant\n%q", prefix, delimiter, most, version+1, got, want)
					}
				}
			}
		}
	}
}

// pages reads all pages, keys and folded beginnings together in their order.
func (c *cloud) pages(core *minio.Core, version int, prefix, delimiter string, most int) []string {
	c.t.Helper()
	var out []string
	marker, token := "", ""
	for range 200 {
		var contents []minio.ObjectInfo
		var folded []minio.CommonPrefix
		var more bool
		if version == 0 {
			page, err := core.ListObjects("acme-backups", prefix, marker, delimiter, most)
			c.ok(err)
			contents, folded, more, marker = page.Contents, page.CommonPrefixes, page.IsTruncated, page.NextMarker
		} else {
			page, err := core.ListObjectsV2("acme-backups", prefix, "", token, delimiter, most)
			c.ok(err)
			contents, folded, more, token = page.Contents, page.CommonPrefixes, page.IsTruncated, page.NextContinuationToken
		}
		if len(contents)+len(folded) > most {
			c.t.Errorf("%d entries on a page of %d", len(contents)+len(folded), most)
		}
		var entries []string
		for _, o := range contents {
			entries = append(entries, o.Key)
		}
		for _, p := range folded {
			entries = append(entries, p.Prefix+"…")
		}
		slices.SortFunc(entries, func(a, b string) int {
			return strings.Compare(strings.TrimSuffix(a, "…"), strings.TrimSuffix(b, "…"))
		})
		out = append(out, entries...)
		if !more {
			return out
		}
	}
	c.t.Fatal("the pages have no end")
	return nil
}

// TestVersionPages reads versions three at a time.
func TestVersionPages(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.ok(c.core("OWNER").EnableVersioning(c.ctx, "acme-backups"))
	var want []string
	for _, key := range []string{"a/1", "b", "c"} {
		for n := range 4 {
			id := c.put("acme-backups", key, fmt.Sprint(n))
			want = append(want, key+" "+id)
		}
	}
	for i := 0; i < len(want); i += 4 {
		slices.Reverse(want[i : i+4])
	}
	var got []string
	marker := ""
	for range 10 {
		_, body, _ := c.raw("GET", "/acme-backups?max-keys=3&versions="+marker, "", "OWNER", nil)
		for _, v := range strings.Split(body, "<Version>")[1:] {
			got = append(got, between(v, "<Key>", "</Key>")+" "+between(v, "<VersionId>", "</VersionId>"))
		}
		if !strings.Contains(body, "<IsTruncated>true") {
			break
		}
		marker = "&key-marker=" + strings.ReplaceAll(between(body, "<NextKeyMarker>", "<"), "/", "%2F") + "&version-id-marker=" + between(body, "<NextVersionIdMarker>", "<")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func TestFaults(t *testing.T) {
	c := newCloud(t, s3.Options{RateLimit: 3})
	c.bucket("acme-backups", false)
	for range 3 {
		c.raw("GET", "/acme-backups", "", "OWNER", nil)
	}
	if status, body, _ := c.raw("GET", "/acme-backups", "", "OWNER", nil); status != 503 || !strings.Contains(body, "SlowDown") {
		t.Errorf("over the limit: %d %s", status, body)
	}
	c.advance(time.Second)
	add := func(f engine.Fault) {
		c.eng.Faults.Clear()
		_, err := c.eng.Faults.Add(f)
		c.ok(err)
	}
	add(engine.Fault{Kind: engine.FaultLocationLost, Location: "fsn1", Cloud: "hetzner"})
	_, err := c.core("OWNER").BucketExists(c.ctx, "acme-backups")
	if err == nil || minio.ToErrorResponse(err).StatusCode != 503 {
		t.Errorf("in a lost location: %v", err)
	}
	if _, err := c.coreAt("nbg1", "OWNER").ListBuckets(c.ctx); err != nil {
		t.Errorf("in another: %v", err)
	}
	add(engine.Fault{Kind: engine.FaultLocationLost, Location: "fsn1", Mode: engine.ModeDrop})
	if _, err := c.core("OWNER").BucketExists(c.ctx, "acme-backups"); err == nil || minio.ToErrorResponse(err).StatusCode != 0 && minio.ToErrorResponse(err).Code != "" {
		t.Errorf("a dropped connection: %v", err)
	}
	add(engine.Fault{Kind: engine.FaultDropAfter, Cloud: "s3", Method: "PUT"})
	c.advance(time.Second)
	if _, err := c.core("OWNER").Client.PutObject(c.ctx, "acme-backups", "k", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err == nil {
		t.Error("the answer was not lost")
	}
	c.eng.Faults.Clear()
	c.advance(time.Second)
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != "x" {
		t.Errorf("but the object is %q", got)
	}
	add(engine.Fault{Kind: engine.FaultError, Status: 503, Path: "^/s3/fsn1/"})
	if status, body, _ := c.raw("GET", "/acme-backups", "", "OWNER", nil); status != 503 || !strings.Contains(body, "ServiceUnavailable") {
		t.Errorf("an injected error: %d %s", status, body)
	}
	counts := c.api.Recorder().Snapshot()
	if counts.Routes["PUT /s3/{location}/{bucket}/{key}"] == 0 || counts.Routes["GET /s3/{location}/{bucket}"] == 0 || counts.Status[0] == 0 {
		t.Errorf("counted %+v", counts)
	}
}
