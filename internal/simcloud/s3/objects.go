package s3

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// kept are the headers that are given back as they came.
func kept() []string {
	return []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}
}

const userPrefix = "X-Amz-Meta-"

// draft is a version with all that the request's headers say of it.
func (c *call) draft() (*objects.Version, extras, error) {
	h := c.r.Header
	v := &objects.Version{Meta: engine.Meta{Name: c.key}, Header: map[string]string{}, User: map[string]string{}}
	if len(c.key) > 1024 {
		return nil, extras{}, fail("KeyTooLongError", "Your key is too long")
	}
	for _, name := range kept() {
		if value := h.Get(name); value != "" {
			v.Header[name] = value
		}
	}
	if codings := strings.Split(v.Header["Content-Encoding"], ","); len(codings) > 0 {
		codings = slices.DeleteFunc(codings, func(s string) bool { s = strings.TrimSpace(s); return s == "" || s == "aws-chunked" })
		if delete(v.Header, "Content-Encoding"); len(codings) > 0 {
			v.Header["Content-Encoding"] = strings.Join(codings, ",")
		}
	}
	if v.Header["Content-Type"] == "" {
		v.Header["Content-Type"] = "binary/octet-stream"
	}
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, userPrefix); ok {
			v.User[strings.ToLower(rest)] = strings.Join(values, ",")
		}
	}
	if text := h.Get("X-Amz-Tagging"); text != "" {
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, extras{}, fail("InvalidTag", "The header x-amz-tagging is malformed.")
		}
		var in tagging
		for k, list := range values {
			for _, value := range list {
				in.Tags = append(in.Tags, tag{k, value})
			}
		}
		if v.Tags, err = in.set(10); err != nil {
			return nil, extras{}, err
		}
	}
	if class := h.Get("X-Amz-Storage-Class"); class != "" && class != "STANDARD" {
		return nil, extras{}, fail("InvalidArgument", "The storage class %s does not exist.", class)
	}
	if h.Get("X-Amz-Server-Side-Encryption") != "" {
		return nil, extras{}, fail("NotImplemented", "Server side encryption with the store's keys is not implemented: use a customer's key (SSE-C).")
	}
	list, err := c.requested(nil)
	if err != nil {
		return nil, extras{}, err
	}
	key, err := c.customerKey("X-Amz-Server-Side-Encryption-Customer-")
	return v, extras{Owner: c.who.project, ACL: list.or(aclPrivate), CustomerKey: key}, err
}

