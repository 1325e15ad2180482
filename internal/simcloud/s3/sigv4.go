package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 4, as Amazon's "Authenticating Requests (AWS Signature Version
// 4)" describes it: in the Authorization header, or in the query of a presigned
// address.

// identity is who calls.
type identity struct {
	access, project string // empty for anonymous
}

func (i identity) anonymous() bool { return i.access == "" }

// signature is what a signed request carries.
type signature struct {
	access, date, region string
	stamp                string // the time, as it was signed
	headers              []string
	value                string
	payload              string // x-amz-content-sha256
	presigned            bool
	key                  []byte // derived
}

func (s *signature) scope() string { return s.date + "/" + s.region + "/s3/aws4_request" }

// The names of payloads that are no hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	signedChunks     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailers   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedTrailers = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// skew is how far the client's clock may be off.
const skew = 15 * time.Minute

const stampForm = "20060102T150405Z"

// authenticate finds out who calls, and refuses what is signed wrongly.
func (c *call) authenticate() error {
	header := c.r.Header.Get("Authorization")
	var err error
	switch {
	case strings.HasPrefix(header, "AWS4-HMAC-SHA256"):
		c.signed, err = fromHeader(c.r, header)
	case header != "" || c.query.Has("Signature"):
		return fail("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case c.query.Has("X-Amz-Signature"):
		c.signed, err = fromQuery(c.query)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	s := c.signed
	key, known := c.api.opts.Keys[s.access]
	if !known {
		return fail("InvalidAccessKeyId", "")
	}
	at, err := time.Parse(stampForm, s.stamp)
	if err != nil || s.date != s.stamp[:8] {
		return fail("AuthorizationHeaderMalformed", "The time %q of the signature does not fit its scope.", s.stamp)
	}
	if err := c.fresh(at); err != nil {
		return err
	}
	s.key = signingKey(key.Secret, s.date, s.region)
	// The client signs the path as it sends it; some send less escaped than
	// they sign.
	for _, path := range []string{escapePath(c.r.URL.Path), c.r.URL.EscapedPath()} {
		want := sign(s.key, "AWS4-HMAC-SHA256\n"+s.stamp+"\n"+s.scope()+"\n"+hexSum(canonical(c.r, s, path)))
		if subtle.ConstantTimeCompare([]byte(want), []byte(s.value)) == 1 {
			c.who = identity{access: s.access, project: key.Project}
			return nil
		}
	}
	return fail("SignatureDoesNotMatch", "")
}

// fresh refuses what was signed too long ago, or is not good yet.
func (c *call) fresh(at time.Time) error {
	now := c.api.opts.Wall()
	if !c.signed.presigned {
		if now.Sub(at).Abs() > skew {
			return fail("RequestTimeTooSkewed", "")
		}
		return nil
	}
	seconds, err := strconv.Atoi(c.query.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > 7*24*3600 {
		return fail("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds")
	}
	if now.After(at.Add(time.Duration(seconds)*time.Second)) || at.Sub(now) > skew {
		return fail("AccessDenied", "Request has expired")
	}
	return nil
}

func fromHeader(r *http.Request, header string) (*signature, error) {
	malformed := fail("AuthorizationHeaderMalformed", "The authorization header is malformed.")
	s := &signature{stamp: r.Header.Get("X-Amz-Date"), payload: r.Header.Get("X-Amz-Content-Sha256")}
	for field := range strings.SplitSeq(strings.TrimSpace(strings.TrimPrefix(header, "AWS4-HMAC-SHA256")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			if !s.credential(value) {
				return nil, malformed
			}
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	if s.access == "" || s.value == "" || !slices.Contains(s.headers, "host") || len(s.stamp) != len(stampForm) {
		return nil, malformed
	}
	if s.payload == "" {
		return nil, fail("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	}
	// What is not signed could have been changed on the way.
	for name := range r.Header {
		if n := strings.ToLower(name); strings.HasPrefix(n, "x-amz-") && n != "x-amz-content-sha256" && !slices.Contains(s.headers, n) {
			return nil, fail("AccessDenied", "There were headers present in the request which were not signed: %s", n)
		}
	}
	return s, nil
}

func fromQuery(q url.Values) (*signature, error) {
	s := &signature{stamp: q.Get("X-Amz-Date"), value: q.Get("X-Amz-Signature"), presigned: true, payload: unsignedPayload,
		headers: strings.Split(q.Get("X-Amz-SignedHeaders"), ";")}
	if q.Get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" || !s.credential(q.Get("X-Amz-Credential")) || len(s.stamp) != len(stampForm) ||
		!slices.Contains(s.headers, "host") {
		return nil, fail("AuthorizationQueryParametersError", "The authorization parameters of the query are malformed.")
	}
	return s, nil
}

// credential takes apart KEY/20260102/REGION/s3/aws4_request. Any region is good,
// as with the Ceph gateway.
func (s *signature) credential(text string) bool {
	parts := strings.Split(text, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" || parts[n-2] != "s3" {
		return false
	}
	s.access, s.date, s.region = strings.Join(parts[:n-4], "/"), parts[n-4], parts[n-3]
	return true
}

// canonical is the request in the form that is signed.
func canonical(r *http.Request, s *signature, path string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.headers {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	payload := s.payload
	if s.presigned {
		if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" {
			payload = sent
		}
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + payload)
	return b.String()
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	var out []string
	for _, v := range r.Header.Values(name) {
		out = append(out, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(out, ",")
}

func canonicalQuery(raw string) string {
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil || name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, escape(name)+"="+escape(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = escape(p)
	}
	return strings.Join(parts, "/")
}

// escape escapes all but the unreserved characters.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if ch >= 'A' && ch <= 'Z' || ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' || strings.IndexByte("-._~", ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{ch})))
	}
	return b.String()
}

func signingKey(secret, date, region string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sign(key []byte, text string) string { return hex.EncodeToString(mac(key, text)) }

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
