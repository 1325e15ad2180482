package budget

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// limitedServer is a round tripper with Hetzner Cloud's request limit: a
// bucket of `limit` that refills by limit/3600 a second.
type limitedServer struct {
	limit   float64
	latency time.Duration

	mu       sync.Mutex
	tokens   float64
	updated  time.Time
	refused  int
	served   []string
	inFlight int
	most     int
}

func newLimitedServer(limit, tokens float64, latency time.Duration) *limitedServer {
	return &limitedServer{limit: limit, tokens: tokens, latency: latency, updated: time.Now()}
}

func (s *limitedServer) spend(n float64) bool {
	s.tokens = min(s.limit, s.tokens+time.Since(s.updated).Seconds()*s.limit/3600)
	s.updated = time.Now()
	if s.tokens < n {
		return false
	}
	s.tokens -= n
	return true
}

func (s *limitedServer) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	time.Sleep(s.latency + time.Duration(rand.Int64N(int64(s.latency)+1)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	status := http.StatusOK
	if !s.spend(1) {
		status = http.StatusTooManyRequests
		s.refused++
	} else {
		s.served = append(s.served, request.URL.Path)
	}
	header := http.Header{}
	header.Set("RateLimit-Limit", strconv.Itoa(int(s.limit)))
	header.Set("RateLimit-Remaining", strconv.Itoa(int(s.tokens)))
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: request}, nil
}

func send(t *testing.T, client *http.Client, priority cloud.Priority, path string) {
	t.Helper()
	ctx := cloud.WithPriority(context.Background(), priority)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.invalid"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d", path, response.StatusCode)
	}
}

func TestBucketNeverRunsIntoTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newLimitedServer(3600, 100, 50*time.Millisecond)
		bucket := NewBucket(SystemClock{})
		client := NewHTTPClient(HTTPOptions{Bucket: bucket, Base: server})
		began := time.Now()
		var group sync.WaitGroup
		for i := range 300 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, fmt.Sprintf("/%d", i)) })
		}
		group.Wait()
		if server.refused != 0 {
			t.Errorf("%d requests were refused, want none", server.refused)
		}
		// 100 at once, 200 at one a second, and the margin.
		if took := time.Since(began); took < 200*time.Second || took > 206*time.Second {
			t.Errorf("took %s, the limit itself imposes 200 s", took)
		}
		if got := bucket.Requests(); got != 300 {
			t.Errorf("granted %d, want 300", got)
		}
	})
}

func TestBucketSurvivesStolenQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newLimitedServer(3600, 60, 20*time.Millisecond)
		client := NewHTTPClient(HTTPOptions{Bucket: NewBucket(SystemClock{}), Base: server})
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Second):
					server.mu.Lock()
					server.spend(1)
					server.mu.Unlock()
				}
			}
		}()
		var group sync.WaitGroup
		for i := range 150 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, fmt.Sprintf("/%d", i)) })
		}
		group.Wait()
		close(stop)
		if len(server.served) != 150 {
			t.Errorf("served %d, want 150", len(server.served))
		}
		if server.refused > 3 {
			t.Errorf("%d refusals although every answer tells what is left", server.refused)
		}
	})
}

func TestBucketServesPaidBeforeFreeBeforeRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newLimitedServer(3600, 3, time.Millisecond)
		client := NewHTTPClient(HTTPOptions{Bucket: NewBucket(SystemClock{}), Base: server})
		send(t, client, cloud.PriorityRefresh, "/first")
		var group sync.WaitGroup
		for i := range 5 {
			group.Go(func() { send(t, client, cloud.PriorityRefresh, "/refresh") })
			group.Go(func() { send(t, client, cloud.PriorityFree, "/free") })
			group.Go(func() { send(t, client, cloud.PriorityPaid, "/paid") })
			_ = i
		}
		time.Sleep(time.Second / 2)
		group.Go(func() { send(t, client, cloud.PriorityWait, "/poll") })
		group.Wait()
		rank := map[string]int{"/first": 0, "/poll": 0, "/paid": 1, "/free": 2, "/refresh": 3}
		if !slices.IsSortedFunc(server.served, func(a, b string) int { return rank[a] - rank[b] }) {
			t.Errorf("served in the order %v", server.served)
		}
	})
}

func TestBucketStartsBlindWithFewRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newLimitedServer(3600, 3600, time.Second)
		client := NewHTTPClient(HTTPOptions{Bucket: NewBucket(SystemClock{}), Base: server})
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { send(t, client, cloud.PriorityPaid, "/x") })
		}
		time.Sleep(500 * time.Millisecond)
		server.mu.Lock()
		if server.most != blindRequests {
			t.Errorf("%d requests on their way before the first answer, want %d", server.most, blindRequests)
		}
		server.mu.Unlock()
		group.Wait()
	})
}

func TestBucketGivesBackWhatACancelledRequestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := NewBucket(SystemClock{})
		held, err := bucket.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		bucket.answered(held, &http.Response{StatusCode: 200, Header: http.Header{"Ratelimit-Limit": {"3600"}, "Ratelimit-Remaining": {"2"}}})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := bucket.acquire(ctx); err == nil {
			t.Fatal("granted although nothing above the margin is left")
		}
		if p := bucket.Pressure(); p.Waiting != 0 {
			t.Errorf("%d still wait", p.Waiting)
		}
		if _, err := bucket.acquire(t.Context()); err != nil {
			t.Errorf("the refill grants nothing: %v", err)
		}
	})
}

func TestBucketWithoutHeadersIsUnlimited(t *testing.T) {
	bucket := NewBucket(SystemClock{})
	g, err := bucket.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bucket.answered(g, &http.Response{StatusCode: 200, Header: http.Header{}})
	for range 100 {
		if _, err := bucket.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p := bucket.Pressure(); p.Full != 1 {
		t.Errorf("full %v, want 1", p.Full)
	}
}
