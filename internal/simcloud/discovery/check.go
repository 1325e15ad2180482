package discovery

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
)

// Check serves as h does, and tells report of every answer that does not have
// the vendor's shape. describe gives the document, method and path (behind the
// base path) that an answer belongs to; a nil document leaves it alone.
func Check(h http.Handler, describe func(r *http.Request, answer *httptest.ResponseRecorder) (d *Document, httpMethod, path string), report func(format string, args ...any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r) // a panic that drops the connection passes through
		if d, method, path := describe(r, answer); d != nil && answer.Code == http.StatusOK {
			var v any
			if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
				report("%s %s: %v", r.Method, r.URL.Path, err)
			}
			s, ok := d.ResponseOf(method, path)
			switch {
			case !ok:
				report("%s %s: the vendor has no such method", r.Method, r.URL.Path)
			case s != nil:
				for _, x := range d.Differences(s, v) {
					report("%s %s: %s", r.Method, r.URL.Path, x)
				}
			}
		}
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}
