package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// What the front does instead of answering.
var (
	errHang = errors.New("no answer")
	errDrop = errors.New("the connection is closed")
)

// call is one request on its way.
type call struct {
	api      *API
	w        *engine.Answer
	r        *http.Request
	location string
	bucket   string
	key      string
	query    url.Values
	op       *operation
	who      identity
	signed   *signature // nil for an anonymous request
	resource string     // the path as faults see it
}

// serve answers a request: it counts it, applies faults and limit, checks the
// signature and the right to do this, and does it. A dropped connection is a panic
// with http.ErrAbortHandler, which net/http's server understands.
func (a *API) serve(w http.ResponseWriter, r *http.Request, location, path string) {
	c := &call{api: a, w: &engine.Answer{ResponseWriter: w}, r: r, location: location, query: r.URL.Query()}
	c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	c.resource = "/s3/" + location + path
	c.op = a.find(r, c.bucket, c.key, c.query)
	route := "unknown"
	if c.op != nil {
		route = c.op.template()
	}
	a.recorder.Begin(r.Method + " " + route)
	defer func() { a.recorder.End(c.w.Status) }()

	id := strconv.FormatInt(a.clock.Now().UnixNano(), 16)
	c.w.Header().Set("X-Amz-Request-Id", id)
	c.w.Header().Set("Date", a.clock.Now().UTC().Format(http.TimeFormat))
	err := c.run()
	switch {
	case errors.Is(err, errHang):
		c.w.Status = 0
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case errors.Is(err, errDrop):
		c.w.Status = 0
		panic(http.ErrAbortHandler)
	case err != nil:
		e := *refusalOf(err)
		e.RequestID, e.HostID = id, location
		c.refuse(&e)
	}
	if c.w.Discard {
		c.w.Status = 0
		panic(http.ErrAbortHandler)
	}
}

// run gets the request as far as it gets.
func (c *call) run() error {
	a := c.api
	if err := c.reach(); err != nil {
		return err
	}
	for _, f := range a.faults.Request(c.r.Method, c.resource) {
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
			return fail("SlowDown", "")
		case engine.FaultError:
			return injected(f)
		}
	}
	if c.bucket != "" && !a.limit.Take(c.bucket, a.faults.Stolen()) {
		return fail("SlowDown", "")
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if c.op == nil {
		return fail("MethodNotAllowed", "")
	}
	if c.bucket != "" && c.op.name != "CreateBucket" {
		// Before the body is read: a client that may not write need not send it.
		if err := c.do(func(*tx) error { return nil }); err != nil {
			return err
		}
	}
	return c.op.do(c)
}

// reach refuses, hangs or drops when the location is lost.
func (c *call) reach() error {
	f := c.api.faults.Lost(c.location)
	if f == nil {
		f = c.api.vendor.Lost(c.location)
	}
	switch {
	case f == nil:
		return nil
	case f.Mode == engine.ModeHang:
		return errHang
	case f.Mode == engine.ModeDrop:
		return errDrop
	}
	return fail("ServiceUnavailable", "The location %s is unavailable.", c.location)
}

func injected(f engine.Fault) *Error {
	code := f.Code
	if code == "" {
		code = map[int]string{0: "InternalError", 403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 501: "NotImplemented", 503: "ServiceUnavailable"}[f.Status]
	}
	if code == "" {
		code = "InternalError"
	}
	e := fail(code, "")
	if f.Message != "" {
		e.Message = f.Message
	}
	if f.Status != 0 {
		e.status = f.Status
	}
	return e
}

// refuse sends a refusal; answers to HEAD have no body.
func (c *call) refuse(e *Error) {
	for k, v := range e.header {
		c.w.Header().Set(k, v)
	}
	e.Bucket, e.Key = c.bucket, c.key
	if c.r.Method == http.MethodHead || e.status == http.StatusNotModified {
		c.w.WriteHeader(e.status)
		return
	}
	c.reply(e.status, e)
}

// reply sends XML.
func (c *call) reply(status int, v any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		panic(fmt.Sprintf("s3: encoding an answer: %v", err))
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes())
}

// empty sends no body.
func (c *call) empty(status int) error {
	c.w.WriteHeader(status)
	return nil
}

// tx is a transaction on the request's bucket.
type tx struct {
	*objects.Tx
	b   *objects.Bucket // as it is stored: read only
	set *settings       // its settings, a copy
}

// do runs f as a transaction on the request's bucket, which must exist at this
// location, after checking again that the caller may do this.
func (c *call) do(f func(*tx) error) error {
	return c.api.store.Do(func(otx *objects.Tx) error {
		t := &tx{Tx: otx}
		if err := c.open(t, c.bucket); err != nil {
			return err
		}
		if err := c.authorize(t, c.op.action, c.key); err != nil {
			return err
		}
		return f(t)
	})
}

// open finds a bucket.
func (c *call) open(t *tx, name string) (err error) {
	if t.b, err = t.Bucket(Cloud, name); err != nil {
		return err
	}
	if t.b == nil || t.b.Location != c.location {
		return fail("NoSuchBucket", "")
	}
	t.set, err = settingsOf(t.b)
	return err
}

// keep stores the bucket's settings, and answers its copy for further changes.
func (t *tx) keep() (*objects.Bucket, error) {
	b := t.EditBucket(t.b)
	return b, t.set.store(b)
}
