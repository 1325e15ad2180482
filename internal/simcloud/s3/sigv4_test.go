package s3_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// signByHand signs as Amazon's description says, written apart from what is tested.
func signByHand(r *http.Request, body, access, secret string, at time.Time) {
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	mac := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	stamp := at.Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		r.Header.Set("X-Amz-Content-Sha256", sum(body))
	}
	names := []string{"host"}
	for k := range r.Header {
		names = append(names, strings.ToLower(k))
	}
	slices.Sort(names)
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20") + "\n"
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.URL.Host
		}
		canonical += n + ":" + v + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	scope := stamp[:8] + "/fsn1/s3/aws4_request"
	key := []byte("AWS4" + secret)
	for _, p := range strings.Split(scope, "/") {
		key = mac(key, p)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+sum(canonical)))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+access+"/"+scope+", SignedHeaders="+strings.Join(names, ";")+", Signature="+signature)
}

func TestSignatures(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "a b/ü+=&.txt", "hello")

	request := func(change func(*http.Request), secret string, at time.Time) (int, string) {
		r, err := http.NewRequestWithContext(c.ctx, "GET", c.urls["fsn1"]+"/acme-backups/"+url.PathEscape("a b")+"/"+url.PathEscape("ü+=&.txt"), nil)
		c.ok(err)
		signByHand(r, "", "OWNER", secret, at)
		change(r)
		resp, err := http.DefaultClient.Do(r)
		c.ok(err)
		defer resp.Body.Close()
		var b [4096]byte
		n, _ := resp.Body.Read(b[:])
		return resp.StatusCode, string(b[:n])
	}
	now := time.Now().UTC()
	tests := map[string]struct {
		change func(*http.Request)
		secret string
		at     time.Time
		status int
		says   string
	}{
		"good":           {func(*http.Request) {}, "owner-secret", now, 200, "hello"},
		"another secret": {func(*http.Request) {}, "owner-secret2", now, 403, "<Code>SignatureDoesNotMatch</Code>"},
		"another method": {func(r *http.Request) { r.Method = "DELETE" }, "owner-secret", now, 403, "SignatureDoesNotMatch"},
		"another path":   {func(r *http.Request) { r.URL.Path += "x"; r.URL.RawPath = "" }, "owner-secret", now, 403, "SignatureDoesNotMatch"},
		"another query":  {func(r *http.Request) { r.URL.RawQuery = "versionId=null" }, "owner-secret", now, 403, "SignatureDoesNotMatch"},
		"a header more":  {func(r *http.Request) { r.Header.Set("X-Amz-Bypass-Governance-Retention", "true") }, "owner-secret", now, 403, "not signed"},
		"a changed header": {func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, "owner-secret", now, 403,
			"SignatureDoesNotMatch"},
		"too old": {func(*http.Request) {}, "owner-secret", now.Add(-16 * time.Minute), 403, "RequestTimeTooSkewed"},
		"too new": {func(*http.Request) {}, "owner-secret", now.Add(16 * time.Minute), 403, "RequestTimeTooSkewed"},
		"unknown key": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "OWNER", "NOBODY", 1))
		}, "owner-secret", now, 403, "InvalidAccessKeyId"},
		"no signature": {func(r *http.Request) { r.Header.Del("Authorization") }, "owner-secret", now, 403, "AccessDenied"},
		"version 2":    {func(r *http.Request) { r.Header.Set("Authorization", "AWS OWNER:x") }, "owner-secret", now, 400, "AWS4-HMAC-SHA256"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := request(test.change, test.secret, test.at)
			if status != test.status || !strings.Contains(body, test.says) {
				t.Errorf("status %d, want %d with %q: %s", status, test.status, test.says, body)
			}
		})
	}
}

// TestPublishedSignature holds the check to the examples in Amazon's documentation
// ("Signature Calculations for the Authorization Header", GET Object and GET Bucket
// Lifecycle, and "Authenticating Requests: Using Query Parameters").
func TestPublishedSignature(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	c := newCloud(t, s3.Options{Wall: func() time.Time { return at },
		Keys: map[string]s3.Key{"AKIAIOSFODNN7EXAMPLE": {Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Project: "1"}}})
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	const credential = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	tests := map[string]struct {
		target, authorization, ranged string
		says                          string
	}{
		"object": {"/test.txt", credential + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "bytes=0-9", "NoSuchBucket"},
		"lifecycle": {"/?lifecycle", credential + "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", "",
			"MethodNotAllowed|ListAllMyBucketsResult"},
		"presigned":         {"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", "", "", "NoSuchBucket"},
		"presigned, edited": {"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86401&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", "", "", "SignatureDoesNotMatch"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(c.ctx, "GET", c.urls["fsn1"]+test.target, nil)
			c.ok(err)
			r.Host = "examplebucket.s3.amazonaws.com"
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
				r.Header.Set("X-Amz-Date", "20130524T000000Z")
				r.Header.Set("X-Amz-Content-Sha256", empty)
			}
			if test.ranged != "" {
				r.Header.Set("Range", test.ranged)
			}
			resp, err := http.DefaultClient.Do(r)
			c.ok(err)
			defer resp.Body.Close()
			var b [4096]byte
			n, _ := resp.Body.Read(b[:])
			if !slices.ContainsFunc(strings.Split(test.says, "|"), func(s string) bool { return strings.Contains(string(b[:n]), s) }) {
				t.Errorf("status %d, want %s: %s", resp.StatusCode, test.says, b[:n])
			}
		})
	}
}

