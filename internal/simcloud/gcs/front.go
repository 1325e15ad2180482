package gcs

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// call is one request on its way.
type call struct {
	api    *API
	w      *engine.Answer
	r      *http.Request
	m      *method
	vars   map[string]string
	query  url.Values
	token  Token
	nobody bool // there is no token
	bucket string
	object string
}

// ServeHTTP answers a request: it counts it, applies the faults, authenticates,
// checks the permission, and runs the method. A dropped connection is a panic with
// http.ErrAbortHandler, which net/http's server understands.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{api: a, w: &engine.Answer{ResponseWriter: w}, r: r, query: r.URL.Query()}
	var exists bool
	c.m, c.vars, exists = a.find(r.Method, r.URL.EscapedPath())
	route := "unknown"
	if c.m != nil {
		route = c.m.prefix + c.m.path
		c.bucket, c.object = c.vars["bucket"], c.vars["object"]
	}
	a.recorder.Begin(r.Method + " " + route)
	defer func() { a.recorder.End(c.w.Status) }()
	err := c.run(exists)
	switch {
	case errors.Is(err, errHang):
		c.w.Status = 0
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case errors.Is(err, errDrop):
		c.w.Status = 0
		panic(http.ErrAbortHandler)
	case err != nil:
		c.refuse(refusalOf(err, c.bucket))
	}
	if c.w.Discard {
		c.w.Status = 0
		panic(http.ErrAbortHandler)
	}
}

