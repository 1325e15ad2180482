package hetzner_test

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

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

const testToken = "test-token"

// cloud is a simulator under test, on a clock that stands still until the test
// moves it, with the vendor's own client.
type cloud struct {
	*simcloud.Sim
	t      *testing.T
	url    string
	client *hcloud.Client
	ctx    context.Context
}

// newCloud starts a simulator whose requests and answers are checked against
// the vendor's description.
func newCloud(t *testing.T, o simcloud.Options) *cloud {
	t.Helper()
	if o.Clock == nil {
		o.Clock = simcloud.NewClock(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), 0)
	}
	sim, err := simcloud.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(checked(t, sim.HetznerHandler()))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &cloud{Sim: sim, t: t, url: srv.URL + "/v1", ctx: t.Context(),
		client: hcloud.NewClient(hcloud.WithEndpoint(srv.URL+"/v1"), hcloud.WithToken(testToken),
			hcloud.WithRetryOpts(hcloud.RetryOpts{BackoffFunc: hcloud.ConstantBackoff(0), MaxRetries: 0}),
			hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(0)}))}
}

// settle lets so much time pass that every action that is not stuck is over.
func (c *cloud) settle() {
	c.t.Helper()
	for range 3 { // actions may begin only when others have ended
		c.Clock().Advance(time.Minute)
	}
}

// do makes a raw request; body is marshalled unless it is a string. It answers
// the status and the decoded JSON.
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
	req, err := http.NewRequestWithContext(c.ctx, method, c.url+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
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

// refused makes a raw request and expects the vendor's error of that status and
// code; it answers the error object.
func (c *cloud) refused(method, path string, body any, status int, code string) map[string]any {
	c.t.Helper()
	got, out := c.do(method, path, body)
	e, _ := out["error"].(map[string]any)
	if got != status || e["code"] != code {
		c.t.Errorf("%s %s: got %d %v, want %d %s", method, path, got, out, status, code)
	}
	return e
}

// must fails the test on an error; it answers the value.
func must[T any](c *cloud) func(v T, _ *hcloud.Response, err error) T {
	return func(v T, _ *hcloud.Response, err error) T {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
		return v
	}
}

// wantCode expects an API error of that code.
func wantCode(t *testing.T, err error, code hcloud.ErrorCode) {
	t.Helper()
	if !hcloud.IsError(err, code) {
		t.Errorf("got %v, want the error %s", err, code)
	}
}
