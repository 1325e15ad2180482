package budget

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(`{"error":{}}`))}
}

func TestTransportRetries(t *testing.T) {
	tests := map[string]struct {
		answers  func(attempt int) (*http.Response, error)
		attempts int
		status   int
		failed   bool
		within   time.Duration
	}{
		"success":             {func(int) (*http.Response, error) { return answer(201), nil }, 1, 201, false, 0},
		"client error":        {func(int) (*http.Response, error) { return answer(422), nil }, 1, 422, false, 0},
		"not implemented":     {func(int) (*http.Response, error) { return answer(501), nil }, 1, 501, false, 0},
		"server error passes": {failing(3, 503), 4, 200, false, 10 * time.Second},
		"server error stays":  {failing(100, 500), 8, 500, false, 80 * time.Second},
		"429 many times":      {failing(40, 429), 41, 200, false, 3 * time.Minute},
		"403 because of the limit": {func(attempt int) (*http.Response, error) {
			if attempt <= 20 {
				return forbidden("rateLimitExceeded"), nil
			}
			return answer(200), nil
		}, 21, 200, false, 3 * time.Minute},
		"403 for good": {func(int) (*http.Response, error) { return forbidden("forbidden"), nil }, 1, 403, false, 0},
		"429 with Retry-After": {func(attempt int) (*http.Response, error) {
			if attempt == 1 {
				return answer(429, "Retry-After", "30"), nil
			}
			return answer(200), nil
		}, 2, 200, false, 31 * time.Second},
		"dropped connection": {func(attempt int) (*http.Response, error) {
			if attempt < 3 {
				return nil, io.ErrUnexpectedEOF
			}
			return answer(200), nil
		}, 3, 200, false, 5 * time.Second},
		"error of the request itself": {func(int) (*http.Response, error) { return nil, errors.New("malformed") }, 1, 0, true, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				base := roundTrip(func(r *http.Request) (*http.Response, error) {
					attempts++
					if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"name":"x"}` {
						t.Errorf("attempt %d carries the body %q, %v", attempts, body, err)
					}
					return test.answers(attempts)
				})
				client := NewHTTPClient(HTTPOptions{Bucket: NewBucket(SystemClock{}), Base: base})
				began := time.Now()
				response, err := client.Post("http://api.invalid/v1/servers", "application/json", strings.NewReader(`{"name":"x"}`))
				if (err != nil) != test.failed {
					t.Fatalf("error %v, want failure %v", err, test.failed)
				}
				if err == nil {
					defer func() { _ = response.Body.Close() }()
					if response.StatusCode != test.status {
						t.Errorf("status %d, want %d", response.StatusCode, test.status)
					}
				}
				if attempts != test.attempts {
					t.Errorf("%d attempts, want %d", attempts, test.attempts)
				}
				if took := time.Since(began); took > test.within {
					t.Errorf("took %s of simulated time, want at most %s", took, test.within)
				}
			})
		})
	}
}

func failing(times, status int) func(int) (*http.Response, error) {
	return func(attempt int) (*http.Response, error) {
		if attempt <= times {
			return answer(status), nil
		}
		return answer(200), nil
	}
}

func TestTransportStopsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := roundTrip(func(*http.Request) (*http.Response, error) { return answer(429, "Retry-After", "60"), nil })
		client := NewHTTPClient(HTTPOptions{Bucket: NewBucket(SystemClock{}), Base: base})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.invalid/", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if response, err := client.Do(request); !errors.Is(err, context.DeadlineExceeded) {
			if response != nil {
				_ = response.Body.Close()
			}
			t.Errorf("error %v, want the context's", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("gave up after %s, want 5 s", took)
		}
	})
}
