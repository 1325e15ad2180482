package hetzner

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// maxBody bounds what is read of a request; the largest field, user data, has
// 32 KiB.
const maxBody = 1 << 20

// ServeHTTP answers a request: it counts it, applies the request limit and the
// faults, authenticates, and runs the operation as one transaction. A dropped
// connection is a panic with http.ErrAbortHandler, which net/http's server
// understands.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, template, ids := a.find(r.Method, r.URL.Path)
	if template == "" {
		template = "unknown"
	}
	a.recorder.Begin(r.Method + " " + template)
	status := 0
	defer func() { a.recorder.End(status) }()

	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	token, known := a.token(r)
	c := &call{api: a, r: r, project: token.Project, ids: ids, body: body, header: w.Header()}
	c.header.Set("X-Correlation-Id", fmt.Sprintf("%016x", a.serial.Add(1)))

	answer, drop := a.answer(c, found, template, token, known)
	if drop {
		panic(http.ErrAbortHandler)
	}
	status = answer.status
	answer.write(w)
}

type answer struct {
	status int
	body   any
}

func (a *API) answer(c *call, found *route, template string, token Token, known bool) (_ answer, drop bool) {
	if f := a.faults.Unreachable(); f != nil {
		switch f.Mode {
		case engine.ModeHang:
			<-c.r.Context().Done()
			return answer{}, true
		case engine.ModeDrop:
			return answer{}, true
		}
		return refusal(fail("unavailable", "the service is currently unavailable")), false
	}
	quota := a.admit(c, found)
	tooMany := refusal(fail("rate_limit_exceeded", "limit of %d requests per hour reached", quota.Limit))
	if !quota.OK {
		return tooMany, false
	}
	dropAfter := false
	for _, f := range a.faults.Request(c.r.Method, c.r.URL.Path) {
		switch f.Kind {
		case engine.FaultDelay:
			if a.eng.Clock.Wait(c.r.Context(), time.Duration(f.DelaySeconds*float64(time.Second))) != nil {
				return answer{}, true
			}
		case engine.FaultDropBefore:
			return answer{}, true
		case engine.FaultDropAfter:
			dropAfter = true
		case engine.FaultRateLimit:
			return tooMany, false
		case engine.FaultError:
			return refusal(injected(f)), false
		}
	}
	switch {
	case !known:
		return refusal(fail("unauthorized", "unable to authenticate")), false
	case found == nil && template != "unknown":
		return refusal(fail("method_not_allowed", "method not allowed")), false
	case found == nil:
		return refusal(fail("not_found", "not found")), false
	case token.ReadOnly && c.r.Method != http.MethodGet:
		return refusal(fail("token_readonly", "the token is only allowed to perform GET requests")), false
	}
	out := answer{status: found.status}
	err := a.eng.Do(func(tx *engine.Tx) (err error) {
		c.tx = tx
		out.body, err = found.do(c)
		return err
	})
	var refused *Error
	switch {
	case errors.Is(err, errHang):
		<-c.r.Context().Done()
		return answer{}, true
	case errors.Is(err, errDrop):
		return answer{}, true
	case errors.As(err, &refused):
		out = refusal(refused)
	case err != nil:
		out = refusal(fail("server_error", "%s", err))
	}
	return out, dropAfter
}

// admit takes a request from the right limit and sets the headers of it.
func (a *API) admit(c *call, found *route) engine.Quota {
	limit := a.limit
	if found != nil && found.poll && a.opts.ActionPollLimit > 0 {
		limit = a.polls
	}
	key := c.project
	if key == "" {
		key, _, _ = net.SplitHostPort(c.r.RemoteAddr)
	}
	q := limit.Take(key, a.faults.Stolen())
	if q.Limited {
		c.header.Set("RateLimit-Limit", strconv.Itoa(q.Limit))
		c.header.Set("RateLimit-Remaining", strconv.Itoa(q.Remaining))
		// Clients compare it with their own clock, so it is told in real time.
		c.header.Set("RateLimit-Reset", strconv.FormatInt(a.eng.Clock.Wall(q.Reset).Unix(), 10))
	}
	return q
}

// token finds what the request's token stands for.
func (a *API) token(r *http.Request) (Token, bool) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || secret == "" {
		return Token{}, false
	}
	if len(a.opts.Tokens) > 0 {
		t, ok := a.opts.Tokens[secret]
		return t, ok
	}
	return Token{Project: ProjectOf(secret)}, true
}

// ProjectOf is the project of a token when no tokens were configured. The token
// itself is stored nowhere.
func ProjectOf(token string) string {
	return fmt.Sprintf("project-%x", sha256.Sum256([]byte(token)))[:20]
}

func injected(f engine.Fault) *Error {
	status, code := f.Status, f.Code
	if status == 0 {
		status = statusOf[code]
	}
	if status == 0 {
		status = http.StatusInternalServerError
		if code != "" {
			status = http.StatusUnprocessableEntity
		}
	}
	known := codeOf[status]
	e := &Error{Status: status, Code: code, Message: f.Message}
	if e.Code == "" {
		e.Code = known[0]
	}
	if e.Code == "" {
		e.Code = "server_error"
	}
	if e.Message == "" {
		if e.Message = known[1]; e.Message == "" || e.Code != known[0] {
			e.Message = strings.ReplaceAll(e.Code, "_", " ")
		}
	}
	return e
}

func refusal(e *Error) answer {
	return answer{status: e.Status, body: map[string]any{"error": e}}
}

func (a answer) write(w http.ResponseWriter) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		panic(fmt.Sprintf("hetzner: encoding an answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(b.Bytes())
}
