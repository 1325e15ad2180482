package budget

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// HTTPOptions configure an account's HTTP client.
type HTTPOptions struct {
	// Bucket meters every attempt, retries included.
	Bucket *Bucket
	// Base sends the requests; http.DefaultTransport's settings if nil.
	Base http.RoundTripper
	// Attempts bounds how often a request is sent that the server fails to
	// answer (5xx, broken connection); 0 means 8. Refusals because of the
	// request limit (429, and 403 with such a reason) are not counted: they
	// end with the context.
	Attempts int
	// MinDelay and MaxDelay bound the pause before a retry; 0 means 0.5 s
	// and 20 s.
	MinDelay, MaxDelay time.Duration
}

// NewHTTPClient makes the client that all requests to one cloud account go
// through: requests wait for their token in order of priority, and are sent
// again with jittered exponential pauses after refusals because of the request
// limit (see rateLimited), 5xx and broken connections. Creates are repeated too: that is safe because drivers adopt
// by label what an unanswered first attempt made.
func NewHTTPClient(options HTTPOptions) *http.Client {
	base := options.Base
	if base == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 64
		base = transport
	}
	attempts := options.Attempts
	if attempts <= 0 {
		attempts = 8
	}
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient = &http.Client{Transport: &meteredTransport{bucket: options.Bucket, base: base}}
	client.RetryWaitMin = orDefault(options.MinDelay, 500*time.Millisecond)
	client.RetryWaitMax = orDefault(options.MaxDelay, 20*time.Second)
	// The check below counts; this bound is only for what it lets pass.
	client.RetryMax = 1 << 20
	client.CheckRetry = (&retryPolicy{attempts: attempts}).check
	client.Backoff = backoff
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return &http.Client{Transport: &retryTransport{client: client}}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// meteredTransport sends one attempt when the bucket grants it.
type meteredTransport struct {
	bucket *Bucket
	base   http.RoundTripper
}

func (t *meteredTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	grant, err := t.bucket.acquire(request.Context())
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(request)
	t.bucket.answered(grant, response)
	return response, err
}

// retryTransport counts each request's failures in its context, where the
// retry policy finds them.
type retryTransport struct{ client *retryablehttp.Client }

type failuresKey struct{}

func (t *retryTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.WithContext(context.WithValue(request.Context(), failuresKey{}, new(int)))
	rt := retryablehttp.RoundTripper{Client: t.client}
	return rt.RoundTrip(request)
}

// retryPolicy decides whether an attempt is made again.
type retryPolicy struct{ attempts int }

func (p *retryPolicy) check(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err == nil && rateLimited(response) {
		return true, nil
	}
	if err == nil && !serverFailed(response.StatusCode) {
		return false, nil
	}
	if err != nil && !brokenConnection(err) {
		return false, err
	}
	failures, ok := ctx.Value(failuresKey{}).(*int)
	if !ok {
		return false, err
	}
	*failures++
	limit := p.attempts
	if errors.Is(err, syscall.ECONNREFUSED) {
		// Nobody listens: a dead vendor shall not hold up a plan for minutes.
		limit = min(limit, 4)
	}
	return *failures < limit, err
}

func serverFailed(status int) bool {
	return status == http.StatusInternalServerError || status == http.StatusBadGateway ||
		status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// brokenConnection tells errors of the network, which may pass, from those
// of the request itself (a malformed URL, a certificate that is not trusted).
func brokenConnection(err error) bool {
	var netErr net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &netErr) && netErr.Timeout() || isOpError(err)
}

func isOpError(err error) bool {
	var opErr *net.OpError
	return errors.As(err, &opErr)
}

// backoff doubles from min to max, with full jitter above the half so that
// many clients do not return at the same moment. A refusal waits as long as the
// server says; without a word the bucket's own pause is enough.
func backoff(minimum, maximum time.Duration, attempt int, response *http.Response) time.Duration {
	if response != nil && rateLimited(response) {
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return min(time.Duration(seconds)*time.Second, longestPause)
		}
		attempt = min(attempt, 2)
	}
	pause := min(maximum, minimum<<min(attempt, 16))
	return pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
}