func (c *call) run(exists bool) error {
	a := c.api
	if f := a.faults.Unreachable(); f != nil {
		return lostError(f, "the service")
	}
	if f := a.vendor.Unreachable(); f != nil {
		return lostError(f, "the service")
	}
	for _, f := range a.faults.Request(c.r.Method, c.r.URL.Path) {
		switch f.Kind {
		case engine.FaultDelay:
			if a.clock.Wait(c.r.Context(), time.Duration(f.DelaySeconds*float64(time.Second))) != nil {
				return errDrop
			}
		case engine.FaultDropBefore:
			return errDrop
		case engine.FaultDropAfter:
			c.w.Discard = true
		case engine.FaultRateLimit:
			return rateLimited()
		case engine.FaultError:
			return injected(f)
		}
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	switch {
	case c.m == nil && exists:
		return fail(http.StatusMethodNotAllowed, "httpMethodNotAllowed", "Method not allowed")
	case c.m == nil:
		return fail(http.StatusNotFound, "notFound", "Not Found")
	}
	if c.bucket != "" && c.m.permission != "" {
		// Before the body is read.
		if err := c.do(func(*tx) error { return nil }); err != nil {
			return err
		}
	}
	return c.m.do(c)
}

func rateLimited() *Error {
	e := fail(http.StatusTooManyRequests, "rateLimitExceeded", "The rate of requests to the bucket exceeds the limit. Please reduce your request rate.")
	e.Errors[0].Domain = "usageLimits"
	return e
}

func injected(f engine.Fault) *Error {
	e := fail(http.StatusServiceUnavailable, "backendError", "We encountered an internal error. Please try again.")
	if f.Status != 0 {
		e.Code = f.Status
	}
	if f.Code != "" {
		e.Errors[0].Reason = f.Code
	}
	if f.Message != "" {
		e.Message, e.Errors[0].Message = f.Message, f.Message
	}
	return e
}

// lostError is what a request to a lost place gets.
func lostError(f *engine.Fault, what string) error {
	switch f.Mode {
	case engine.ModeHang:
		return errHang
	case engine.ModeDrop:
		return errDrop
	}
	return fail(http.StatusServiceUnavailable, "backendError", "The service is currently unavailable: %s.", what)
}

// reach refuses, or hangs, when a bucket's region is lost.
func (c *call) reach(b *objects.Bucket) error {
	region := strings.ToLower(b.Location)
	if f := c.api.faults.Lost(region); f != nil {
		return lostError(f, region)
	}
	if f := c.api.vendor.Lost(region); f != nil {
		return lostError(f, region)
	}
	return nil
}

// authenticate finds what the request's token stands for.
func (c *call) authenticate() error {
	secret, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok || secret == "" {
		if c.r.Header.Get("Authorization") == "" {
			c.nobody = true
			return nil
		}
		return unauthorized()
	}
	if c.token, ok = c.api.opts.Tokens[secret]; !ok && !c.api.opts.AnyOwner {
		return unauthorized()
	}
	return nil
}

func unauthorized() *Error {
	e := fail(http.StatusUnauthorized, "authError", "Invalid Credentials")
	e.Errors[0].Location, e.Errors[0].LocationType = "Authorization", "header"
	return e
}

// owns tells whether the caller is an owner of a project.
func (c *call) owns(project string) bool {
	return !c.nobody && c.token.ServiceAccount == "" && (len(c.token.Projects) == 0 || slices.Contains(c.token.Projects, project))
}

// tx is a transaction on the request's bucket.
type tx struct {
	*objects.Tx
	c   *call
	b   *objects.Bucket // as it is stored: read only
	set *config         // its settings, a copy
}

// do runs f as a transaction on the request's bucket after checking the permission
// that the method needs.
func (c *call) do(f func(*tx) error) error {
	return c.api.store.Do(func(otx *objects.Tx) error {
		t := &tx{Tx: otx, c: c}
		if err := t.open(c.bucket); err != nil {
			return err
		}
		if c.m.permission != "" {
			if err := t.may(c.m.permission, c.object); err != nil {
				return err
			}
		}
		return f(t)
	})
}

// open finds a bucket and reaches it.
func (t *tx) open(name string) (err error) {
	if t.b, err = t.Bucket(Cloud, name); err != nil {
		return err
	}
	if t.b == nil {
		return noBucket()
	}
	if t.set, err = configOf(t.b); err != nil {
		return err
	}
	return t.c.reach(t.b)
}

// refuse sends a refusal, in the form of the API that was asked.
func (c *call) refuse(e *Error) {
	if c.m != nil && c.m.prefix == xmlReads {
		c.refuseXML(e)
		return
	}
	if e.Code == http.StatusNotModified {
		c.w.WriteHeader(e.Code)
		return
	}
	c.reply(e.Code, map[string]any{"error": e})
}

func (c *call) refuseXML(e *Error) {
	code := map[int]string{400: "InvalidArgument", 401: "AuthenticationRequired", 403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed",
		416: "InvalidRange", 429: "SlowDown", 503: "ServiceUnavailable"}[e.Code]
	if e.Message == noBucket().Message {
		code = "NoSuchBucket"
	}
	if code == "" {
		code = "InternalError"
	}
	c.w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	c.w.WriteHeader(e.Code)
	if c.r.Method != http.MethodHead && e.Code != http.StatusNotModified {
		_ = xml.NewEncoder(c.w).Encode(struct {
			XMLName       xml.Name `xml:"Error"`
			Code, Message string
		}{Code: code, Message: e.Message})
	}
}

// reply sends JSON.
func (c *call) reply(status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("gcs: encoding an answer: %v", err))
	}
	c.w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes())
}

// maxBody bounds documents.
const maxBody = 8 << 20

func (c *call) bind(v any) error {
	b, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody))
	if err != nil {
		return errDrop
	}
	return decode(b, v)
}

// decode reads a document. No document counts as an empty object, and fields that
// v does not have are ignored, as the vendor does.
func decode(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		var refused *Error
		if errors.As(err, &refused) {
			return refused
		}
		return fail(http.StatusBadRequest, "parseError", "Parse Error: %s", err)
	}
	return nil
}

// number reads a numeric parameter; absent is nil.
func (c *call) number(name string) (*int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, invalid("Invalid value for %s: %q", name, text)
	}
	return &n, nil
}

// Int64 is a 64-bit number, which travels as a string; numbers are taken too.
type Int64 int64

// MarshalJSON writes a string.
func (n Int64) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatInt(int64(n), 10) + `"`), nil
}

// UnmarshalJSON takes both forms.
func (n *Int64) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return invalid("Invalid number: %s", b)
	}
	*n = Int64(v)
	return nil
}

// stamp is the vendor's form of a point in time; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
