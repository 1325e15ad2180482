package google_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	compute "cloud.google.com/go/compute/apiv1"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/google"
)

const (
	testProject = "acme-prod"
	testZone    = "europe-west3-a"
	testRegion  = "europe-west3"
)

// cloud is an embedded Google Cloud under test, on a clock that stands still
// until the test moves it.
type cloud struct {
	t   *testing.T
	eng *engine.Engine
	api *google.API
	url string
	ctx context.Context
}

// newCloud starts one with the durations that the vendor usually takes. Answers
// are checked against the vendor's description.
func newCloud(t *testing.T, o google.Options) *cloud {
	return newCloudOn(t, o, engine.Options{DurationScale: 1})
}

func newCloudOn(t *testing.T, o google.Options, eo engine.Options) *cloud {
	t.Helper()
	if eo.Clock == nil {
		eo.Clock = engine.NewClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), 0)
	}
	eng, err := engine.Open(google.EngineOptions(eo))
	if err != nil {
		t.Fatal(err)
	}
	api, err := google.New(eng, o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(checked(t, api))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return &cloud{t: t, eng: eng, api: api, url: srv.URL, ctx: t.Context()}
}

// options point the vendor's clients at the cloud.
func (c *cloud) options() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(c.url), option.WithHTTPClient(&http.Client{Transport: bearer{"test-token"}})}
}

// bearer adds a token to every request.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// client makes one of the vendor's REST clients.
func client[C interface{ Close() error }](c *cloud, make func(context.Context, ...option.ClientOption) (C, error)) C {
	c.t.Helper()
	out, err := make(c.ctx, c.options()...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = out.Close() })
	return out
}

// advance lets simulated time pass.
func (c *cloud) advance(d time.Duration) { c.eng.Clock.Advance(d) }

// settle lets so much time pass that every operation that is not stuck is over.
func (c *cloud) settle() {
	for range 3 {
		c.advance(2 * time.Minute)
	}
}

// done lets an operation end and fails the test unless it succeeded.
func (c *cloud) done(op *compute.Operation, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	c.settle()
	if err := op.Wait(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	if e := op.Proto().GetError(); e != nil {
		c.t.Fatalf("the operation failed: %v", e)
	}
}

// failed lets an operation end and expects the vendor's code in it.
func (c *cloud) failed(op *compute.Operation, err error, code string) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("refused at once: %v; want an operation that fails with %s", err, code)
	}
	c.settle()
	_ = op.Poll(c.ctx)
	for _, e := range op.Proto().GetError().GetErrors() {
		if e.GetCode() == code {
			return
		}
	}
	c.t.Errorf("the operation ended as %v; want the error %s", op.Proto(), code)
}

// refused expects the vendor's error of a status and a reason.
func (c *cloud) refused(err error, status int, reason string) {
	c.t.Helper()
	var api *apierror.APIError
	var legacy *googleapi.Error
	if errors.As(err, &api) {
		_ = errors.As(api.Unwrap(), &legacy)
	}
	if legacy == nil && !errors.As(err, &legacy) {
		c.t.Errorf("got %v, want %d %s", err, status, reason)
		return
	}
	if legacy.Code != status || len(legacy.Errors) == 0 || legacy.Errors[0].Reason != reason {
		c.t.Errorf("got %d %v: %s; want %d %s", legacy.Code, legacy.Errors, legacy.Message, status, reason)
	}
}

// do makes a raw request below /compute/v1/projects/acme-prod/ and answers
// status and JSON.
func (c *cloud) do(method, path string, body any) (int, map[string]any) {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = bytes.NewBufferString(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(c.ctx, method, c.url+"/compute/v1/projects/"+testProject+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: bearer{"test-token"}}).Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, out
}

// wantReason makes a raw request and expects the vendor's error; it answers the
// message.
func (c *cloud) wantReason(method, path string, body any, status int, reason string) string {
	c.t.Helper()
	got, out := c.do(method, path, body)
	e, _ := out["error"].(map[string]any)
	list, _ := e["errors"].([]any)
	if got != status || len(list) == 0 || list[0].(map[string]any)["reason"] != reason {
		c.t.Errorf("%s %s: got %d %v, want %d %s", method, path, got, out, status, reason)
	}
	message, _ := e["message"].(string)
	return message
}

func ptr[T any](v T) *T { return &v }