func TestPresigned(t *testing.T) {
	wall := time.Now().UTC()
	c := newCloud(t, s3.Options{Wall: func() time.Time { return wall }})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "hello")
	u, err := c.core("OWNER").PresignedGetObject(c.ctx, "acme-backups", "k", time.Minute, nil)
	c.ok(err)
	get := func() int {
		resp, err := http.Get(u.String())
		c.ok(err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := get(); got != 200 {
		t.Errorf("status %d of a fresh address", got)
	}
	wall = wall.Add(2 * time.Minute)
	if got := get(); got != 403 {
		t.Errorf("status %d of an old one", got)
	}
}

// TestStreamedBodies changes one byte of a chunk on its way.
func TestStreamedBodies(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	large := strings.Repeat("0123456789abcdef", 20_000)
	for name, o := range map[string]minio.PutObjectOptions{
		"signed chunks":            {DisableMultipart: true},
		"with a trailing checksum": {DisableMultipart: true, Checksum: minio.ChecksumCRC32C},
		"with a SHA-256":           {DisableMultipart: true, SendContentMd5: true},
		"CRC64NVME":                {DisableMultipart: true, Checksum: minio.ChecksumCRC64NVME},
	} {
		t.Run(name, func(t *testing.T) {
			core, err := minio.NewCore(strings.TrimPrefix(c.urls["fsn1"], "http://"), &minio.Options{Region: "fsn1", Creds: credentialsOf("OWNER"),
				TrailingHeaders: o.Checksum.IsSet()})
			if err != nil {
				t.Fatal(err)
			}
			info, err := core.Client.PutObject(c.ctx, "acme-backups", "k", strings.NewReader(large), int64(len(large)), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != large || info.Size != int64(len(large)) {
				t.Errorf("%d bytes came back", len(got))
			}
		})
	}
	tampering, err := minio.NewCore(strings.TrimPrefix(c.urls["fsn1"], "http://"), &minio.Options{Region: "fsn1", Creds: credentialsOf("OWNER"),
		Transport: tamper{}, MaxRetries: 1})
	c.ok(err)
	_, err = tampering.Client.PutObject(c.ctx, "acme-backups", "k", strings.NewReader(large), int64(len(large)), minio.PutObjectOptions{DisableMultipart: true})
	c.refused(err, "SignatureDoesNotMatch")
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != large {
		t.Error("the tampered body took the place of the good one")
	}
	status, body, _ := c.raw("PUT", "/acme-backups/k", "body", "OWNER", map[string]string{"X-Amz-Content-Sha256": strings.Repeat("0", 64)})
	if status != 400 || !strings.Contains(body, "XAmzContentSHA256Mismatch") {
		t.Errorf("a wrong hash: %d %s", status, body)
	}
	status, body, _ = c.raw("PUT", "/acme-backups/k", "body", "OWNER", map[string]string{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg=="})
	if status != 400 || !strings.Contains(body, "BadDigest") {
		t.Errorf("a wrong MD5: %d %s", status, body)
	}
	status, body, _ = c.raw("PUT", "/acme-backups/k", "body", "OWNER", map[string]string{"X-Amz-Checksum-Crc32c": "AAAAAA=="})
	if status != 400 || !strings.Contains(body, "BadDigest") {
		t.Errorf("a wrong checksum: %d %s", status, body)
	}
	chunked := func(sum string) (int, string) {
		status, body, _ := c.raw("PUT", "/acme-backups/k", "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:"+sum+"\r\n\r\n", "OWNER", map[string]string{
			"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": "4",
			"Content-Encoding": "aws-chunked"})
		return status, body
	}
	if status, body := chunked("26gLsg=="); status != 200 {
		t.Errorf("unsigned chunks: %d %s", status, body)
	}
	if status, body := chunked("26gLsw=="); status != 400 || !strings.Contains(body, "BadDigest") {
		t.Errorf("unsigned chunks with a wrong checksum: %d %s", status, body)
	}
	if got := c.text("acme-backups", "k", minio.GetObjectOptions{}); got != "body" {
		t.Errorf("stored %d bytes", len(got))
	}
}
