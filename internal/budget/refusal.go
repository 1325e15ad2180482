package budget

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// limitReasons are the reasons of a 403 by which Google's APIs refuse a
// request because of a request limit
// (https://cloud.google.com/compute/docs/api-rate-limits,
// https://google.aip.dev/193).
var limitReasons = []string{"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}

// maxErrorBytes bounds how much of an error's body is read to find its reason.
const maxErrorBytes = 64 << 10

// rateLimited tells whether a request was refused because of the account's
// request limit: 429, or 403 with one of limitReasons. For that it reads the
// beginning of the body of a 403, and puts it back.
func rateLimited(response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
	default:
		return false
	}
	if seen, ok := response.Body.(*judgedBody); ok {
		return seen.limited
	}
	if response.Body == nil {
		return false
	}
	// What cannot be read is left to whoever reads on.
	beginning, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes))
	judged := &judgedBody{
		Reader:  io.MultiReader(bytes.NewReader(beginning), response.Body),
		Closer:  response.Body,
		limited: namesLimit(beginning),
	}
	response.Body = judged
	return judged.limited
}

// judgedBody is a body whose beginning was read and put back.
type judgedBody struct {
	io.Reader
	io.Closer
	limited bool
}

// namesLimit looks for the reason in both places where Google's APIs give it.
func namesLimit(body []byte) bool {
	type reason struct {
		Reason string `json:"reason"`
	}
	var answer struct {
		Error struct {
			Errors  []reason `json:"errors"`
			Details []reason `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return false
	}
	return slices.ContainsFunc(append(answer.Error.Errors, answer.Error.Details...), func(r reason) bool {
		return slices.Contains(limitReasons, r.Reason)
	})
}