// customerKey checks the headers of SSE-C and answers the key's MD5, or nothing.
func (c *call) customerKey(prefix string) (string, error) {
	h := c.r.Header
	algorithm, text, sum := h.Get(prefix+"Algorithm"), h.Get(prefix+"Key"), h.Get(prefix+"Key-Md5")
	if algorithm == "" && text == "" && sum == "" {
		return "", nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	got := md5.Sum(key)
	switch {
	case algorithm != "AES256":
		return "", fail("InvalidArgument", "The requested encryption algorithm is not valid, must be AES256.")
	case err != nil || len(key) != 32:
		return "", fail("InvalidArgument", "The secret key was invalid for the specified algorithm.")
	case base64.StdEncoding.EncodeToString(got[:]) != sum:
		return "", fail("InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return sum, nil
}

// mayRead refuses a request whose customer key is not the version's.
func (c *call) mayRead(x extras, prefix string) error {
	key, err := c.customerKey(prefix)
	switch {
	case err != nil:
		return err
	case key != x.CustomerKey && x.CustomerKey == "":
		return fail("InvalidRequest", "The encryption parameters are not applicable to this object.")
	case key != x.CustomerKey && key == "":
		return fail("InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	case key != x.CustomerKey:
		return fail("AccessDenied", "")
	}
	return nil
}

func (c *call) showKey(x extras) {
	if x.CustomerKey != "" {
		c.w.Header().Set("X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256")
		c.w.Header().Set("X-Amz-Server-Side-Encryption-Customer-Key-Md5", x.CustomerKey)
	}
}

func setContent(v *objects.Version, content *objects.Content) {
	v.Size, v.MD5, v.CRC32C, v.ETag = content.Size, content.MD5, content.CRC32C, hex.EncodeToString(content.MD5)
	if content.Size > 0 {
		v.Segments = []objects.Segment{content.Segment}
	}
}

// putObject stores an object.
func putObject(c *call) error {
	v, x, err := c.draft()
	if err != nil {
		return err
	}
	if c.r.ContentLength < 0 && c.r.Header.Get("X-Amz-Decoded-Content-Length") == "" {
		return fail("MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	content, sums, err := c.receive()
	if err != nil {
		return err
	}
	defer content.Release()
	setContent(v, content)
	x.Checksums = sums
	if err := c.do(func(t *tx) error { return c.add(t, v, x) }); err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+v.ETag+`"`)
	c.showKey(x)
	for algorithm, sum := range sums {
		c.w.Header().Set(checksumHeader+algorithm, sum)
	}
	return c.empty(http.StatusOK)
}

// add makes v the current version, with its protection.
func (c *call) add(t *tx, v *objects.Version, x extras) error {
	old := t.Current(t.b, c.key)
	if old != nil && old.Marker {
		old = nil
	}
	if err := c.preconditions(old, true); err != nil {
		return err
	}
	if err := t.admits(x.ACL); err != nil {
		return err
	}
	if err := c.protect(t, v); err != nil {
		return err
	}
	if err := x.store(v); err != nil {
		return err
	}
	if err := t.Add(t.b, v, false); err != nil {
		return err
	}
	c.showVersion(t.b, v)
	return nil
}

// preconditions holds a request to its conditional headers. A write knows If-Match
// and If-None-Match only.
func (c *call) preconditions(v *objects.Version, write bool) error {
	h := c.r.Header
	has := func(list string) bool {
		for e := range strings.SplitSeq(list, ",") {
			if e = strings.TrimSpace(e); v != nil && (e == "*" || strings.Trim(strings.TrimPrefix(e, "W/"), `"`) == v.ETag) {
				return true
			}
		}
		return false
	}
	if list := h.Get("If-Match"); list != "" {
		if v == nil && write {
			return fail("NoSuchKey", "")
		}
		if !has(list) {
			return fail("PreconditionFailed", "")
		}
	}
	if list := h.Get("If-None-Match"); list != "" && has(list) {
		if write {
			return fail("PreconditionFailed", "")
		}
		return fail("NotModified", "")
	}
	if write {
		return nil
	}
	modified := v.Created.Truncate(time.Second)
	if at, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && h.Get("If-None-Match") == "" && !modified.After(at) {
		return fail("NotModified", "")
	}
	if at, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && h.Get("If-Match") == "" && modified.After(at) {
		return fail("PreconditionFailed", "")
	}
	return nil
}

// getObject answers GET and HEAD.
func getObject(c *call) error {
	var v *objects.Version
	var body io.ReadCloser
	var first, length int64
	partial := false
	err := c.do(func(t *tx) (err error) {
		if v, err = c.readable(t, c.key, c.query.Get("versionId")); err != nil {
			return err
		}
		x := extrasOf(v)
		if err := c.mayRead(x, "X-Amz-Server-Side-Encryption-Customer-"); err != nil {
			return err
		}
		if err := c.preconditions(v, false); err != nil {
			e := refusalOf(err)
			e.header = map[string]string{"ETag": `"` + v.ETag + `"`}
			return e
		}
		if first, length, partial, err = c.extent(v, x); err != nil {
			return err
		}
		c.describe(t, v, x)
		body = c.api.store.Open(v.Segments, first, length)
		return nil
	})
	if err != nil {
		return err
	}
	defer body.Close()
	h := c.w.Header()
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	status := http.StatusOK
	if partial {
		h.Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(first+length-1, 10)+"/"+strconv.FormatInt(v.Size, 10))
		status = http.StatusPartialContent
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodGet {
		if _, err := io.Copy(c.w, body); err != nil {
			return errDrop // what is missing must not look like the end
		}
	}
	return nil
}

// readable finds a version that has a content.
func (c *call) readable(t *tx, key, id string) (*objects.Version, error) {
	v, err := t.version(key, id)
	switch {
	case err != nil:
		return nil, err
	case v == nil && c.authorize(t, "s3:ListBucket", "") != nil:
		return nil, fail("AccessDenied", "") // who may not list shall not learn what is there
	case v == nil:
		return nil, fail("NoSuchKey", "")
	case v.Marker:
		e := fail("NoSuchKey", "")
		if id != "" {
			e = fail("MethodNotAllowed", "")
		}
		e.header = map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": versionID(v)}
		return nil, e
	}
	return v, nil
}

// describe sets the headers of a version.
func (c *call) describe(t *tx, v *objects.Version, x extras) {
	h := c.w.Header()
	for name, value := range v.Header {
		h.Set(name, value)
	}
	for _, name := range kept() {
		if value := c.query.Get("response-" + strings.ToLower(name)); value != "" && !c.who.anonymous() {
			h.Set(name, value)
		}
	}
	for name, value := range v.User {
		h.Set(userPrefix+name, value)
	}
	h.Set("ETag", `"`+v.ETag+`"`)
	h.Set("Last-Modified", v.Created.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if len(v.Tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.Tags)))
	}
	if v.Lock != "" && c.authorize(t, "s3:GetObjectRetention", c.key) == nil {
		h.Set("X-Amz-Object-Lock-Mode", string(v.Lock))
		h.Set("X-Amz-Object-Lock-Retain-Until-Date", stamp(v.Until))
	}
	if t.set.Lock != nil && c.authorize(t, "s3:GetObjectLegalHold", c.key) == nil && v.Hold {
		h.Set("X-Amz-Object-Lock-Legal-Hold", "ON")
	}
	if len(x.Parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(x.Parts)))
	}
	if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") && c.r.Header.Get("Range") == "" {
		for _, algorithm := range slices.Sorted(maps.Keys(x.Checksums)) {
			h.Set(checksumHeader+algorithm, x.Checksums[algorithm])
		}
	}
	c.showKey(x)
	c.showVersion(t.b, v)
}

