package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// maxBody bounds what is read of a request; metadata may hold 512 KiB, and a
// bulk insertion several.
const maxBody = 8 << 20

// waitLimit is how long a wait for an operation holds its answer back
// (globalOperations.wait: "no more than the 2 minutes").
const waitLimit = 2 * time.Minute

// ServeHTTP answers a request: it counts it, applies the faults and the request
// limit, authenticates, and runs the method as one transaction. A dropped
// connection is a panic with http.ErrAbortHandler, which net/http's server
// understands.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, template, vars := a.find(r.Method, r.URL.Path)
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
	c := &call{api: a, r: r, project: vars["project"], scope: scopeOf(vars), vars: vars, body: body}
	answer, err := a.answer(c, found, template)
	switch {
	case errors.Is(err, errHang):
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case err != nil:
		panic(http.ErrAbortHandler)
	}
	status = answer.status
	answer.write(w)
}

type answer struct {
	status int
	body   any
}

// answer makes the answer. Its error is errHang or errDrop.
func (a *API) answer(c *call, found *route, template string) (answer, error) {
	if f := a.faults.Unreachable(); f != nil {
		return a.lost(f, "the service")
	}
	dropAfter := false
	for _, f := range a.faults.Request(c.r.Method, c.r.URL.Path) {
		switch f.Kind {
		case engine.FaultDelay:
			if a.eng.Clock.Wait(c.r.Context(), time.Duration(f.DelaySeconds*float64(time.Second))) != nil {
				return answer{}, errDrop
			}
		case engine.FaultDropBefore:
			return answer{}, errDrop
		case engine.FaultDropAfter:
			dropAfter = true
		case engine.FaultRateLimit:
			return refusal(rateLimited(groupQueries, c.project, max(a.opts.RateLimit, RealisticRateLimit))), nil
		case engine.FaultError:
			return refusal(injected(f)), nil
		}
	}
	if e := a.admit(c, found, template); e != nil {
		return refusal(e), nil
	}
	out, err := a.run(c, found)
	if dropAfter && err == nil {
		err = errDrop
	}
	return out, err
}

// admit refuses what does not get as far as its method.
func (a *API) admit(c *call, found *route, template string) *Error {
	token, e := a.token(c.r)
	switch {
	case e != nil:
		return e
	case found == nil && template != "unknown":
		return fail(http.StatusMethodNotAllowed, "httpMethodNotAllowed", "Method not allowed")
	case found == nil:
		return fail(http.StatusNotFound, "notFound", "Not Found")
	}
	if !a.limit.Take(c.project+" "+found.group.metric, a.faults.Stolen()) {
		return rateLimited(found.group, c.project, a.limit.Limit())
	}
	if !stockProject(c.project) {
		if !projectPattern.MatchString(c.project) {
			return invalid("project", c.project, "Must be a match of regex '(?:(?:[-a-z0-9]{1,63}\\.)*(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?):)?(?:[0-9]{1,19}|(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?))'")
		}
		if len(a.opts.Projects) > 0 && !slices.Contains(a.opts.Projects, c.project) {
			return fail(http.StatusNotFound, "notFound", "The resource 'projects/%s' was not found", c.project)
		}
	}
	if (len(token.Projects) > 0 && !slices.Contains(token.Projects, c.project) && !stockProject(c.project)) ||
		(found.writes() && (token.ReadOnly || stockProject(c.project))) {
		e := fail(http.StatusForbidden, "forbidden", "Required permission for '%s' is missing", strings.TrimPrefix(c.r.URL.Path, "/compute/v1/"))
		return e
	}
	return nil
}

// run runs the method and, where it asks for it, holds the answer back.
func (a *API) run(c *call, found *route) (answer, error) {
	out := answer{}
	deadline := a.eng.Clock.Now().Add(waitLimit)
	for {
		c.pending = false
		err := a.eng.Do(func(tx *engine.Tx) (err error) {
			c.tx = tx
			out.body, err = c.perform(found)
			return err
		})
		var refused *Error
		switch {
		case errors.Is(err, errHang), errors.Is(err, errDrop):
			return out, err
		case errors.As(err, &refused):
			return refusal(refused), nil
		case err != nil:
			return refusal(fail(http.StatusInternalServerError, "internalError", "%s", err)), nil
		}
		left := deadline.Sub(a.eng.Clock.Now())
		if !found.waits || !c.pending || left <= 0 {
			break
		}
		// The clock may jump and stuck operations may be released: look again.
		if a.eng.Clock.Wait(c.r.Context(), min(left, max(c.due.Sub(a.eng.Clock.Now()), 100*time.Millisecond), 5*time.Second)) != nil {
			return out, errDrop
		}
	}
	out.status = http.StatusOK
	return out, nil
}

// lost is what a request to a lost location gets.
func (a *API) lost(f *engine.Fault, what string) (answer, error) {
	if err := lostError(f, what); errors.Is(err, errHang) || errors.Is(err, errDrop) {
		return answer{}, err
	}
	return refusal(unavailable(what)), nil
}

func lostError(f *engine.Fault, what string) error {
	switch f.Mode {
	case engine.ModeHang:
		return errHang
	case engine.ModeDrop:
		return errDrop
	}
	return unavailable(what)
}

// token finds what the request's token stands for.
func (a *API) token(r *http.Request) (Token, *Error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	deny := func(message, short, reason string) *Error {
		e := fail(http.StatusUnauthorized, reason, "%s", short)
		e.Message, e.Status = message, "UNAUTHENTICATED"
		e.Errors[0].Location, e.Errors[0].LocationType = "Authorization", "header"
		return e
	}
	if !ok || secret == "" {
		return Token{}, deny("Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.", "Login Required.", "required")
	}
	if len(a.opts.Tokens) == 0 {
		return Token{}, nil
	}
	t, ok := a.opts.Tokens[secret]
	if !ok {
		return t, deny("Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.", "Invalid Credentials", "authError")
	}
	return t, nil
}

func injected(f engine.Fault) *Error {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	known := reasonOf[status]
	reason, message := f.Code, f.Message
	if reason == "" {
		if reason = known[0]; reason == "" {
			reason = "backendError"
		}
	}
	if message == "" {
		if message = known[1]; message == "" {
			message = reason
		}
	}
	return fail(status, reason, "%s", message)
}

func refusal(e *Error) answer { return answer{status: e.Code, body: map[string]any{"error": e}} }

func (a answer) write(w http.ResponseWriter) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		panic(fmt.Sprintf("google: encoding an answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(b.Bytes())
}
