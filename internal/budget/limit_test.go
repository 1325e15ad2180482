package budget

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// quotaServer refuses as Compute Engine does: so many requests in each
// calendar minute, told by no header, refused with a 403.
type quotaServer struct {
	most    int
	latency time.Duration

	mu       sync.Mutex
	minute   time.Time
	spent    int
	served   []string
	refused  int
	inFlight int
	// mostAfterRefusal is how many were ever on their way after a refusal and
	// before the next success.
	refusing         bool
	mostAfterRefusal int
}

func (s *quotaServer) spend() bool {
	if minute := time.Now().Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.spent = minute, 0
	}
	if s.spent >= s.most {
		return false
	}
	s.spent++
	return true
}

// steal spends all that is left of this minute, as another client would.
func (s *quotaServer) steal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.spend() {
		continue
	}
}

func (s *quotaServer) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.inFlight++
	if s.refusing {
		s.mostAfterRefusal = max(s.mostAfterRefusal, s.inFlight)
	}
	s.mu.Unlock()
	time.Sleep(s.latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if !s.spend() {
		s.refused++
		s.refusing = s.inFlight == 0
		return forbidden("rateLimitExceeded"), nil
	}
	s.refusing = false
	s.served = append(s.served, request.URL.Path)
	return answer(http.StatusOK), nil
}

// forbidden is a 403 as Google's APIs write it.
func forbidden(reason string) *http.Response {
	response := answer(http.StatusForbidden, "Content-Type", "application/json; charset=UTF-8")
	response.Body = io.NopCloser(strings.NewReader(`{"error":{"code":403,"message":"refused","errors":[{"message":"refused","domain":"usageLimits","reason":"` + reason + `"}]}}`))
	return response
}

func TestRateBucketKeepsWithinEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(40 * time.Second) // in the middle of the server's minute
		server := &quotaServer{most: 60, latency: 30 * time.Millisecond}
		bucket := NewRateBucket(SystemClock{}, 60)
		client := NewHTTPClient(HTTPOptions{Bucket: bucket, Base: server})
		began := time.Now()
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, fmt.Sprintf("/%d", i)) })
		}
		time.Sleep(time.Second)
		if p := bucket.Pressure(); p.Full != 0 || p.Waiting != 140 {
			t.Errorf("after the first 60 the pressure is %+v", p)
		}
		group.Wait()
		if server.refused != 0 {
			t.Errorf("%d requests were refused, want none", server.refused)
		}
		// 60 at once, then 60 more a minute.
		if took := time.Since(began); took < 3*time.Minute || took > 3*time.Minute+time.Second {
			t.Errorf("took %s, the limit itself imposes 3 minutes", took)
		}
		time.Sleep(time.Minute)
		if p := bucket.Pressure(); p.Full != 1 || p.Waiting != 0 {
			t.Errorf("a minute later the pressure is %+v", p)
		}
	})
}

// When others spend the account's quota, refusals are no failures: nothing is
// lost, and one request at a time asks whether there is room again.
func TestRateBucketSurvivesStolenQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &quotaServer{most: 100, latency: 20 * time.Millisecond}
		client := NewHTTPClient(HTTPOptions{Bucket: NewRateBucket(SystemClock{}, 100), Base: server, Attempts: 2})
		server.steal()
		began := time.Now()
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, fmt.Sprintf("/%d", i)) })
		}
		group.Wait()
		if len(server.served) != 50 {
			t.Errorf("served %d, want 50", len(server.served))
		}
		if server.mostAfterRefusal > 1 {
			t.Errorf("%d requests at a time while all are refused, want 1", server.mostAfterRefusal)
		}
		// The 50 of the first moment, and then few.
		if server.refused > 50+10 {
			t.Errorf("%d refusals", server.refused)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("took %s, room was after a minute", took)
		}
	})
}

func TestRateBucketServesPaidFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &quotaServer{most: 3, latency: time.Millisecond}
		client := NewHTTPClient(HTTPOptions{Bucket: NewRateBucket(SystemClock{}, 3), Base: server})
		var group sync.WaitGroup
		for range 3 {
			send(t, client, cloud.PriorityRefresh, "/first")
		}
		for range 4 {
			group.Go(func() { send(t, client, cloud.PriorityFree, "/free") })
		}
		time.Sleep(time.Second)
		for range 4 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, "/paid") })
		}
		group.Wait()
		want := "/first /first /first /paid /paid /paid /paid /free /free /free /free"
		if got := strings.Join(server.served, " "); got != want {
			t.Errorf("served %s\nwant   %s", got, want)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		response *http.Response
		limited  bool
	}{
		"429":               {answer(429), true},
		"rate":              {forbidden("rateLimitExceeded"), true},
		"rate of a user":    {forbidden("userRateLimitExceeded"), true},
		"quota of objects":  {forbidden("quotaExceeded"), false},
		"no permission":     {forbidden("forbidden"), false},
		"not JSON":          {answer(403), false},
		"another status":    {&http.Response{StatusCode: 400, Body: forbidden("rateLimitExceeded").Body}, false},
		"without a body":    {&http.Response{StatusCode: 403}, false},
		"error information": {&http.Response{StatusCode: 403, Body: io.NopCloser(strings.NewReader(`{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED"}]}}`))}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // it is asked by the bucket and by the retry policy
				if got := rateLimited(test.response); got != test.limited {
					t.Errorf("got %v, want %v", got, test.limited)
				}
			}
		})
	}
}

// Whoever reads a 403 that is no refusal of the limit reads all of it.
func TestBodyIsPutBack(t *testing.T) {
	long := `{"error":{"errors":[{"reason":"forbidden"}],"message":"` + strings.Repeat("x", 2*maxErrorBytes) + `"}}`
	base := roundTrip(func(*http.Request) (*http.Response, error) {
		response := answer(403)
		response.Body = io.NopCloser(strings.NewReader(long))
		return response, nil
	})
	client := NewHTTPClient(HTTPOptions{Bucket: NewRateBucket(SystemClock{}, 100), Base: base})
	response, err := client.Get("http://api.invalid/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != long || response.StatusCode != 403 {
		t.Errorf("status %d, %d of %d bytes, %v", response.StatusCode, len(body), len(long), err)
	}
}
