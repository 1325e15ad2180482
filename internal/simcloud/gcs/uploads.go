package gcs

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// insertObject stores an object, in one of the three ways of the vendor: the
// content alone, with its metadata, or in a session that can be resumed.
func insertObject(c *call) error {
	if c.query.Get("upload_id") != "" {
		return c.resume()
	}
	kind := c.query.Get("uploadType")
	if kind == "" {
		kind = c.r.Header.Get("X-Goog-Upload-Protocol")
	}
	if c.r.Method == http.MethodPut && kind != "resumable" {
		return fail(http.StatusMethodNotAllowed, "httpMethodNotAllowed", "Method not allowed")
	}
	switch kind {
	case "media":
		m := &metadata{ContentType: c.r.Header.Get("Content-Type")}
		return c.insert(m, c.r.Body)
	case "multipart":
		return c.insertRelated()
	case "resumable":
		return c.begin()
	}
	return invalid("Invalid value for uploadType: %q", kind)
}

// insertRelated reads the two parts of multipart/related: metadata and content.
func (c *call) insertRelated() error {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return invalid("The content type of a multipart upload must be multipart/related.")
	}
	parts := multipart.NewReader(c.r.Body, params["boundary"])
	first, err := parts.NextRawPart()
	if err != nil {
		return invalid("Malformed multipart body.")
	}
	b, err := io.ReadAll(io.LimitReader(first, maxBody))
	if err != nil {
		return invalid("Malformed multipart body.")
	}
	m := &metadata{}
	if err := decode(b, m); err != nil {
		return err
	}
	second, err := parts.NextRawPart()
	if err != nil {
		return invalid("Malformed multipart body.")
	}
	if m.ContentType == "" {
		m.ContentType = second.Header.Get("Content-Type")
	}
	return c.insert(m, second)
}

