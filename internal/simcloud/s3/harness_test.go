package s3_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// cloud is an embedded object store under test, on a clock that stands still until
// the test moves it, with an endpoint in each location.
type cloud struct {
	t     *testing.T
	ctx   context.Context
	eng   *engine.Engine
	store *objects.Store
	api   *s3.API
	urls  map[string]string
	stop  func()
}

// The keys of two projects; guest is a second one of the first.
var keys = map[string]s3.Key{
	"OWNER":    {Secret: "owner-secret", Project: "42"},
	"GUEST":    {Secret: "guest-secret", Project: "42"},
	"STRANGER": {Secret: "stranger-secret", Project: "7"},
}

func newCloud(t *testing.T, o s3.Options) *cloud {
	t.Helper()
	return openCloud(t, o, "")
}

// openCloud starts one over a data file in dir; without one in memory.
func openCloud(t *testing.T, o s3.Options, dir string) *cloud {
	t.Helper()
	eo := engine.Options{Clock: engine.NewClock(time.Now().UTC().Truncate(24*time.Hour).Add(12*time.Hour), 0)}
	blobs := ""
	if dir != "" {
		eo.DataFile, blobs = filepath.Join(dir, "sim.db"), filepath.Join(dir, "sim.db.objects")
	}
	eng, err := engine.Open(objects.EngineOptions(eo))
	if err != nil {
		t.Fatal(err)
	}
	store, err := objects.New(eng, blobs)
	if err != nil {
		t.Fatal(err)
	}
	if o.Keys == nil {
		o.Keys = keys
	}
	c := &cloud{t: t, ctx: t.Context(), eng: eng, store: store, api: s3.New(eng, store, o), urls: map[string]string{}}
	var servers []*httptest.Server
	for _, location := range s3.Locations() {
		srv := httptest.NewServer(c.api.At(location))
		servers = append(servers, srv)
		c.urls[location] = srv.URL
	}
	stopped := false
	c.stop = func() {
		if stopped {
			return
		}
		stopped = true
		for _, srv := range servers {
			srv.CloseClientConnections()
			srv.Close()
		}
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(c.stop)
	return c
}

// core makes a client of fsn1's endpoint that asks no more than it is told to.
func (c *cloud) core(access string) *minio.Core { return c.coreAt("fsn1", access) }

func (c *cloud) coreAt(location, access string) *minio.Core {
	c.t.Helper()
	options := &minio.Options{Region: location, Creds: credentials.NewStaticV4(access, keys[access].Secret, ""), MaxRetries: 1}
	if access == "" {
		options.Creds = credentials.NewStaticV4("", "", "")
	}
	core, err := minio.NewCore(strings.TrimPrefix(c.urls[location], "http://"), options)
	if err != nil {
		c.t.Fatal(err)
	}
	return core
}

// bucket makes one as OWNER.
func (c *cloud) bucket(name string, lock bool) {
	c.t.Helper()
	c.ok(c.core("OWNER").MakeBucket(c.ctx, name, minio.MakeBucketOptions{ObjectLocking: lock}))
}

// put stores an object and answers its version.
func (c *cloud) put(bucket, key, text string) string {
	c.t.Helper()
	info, err := c.core("OWNER").Client.PutObject(c.ctx, bucket, key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{})
	c.ok(err)
	return info.VersionID
}

// text reads an object.
func (c *cloud) text(bucket, key string, o minio.GetObjectOptions) string {
	c.t.Helper()
	body, _, _, err := c.core("OWNER").GetObject(c.ctx, bucket, key, o)
	c.ok(err)
	defer body.Close()
	b, err := io.ReadAll(body)
	c.ok(err)
	return string(b)
}

func (c *cloud) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// refused expects the vendor's code.
func (c *cloud) refused(err error, code string) {
	c.t.Helper()
	if got := minio.ToErrorResponse(err).Code; err == nil || got != code {
		c.t.Errorf("got %v (%s), want %s", err, got, code)
	}
}

func (c *cloud) advance(d time.Duration) { c.eng.Clock.Advance(d) }

const day = 24 * time.Hour

// raw sends a request without a client's help, signed by hand where access is
// given, and answers status and body.
func (c *cloud) raw(method, path, body, access string, header map[string]string) (int, string, http.Header) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.ctx, method, c.urls["fsn1"]+path, bytes.NewBufferString(body))
	c.ok(err)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if access != "" {
		signByHand(r, body, access, keys[access].Secret, time.Now().UTC())
	}
	resp, err := http.DefaultClient.Do(r)
	c.ok(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	c.ok(err)
	return resp.StatusCode, string(b), resp.Header
}

func credentialsOf(access string) *credentials.Credentials {
	return credentials.NewStaticV4(access, keys[access].Secret, "")
}

// tamper changes a byte in the middle of what is sent.
type tamper struct{}

func (tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Method == http.MethodPut {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		b[len(b)/2] ^= 1
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}
