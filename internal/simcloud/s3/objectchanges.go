package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// remove deletes an object: by hiding it behind a marker, or destroying a version.
func (c *call) remove(t *tx, key, id string) (marker bool, shown string, err error) {
	if id == "" && t.b.Versioning != objects.VersioningOff {
		v := &objects.Version{Meta: engine.Meta{Name: key}, Marker: true}
		if err := t.Add(t.b, v, false); err != nil {
			return false, "", err
		}
		return true, versionID(v), nil
	}
	v, err := t.version(key, id)
	if id != "" && v == nil {
		return false, id, nil // to delete what is not there is no error
	}
	if v == nil || err != nil {
		return false, "", err
	}
	bypass, err := c.bypass(t, key)
	if err != nil {
		return false, "", err
	}
	if err := t.Remove(t.b, v, bypass); err != nil {
		return false, "", err
	}
	t.Promote(t.b, key)
	return v.Marker, id, nil
}

func deleteObject(c *call) error {
	err := c.do(func(t *tx) error {
		marker, id, err := c.remove(t, c.key, c.query.Get("versionId"))
		if marker {
			c.w.Header().Set("X-Amz-Delete-Marker", "true")
		}
		if id != "" && t.b.Versioning != objects.VersioningOff {
			c.w.Header().Set("X-Amz-Version-Id", id)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// deleteObjects deletes up to 1000; each succeeds or fails by itself.
func deleteObjects(c *call) error {
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Quiet   bool
		Objects []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		} `xml:"Object"`
	}
	if err := c.parse(&in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return fail("MalformedXML", "")
	}
	type deleted struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failed struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
		Code      string
		Message   string
	}
	out := struct {
		XMLName xml.Name  `xml:"DeleteResult"`
		Xmlns   string    `xml:"xmlns,attr"`
		Deleted []deleted `xml:",omitempty"`
		Errors  []failed  `xml:"Error"`
	}{Xmlns: xmlns}
	for _, o := range in.Objects {
		action := "s3:DeleteObject"
		if o.VersionID != "" {
			action = "s3:DeleteObjectVersion"
		}
		var d deleted
		err := c.do(func(t *tx) error {
			if err := c.authorize(t, action, o.Key); err != nil {
				return err
			}
			marker, id, err := c.remove(t, o.Key, o.VersionID)
			d = deleted{Key: o.Key, VersionID: o.VersionID, DeleteMarker: marker}
			if marker {
				d.DeleteMarkerVersionID = id
			}
			return err
		})
		switch {
		case err != nil:
			e := refusalOf(err)
			if e.Code == "NoSuchBucket" {
				return e
			}
			out.Errors = append(out.Errors, failed{o.Key, o.VersionID, e.Code, e.Message})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, d)
		}
	}
	c.reply(http.StatusOK, out)
	return nil
}

// source is the version that a copy is made from, and its right.
func (c *call) source(do func(t *tx, v *objects.Version, x extras) error) error {
	text := c.r.Header.Get(copySource)
	path, query, _ := strings.Cut(text, "?")
	path, err := url.PathUnescape(path)
	name, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || key == "" {
		return fail("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	id := strings.TrimPrefix(query, "versionId=")
	action := "s3:GetObject"
	if id != "" {
		action = "s3:GetObjectVersion"
	}
	return c.api.store.Do(func(otx *objects.Tx) error {
		from := &tx{Tx: otx}
		if err := c.open(from, name); err != nil {
			return err
		}
		if err := c.authorize(from, action, key); err != nil {
			return err
		}
		v, err := c.readable(from, key, id)
		if err != nil {
			return err
		}
		x := extrasOf(v)
		if err := c.mayRead(x, "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"); err != nil {
			return err
		}
		if err := c.copyConditions(v); err != nil {
			return err
		}
		if name != c.bucket || from.b.Versioning != objects.VersioningOff {
			c.w.Header().Set("X-Amz-Copy-Source-Version-Id", versionID(v))
		}
		to := &tx{Tx: otx}
		if err := c.open(to, c.bucket); err != nil {
			return err
		}
		if err := c.authorize(to, c.op.action, c.key); err != nil {
			return err
		}
		return do(to, v, x)
	})
}

func (c *call) copyConditions(v *objects.Version) error {
	h := c.r.Header
	same := func(list string) bool { return strings.Trim(list, `"`) == v.ETag || list == "*" }
	if list := h.Get("X-Amz-Copy-Source-If-Match"); list != "" && !same(list) {
		return fail("PreconditionFailed", "")
	}
	if list := h.Get("X-Amz-Copy-Source-If-None-Match"); list != "" && same(list) {
		return fail("PreconditionFailed", "")
	}
	if at, err := http.ParseTime(h.Get("X-Amz-Copy-Source-If-Unmodified-Since")); err == nil && v.Created.After(at) {
		return fail("PreconditionFailed", "")
	}
	if at, err := http.ParseTime(h.Get("X-Amz-Copy-Source-If-Modified-Since")); err == nil && !v.Created.After(at) {
		return fail("PreconditionFailed", "")
	}
	return nil
}

// copyObject copies an object of this location, without moving its bytes.
func copyObject(c *call) error {
	v, x, err := c.draft()
	if err != nil {
		return err
	}
	out := struct {
		XMLName      xml.Name `xml:"CopyObjectResult"`
		Xmlns        string   `xml:"xmlns,attr"`
		LastModified string
		ETag         string
	}{Xmlns: xmlns}
	err = c.source(func(t *tx, from *objects.Version, fx extras) error {
		replaced := strings.EqualFold(c.r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE")
		if !replaced {
			v.Header, v.User = from.Header, from.User
		}
		if !strings.EqualFold(c.r.Header.Get("X-Amz-Tagging-Directive"), "REPLACE") {
			v.Tags = from.Tags
		}
		if from.Bucket == t.b.ID && from.Name == c.key && from.Current && !replaced && x.CustomerKey == fx.CustomerKey &&
			t.b.Versioning == objects.VersioningOff {
			return fail("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
		v.Size, v.Segments, v.MD5, v.CRC32C, v.ETag = from.Size, from.Segments, from.MD5, from.CRC32C, from.ETag
		x.Checksums, x.Parts = fx.Checksums, fx.Parts
		if err := c.add(t, v, x); err != nil {
			return err
		}
		out.LastModified, out.ETag = stamp(v.Created), `"`+v.ETag+`"`
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func getObjectTags(c *call) error {
	var out tagging
	if err := c.onVersion(func(_ *tx, v *objects.Version) error { out = taggingOf(v.Tags); return nil }); err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putObjectTags(c *call) error {
	var in tagging
	if err := c.parse(&in); err != nil {
		return err
	}
	tags, err := in.set(10)
	if err != nil {
		return err
	}
	if err := c.onVersion(func(t *tx, v *objects.Version) error { t.EditVersion(v).Tags = tags; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func deleteObjectTags(c *call) error {
	if err := c.onVersion(func(t *tx, v *objects.Version) error { t.EditVersion(v).Tags = nil; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func getObjectACL(c *call) error {
	var out accessControl
	err := c.onVersion(func(t *tx, v *objects.Version) error {
		x := extrasOf(v)
		out = x.ACL.view(cmp.Or(x.Owner, t.b.Owner()), t.b.Owner())
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putObjectACL(c *call) error {
	list, err := c.wanted()
	if err != nil {
		return err
	}
	err = c.onVersion(func(t *tx, v *objects.Version) error {
		if err := t.admits(list); err != nil {
			return err
		}
		x := extrasOf(v)
		x.ACL = list
		return x.store(t.EditVersion(v))
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}