// insert stores a content and answers the object.
func (c *call) insert(m *metadata, body io.Reader) error {
	if name := c.query.Get("name"); name != "" {
		m.Name = name
	}
	content, err := c.api.store.Receive(body)
	if err != nil {
		return errDrop // the client went away
	}
	defer content.Release()
	if err := m.held(content); err != nil {
		return err
	}
	if err := heldTo(c.r.Header.Get("X-Goog-Hash"), content); err != nil {
		return err
	}
	var out *objectView
	err = c.do(func(t *tx) error {
		v, _, err := t.draft(m)
		if err != nil {
			return err
		}
		if err := t.may("storage.objects.create", m.Name); err != nil {
			return err
		}
		setContent(v, content)
		if err := t.replace(v); err != nil {
			return err
		}
		out = viewObject(t.b, v)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// heldTo holds a content to a header crc32c=…,md5=….
func heldTo(header string, content *objects.Content) error {
	sums := &metadata{}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "crc32c":
			sums.CRC32C = value
		case "md5":
			sums.MD5 = value
		}
	}
	return sums.held(content)
}

// session is what is kept of an upload that can be resumed.
type session struct {
	Metadata *metadata `json:"metadata"`
	Query    string    `json:"query"` // of the request that began it
	Size     int64     `json:"size"`
}

// begin opens a session and answers its address.
func (c *call) begin() error {
	m := &metadata{}
	if err := c.bind(m); err != nil {
		return err
	}
	if name := c.query.Get("name"); name != "" {
		m.Name = name
	}
	if m.ContentType == "" {
		m.ContentType = c.r.Header.Get("X-Upload-Content-Type")
	}
	id := ""
	err := c.do(func(t *tx) error {
		if _, _, err := t.draft(m); err != nil {
			return err
		}
		if err := t.may("storage.objects.create", m.Name); err != nil {
			return err
		}
		if err := c.conditions(t.Current(t.b, m.Name), ""); err != nil {
			return err
		}
		settings, err := json.Marshal(session{Metadata: m, Query: c.r.URL.RawQuery})
		if err != nil {
			return err
		}
		id = hash(t.b.Name + m.Name + strconv.FormatInt(t.Next("gcs_upload"), 10))
		t.AddUpload(t.b, &objects.Upload{Meta: engine.Meta{Name: m.Name}, Key: id, Settings: settings})
		return nil
	})
	if err != nil {
		return err
	}
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	q := url.Values{"uploadType": {"resumable"}, "name": {m.Name}, "upload_id": {id}}
	c.w.Header().Set("Location", scheme+"://"+c.r.Host+upload+"b/"+url.PathEscape(c.bucket)+"/o?"+q.Encode())
	c.w.Header().Set("X-Guploader-Uploadid", id)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// sessionOf finds the request's session.
func (c *call) sessionOf(t *tx) (*objects.Upload, *session, error) {
	u := t.Upload(t.b, c.query.Get("upload_id"))
	if u == nil {
		return nil, nil, fail(http.StatusNotFound, "notFound", "The upload session does not exist.")
	}
	s := &session{}
	return u, s, json.Unmarshal(u.Settings, s)
}

// contentRange reads "bytes 0-9/10", "bytes 0-9/*" and "bytes */10". A first of -1
// asks how far the session is; a total of -1 is not known yet.
func contentRange(header string) (first, total int64, err error) {
	spec, ok := strings.CutPrefix(header, "bytes ")
	span, size, slash := strings.Cut(spec, "/")
	bad := invalid("Failed to parse Content-Range header: %q", header)
	if header == "" {
		return 0, -2, nil // everything in one request
	}
	if !ok || !slash {
		return 0, 0, bad
	}
	first, total = -1, -1
	if size != "*" {
		if total, err = strconv.ParseInt(size, 10, 64); err != nil {
			return 0, 0, bad
		}
	}
	if span != "*" {
		from, _, _ := strings.Cut(span, "-")
		if first, err = strconv.ParseInt(from, 10, 64); err != nil {
			return 0, 0, bad
		}
	}
	return first, total, nil
}

// resume takes the next piece of a session, and ends it with the last.
func (c *call) resume() error {
	first, total, err := contentRange(c.r.Header.Get("Content-Range"))
	if err != nil {
		return err
	}
	var piece *objects.Content
	if first >= 0 {
		if piece, err = c.api.store.Receive(c.r.Body); err != nil {
			return errDrop
		}
		defer piece.Release()
	}
	var have int64
	var segments []objects.Segment
	var s *session
	var done *objectView
	err = c.do(func(t *tx) error {
		u, got, err := c.sessionOf(t)
		if err != nil {
			return err
		}
		if s = got; u.Done != 0 {
			if v := t.VersionByID(t.b, u.Done); v != nil {
				done = viewObject(t.b, v)
			}
			return nil
		}
		if piece != nil && piece.Size > 0 {
			if first > s.Size {
				return fail(http.StatusServiceUnavailable, "backendError", "The session has %d bytes, and the piece begins at %d.", s.Size, first)
			}
			if first == s.Size { // else the client sends again what arrived
				t.AddPart(u, objects.Part{Number: len(u.Parts), Segment: piece.Segment, MD5: piece.MD5, CRC32C: piece.CRC32C, Modified: t.Now()})
				s.Size += piece.Size
				if t.EditUpload(u).Settings, err = json.Marshal(s); err != nil {
					return err
				}
			}
		}
		have = s.Size
		for _, p := range t.Upload(t.b, u.Key).Parts {
			segments = append(segments, p.Segment)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case done != nil:
		c.reply(http.StatusOK, done)
		return nil
	case total >= 0 && have > total:
		return invalid("The session has %d bytes of %d.", have, total)
	case total != -2 && have != total: // not all is there
		if have > 0 {
			c.w.Header().Set("Range", "bytes=0-"+strconv.FormatInt(have-1, 10))
		}
		c.w.Header().Set("Content-Length", "0")
		if c.r.Header.Get("X-Guploader-No-308") == "yes" { // a client that cannot have it in the status
			c.w.Header().Set("X-Http-Status-Code-Override", "308")
			c.w.WriteHeader(http.StatusOK)
			return nil
		}
		c.w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	return c.finish(s, segments, have)
}

// finish makes the object of a session's pieces.
func (c *call) finish(s *session, segments []objects.Segment, size int64) error {
	body := c.api.store.Open(segments, 0, size)
	defer body.Close()
	content, err := c.api.store.Receive(body)
	if err != nil {
		return err
	}
	defer content.Release()
	begun, err := url.ParseQuery(s.Query)
	if err != nil {
		return err
	}
	if err := s.Metadata.held(content); err != nil {
		return err
	}
	if err := heldTo(c.r.Header.Get("X-Goog-Hash"), content); err != nil {
		return err
	}
	var out *objectView
	err = c.do(func(t *tx) error {
		u, _, err := c.sessionOf(t)
		if err != nil {
			return err
		}
		if u.Done != 0 {
			return fail(http.StatusConflict, "conflict", "The session has ended.")
		}
		v, _, err := t.draft(s.Metadata)
		if err != nil {
			return err
		}
		setContent(v, content)
		now := c.query
		c.query = begun // the preconditions are those of the beginning
		err = t.replace(v)
		c.query = now
		if err != nil {
			return err
		}
		t.FinishUpload(u, v)
		out = viewObject(t.b, v)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// cancelUpload forgets a session; 499 is the vendor's answer.
func cancelUpload(c *call) error {
	err := c.do(func(t *tx) error {
		u, _, err := c.sessionOf(t)
		if err == nil {
			t.RemoveUpload(u)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(499)
	return nil
}
