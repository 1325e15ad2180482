package gcs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/gcs"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

const project = "acme-prod"

// cloud is an embedded Cloud Storage under test, on a clock that stands still until
// the test moves it. Answers are checked against the vendor's description.
type cloud struct {
	t    *testing.T
	ctx  context.Context
	eng  *engine.Engine
	api  *gcs.API
	url  string
	stop func()
}

// The tokens of an owner, of a service account, and of another project.
var tokens = map[string]gcs.Token{
	"owner": {}, "guest": {ServiceAccount: "guest@acme-prod.iam.gserviceaccount.com"}, "other": {Projects: []string{"other"}}, "reader": {ReadOnly: true},
}

func newCloud(t *testing.T) *cloud { return openCloud(t, "") }

func openCloud(t *testing.T, dir string) *cloud {
	t.Helper()
	eo := engine.Options{Clock: engine.NewClock(time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC), 0)}
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
	c := &cloud{t: t, ctx: t.Context(), eng: eng, api: gcs.New(eng, store, gcs.Options{Tokens: tokens})}
	srv := httptest.NewServer(checked(t, c.api))
	c.url = srv.URL
	stopped := false
	c.stop = func() {
		if stopped {
			return
		}
		stopped = true
		srv.CloseClientConnections()
		srv.Close()
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(c.stop)
	return c
}

// bearer adds a token to every request.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// client makes the vendor's, which does not repeat what fails.
func (c *cloud) client(token string, more ...option.ClientOption) *storage.Client {
	c.t.Helper()
	out, err := storage.NewClient(c.ctx, append([]option.ClientOption{option.WithEndpoint(c.url + "/storage/v1/"),
		option.WithHTTPClient(&http.Client{Transport: bearer{token}})}, more...)...)
	c.ok(err)
	out.SetRetry(storage.WithPolicy(storage.RetryNever))
	c.t.Cleanup(func() { _ = out.Close() })
	return out
}

// bucket makes one as the owner.
func (c *cloud) bucket(name string, a storage.BucketAttrs) *storage.BucketHandle {
	c.t.Helper()
	if a.Location == "" {
		a.Location = "europe-west3"
	}
	b := c.client("owner").Bucket(name)
	c.ok(b.Create(c.ctx, project, &a))
	return b
}

// put stores an object and answers its generation.
func (c *cloud) put(o *storage.ObjectHandle, text string) (int64, error) {
	w := o.NewWriter(c.ctx)
	w.ChunkSize = 0
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		return 0, err
	}
	return w.Attrs().Generation, nil
}

func (c *cloud) mustPut(o *storage.ObjectHandle, text string) int64 {
	c.t.Helper()
	g, err := c.put(o, text)
	c.ok(err)
	return g
}

func (c *cloud) text(o *storage.ObjectHandle) string {
	c.t.Helper()
	r, err := o.NewReader(c.ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	c.ok(err)
	return string(b)
}

func (c *cloud) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// refused expects the vendor's error.
func (c *cloud) refused(err error, status int, reason string) string {
	c.t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != status || (reason != "" && (len(e.Errors) == 0 || e.Errors[0].Reason != reason)) {
		c.t.Errorf("got %v, want %d %s", err, status, reason)
		return ""
	}
	return e.Message
}

// raw makes a request without a client's help.
func (c *cloud) raw(method, path, token string, body any) (int, map[string]any) {
	c.t.Helper()
	var r io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		c.ok(err)
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(c.ctx, method, c.url+path, r)
	c.ok(err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: bearer{token}}).Do(req)
	c.ok(err)
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatalf("%s %s: %d %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, out
}

func (c *cloud) advance(d time.Duration) { c.eng.Clock.Advance(d) }

const day = 24 * time.Hour
