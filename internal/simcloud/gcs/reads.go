package gcs

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// getObject answers the metadata, or with alt=media the content. What was softly
// deleted has metadata only, by its generation.
func getObject(c *call) error {
	if c.query.Get("alt") == "media" {
		return readObject(c)
	}
	var out *objectView
	err := c.do(func(t *tx) error {
		var v *objects.Version
		var err error
		if c.query.Get("softDeleted") == "true" {
			v, err = t.destroyed(c.object)
		} else {
			v, err = t.live(c.object)
		}
		if err != nil {
			return err
		}
		out = viewObject(t.b, v)
		return c.conditions(v, "")
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", out.Etag)
	c.reply(http.StatusOK, out)
	return nil
}

// destroyed is the softly deleted version that the request names.
func (t *tx) destroyed(name string) (*objects.Version, error) {
	generation, err := t.c.number("generation")
	switch {
	case err != nil:
		return nil, err
	case t.b.Soft == 0:
		return nil, invalid("The bucket '%s' has no soft delete policy.", t.b.Name)
	case generation == nil:
		return nil, required("generation")
	}
	for _, v := range t.Destroyed(t.b, name) {
		if v.Serial == *generation {
			return v, nil
		}
	}
	return nil, noObject(t.b.Name, name)
}

// readObject answers a content.
func readObject(c *call) error { return c.read(func(*objects.Bucket, *objects.Version) {}) }

// readXML answers a content with the headers of the XML API, in which the vendor's
// Go client reads unless it is told otherwise.
func readXML(c *call) error {
	return c.read(func(_ *objects.Bucket, v *objects.Version) {
		h := c.w.Header()
		for name, value := range v.Header {
			h.Set(name, value)
		}
		for name, value := range v.User {
			h.Set("X-Goog-Meta-"+name, value)
		}
		h.Set("X-Goog-Stored-Content-Length", strconv.FormatInt(v.Size, 10))
		h.Set("X-Goog-Stored-Content-Encoding", "identity")
		if coding := v.Header["Content-Encoding"]; coding != "" {
			h.Set("X-Goog-Stored-Content-Encoding", coding)
		}
	})
}

func (c *call) read(more func(*objects.Bucket, *objects.Version)) error {
	var v *objects.Version
	var first, length int64
	var partial bool
	var body io.ReadCloser
	err := c.do(func(t *tx) (err error) {
		if v, err = t.live(c.object); err != nil {
			return err
		}
		if err := c.conditions(v, ""); err != nil {
			return err
		}
		if first, length, partial, err = byteRange(c.r.Header.Get("Range"), v.Size); err != nil {
			return err
		}
		more(t.b, v)
		body = c.api.store.Open(v.Segments, first, length)
		return nil
	})
	if err != nil {
		return err
	}
	defer body.Close()
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if kind := v.Header["Content-Type"]; kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("Etag", `"`+etagOfVersion(v)+`"`)
	h.Set("Last-Modified", v.Created.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Goog-Generation", strconv.FormatInt(v.Serial, 10))
	h.Set("X-Goog-Metageneration", strconv.FormatInt(v.Revision, 10))
	h.Set("X-Goog-Storage-Class", extrasOf(v).StorageClass)
	h.Add("X-Goog-Hash", "crc32c="+crcText(v.CRC32C))
	if len(v.MD5) > 0 {
		h.Add("X-Goog-Hash", "md5="+viewMD5(v))
	}
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

// byteRange reads a Range header of one range; what is no such range is ignored,
// as HTTP has it.
func byteRange(header string, size int64) (first, length int64, partial bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return 0, size, false, nil
	}
	unsatisfiable := fail(http.StatusRequestedRangeNotSatisfiable, "requestedRangeNotSatisfiable", "Request range not satisfiable")
	last := size - 1
	switch {
	case from == "":
		n, e := strconv.ParseInt(to, 10, 64)
		if e != nil {
			return 0, size, false, nil
		}
		if n == 0 || size == 0 {
			return 0, 0, false, unsatisfiable
		}
		first = max(0, size-n)
	default:
		n, e := strconv.ParseInt(from, 10, 64)
		if e != nil {
			return 0, size, false, nil
		}
		if first = n; first >= size {
			return 0, 0, false, unsatisfiable
		}
		if to != "" {
			if n, e = strconv.ParseInt(to, 10, 64); e != nil || n < first {
				return 0, size, false, nil
			}
			last = min(last, n)
		}
	}
	return first, last - first + 1, true, nil
}