// extent is what of the content the request wants: a range, a part, or all.
func (c *call) extent(v *objects.Version, x extras) (first, length int64, partial bool, err error) {
	if text := c.query.Get("partNumber"); text != "" {
		n, err := strconv.Atoi(text)
		parts := x.Parts
		if len(parts) == 0 {
			parts = []int64{v.Size}
		}
		if err != nil || n < 1 || n > len(parts) {
			return 0, 0, false, fail("InvalidPart", "The requested partnumber is not satisfiable")
		}
		for _, size := range parts[:n-1] {
			first += size
		}
		return first, parts[n-1], true, nil
	}
	return byteRange(c.r.Header.Get("Range"), v.Size)
}

// byteRange reads a Range header of one range; what is no such range is ignored,
// as HTTP has it.
func byteRange(header string, size int64) (first, length int64, partial bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return 0, size, false, nil
	}
	unsatisfiable := fail("InvalidRange", "")
	if from == "" {
		n, e := strconv.ParseInt(to, 10, 64)
		if e != nil {
			return 0, size, false, nil
		}
		if n == 0 || size == 0 {
			return 0, 0, false, unsatisfiable
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	first, e := strconv.ParseInt(from, 10, 64)
	if e != nil {
		return 0, size, false, nil
	}
	last := size - 1
	if to != "" {
		n, e := strconv.ParseInt(to, 10, 64)
		if e != nil || n < first {
			return 0, size, false, nil
		}
		last = min(n, last)
	}
	if first >= size {
		return 0, 0, false, unsatisfiable
	}
	return first, last - first + 1, true, nil
}
