package gcs

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// settable is the metadata of a version as a document.
func settable(b *objects.Bucket, v *objects.Version) metadata {
	m := viewObject(b, v).metadata
	m.MD5, m.CRC32C = "", ""
	return m
}

func patchObject(c *call) error {
	var patch map[string]any
	if err := c.bind(&patch); err != nil {
		return err
	}
	return c.setObject(func(t *tx, v *objects.Version) (*metadata, error) {
		b, err := json.Marshal(settable(t.b, v))
		if err != nil {
			return nil, err
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			return nil, err
		}
		if b, err = json.Marshal(mergePatch(doc, patch)); err != nil {
			return nil, err
		}
		m := &metadata{}
		return m, decode(b, m)
	})
}

func updateObject(c *call) error {
	m := &metadata{}
	if err := c.bind(m); err != nil {
		return err
	}
	return c.setObject(func(*tx, *objects.Version) (*metadata, error) { return m, nil })
}

// setObject changes metadata, which holds and retentions do not forbid.
func (c *call) setObject(next func(*tx, *objects.Version) (*metadata, error)) error {
	var out *objectView
	err := c.do(func(t *tx) error {
		v, err := t.live(c.object)
		if err != nil {
			return err
		}
		if err := c.conditions(v, ""); err != nil {
			return err
		}
		m, err := next(t, v)
		if err != nil {
			return err
		}
		e := t.EditVersion(v)
		x := extrasOf(e)
		if m.StorageClass != "" && m.StorageClass != x.StorageClass {
			return invalid("The storage class of an object is changed by a rewrite.")
		}
		if err := t.describe(e, &x, m); err != nil {
			return err
		}
		out = viewObject(t.b, e)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// deleteObject deletes. Without a generation, a bucket with versioning keeps what
// was live.
func deleteObject(c *call) error {
	err := c.do(func(t *tx) error {
		v, err := t.live(c.object)
		if err != nil {
			return err
		}
		if err := c.conditions(v, ""); err != nil {
			return err
		}
		if c.query.Get("generation") == "" && t.b.Versioning == objects.VersioningEnabled {
			if v.Hold || v.EventHold {
				return &objects.ProtectedError{Version: v}
			}
			t.Supersede(t.b, c.object)
			return nil
		}
		return t.Remove(t.b, v, false)
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// restoreObject makes a softly deleted version live again, as a new generation.
func restoreObject(c *call) error {
	var out *objectView
	err := c.do(func(t *tx) error {
		from, err := t.destroyed(c.object)
		if err != nil {
			return err
		}
		v := contentOf(from, from.Name)
		v.Header, v.User, v.Settings = from.Header, from.User, from.Settings
		if err := t.may("storage.objects.create", c.object); err != nil {
			return err
		}
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

// contentOf is a new version with the content of another.
func contentOf(from *objects.Version, name string) *objects.Version {
	return &objects.Version{Meta: engine.Meta{Name: name}, Size: from.Size, Segments: from.Segments, MD5: from.MD5, CRC32C: from.CRC32C}
}

// composeObject joins up to 32 objects of the bucket into one.
func composeObject(c *call) error {
	var in struct {
		Sources []struct {
			Name          string `json:"name"`
			Generation    *Int64 `json:"generation"`
			Preconditions struct {
				Generation *Int64 `json:"ifGenerationMatch"`
			} `json:"objectPreconditions"`
		} `json:"sourceObjects"`
		Destination   *metadata `json:"destination"`
		DeleteSources bool      `json:"deleteSourceObjects"`
	}
	if err := c.bind(&in); err != nil {
		return err
	}
	if len(in.Sources) < 1 || len(in.Sources) > 32 {
		return invalid("The number of source components must be between 1 and 32.")
	}
	if in.DeleteSources {
		return notBuilt("deleteSourceObjects")
	}
	if in.Destination == nil {
		in.Destination = &metadata{}
	}
	in.Destination.Name = c.object
	var segments []objects.Segment
	var size int64
	components := 0
	gather := func(t *tx) error {
		segments, size, components = nil, 0, 0
		for _, s := range in.Sources {
			if err := t.may("storage.objects.get", s.Name); err != nil {
				return err
			}
			var generation *int64
			if s.Generation != nil {
				n := int64(*s.Generation)
				generation = &n
			}
			v, err := t.version(s.Name, generation)
			if err != nil {
				return err
			}
			if p := s.Preconditions.Generation; p != nil && int64(*p) != v.Serial {
				return conditionNotMet()
			}
			segments, size, components = append(segments, v.Segments...), size+v.Size, components+max(1, extrasOf(v).Components)
		}
		return nil
	}
	if err := c.do(gather); err != nil {
		return err
	}
	// The sum of the whole is computed outside of the transaction.
	body := c.api.store.Open(segments, 0, size)
	defer body.Close()
	content, err := c.api.store.Receive(body)
	if err != nil {
		return err
	}
	defer content.Release()
	var out *objectView
	err = c.do(func(t *tx) error {
		if err := gather(t); err != nil {
			return err
		}
		v, x, err := t.draft(in.Destination)
		if err != nil {
			return err
		}
		setContent(v, content)
		v.MD5, x.Components = nil, components // composed objects have no MD5
		if err := x.store(v); err != nil {
			return err
		}
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

// rewriteObject copies in one step, however large the object is.
func rewriteObject(c *call) error {
	out, err := c.copy()
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, map[string]any{"kind": "storage#rewriteResponse", "done": true, "objectSize": strconv.FormatInt(int64(out.Size), 10),
		"totalBytesRewritten": strconv.FormatInt(int64(out.Size), 10), "resource": out})
	return nil
}

func copyObject(c *call) error {
	out, err := c.copy()
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// copy copies an object. Where the request says nothing of the metadata, it is the
// source's, but for holds and retention, which stay behind.
func (c *call) copy() (out *objectView, err error) {
	var in *metadata
	if err := c.bind(&in); err != nil {
		return nil, err
	}
	err = c.do(func(t *tx) error {
		generation, err := c.number("sourceGeneration")
		if err != nil {
			return err
		}
		from, err := t.version(c.object, generation)
		if err != nil {
			return err
		}
		if err := c.conditions(from, "Source"); err != nil {
			return err
		}
		to := &tx{Tx: t.Tx, c: c}
		if err := to.open(c.vars["to"]); err != nil {
			return err
		}
		if err := to.may("storage.objects.create", c.vars["as"]); err != nil {
			return err
		}
		m := in
		if m.silent() {
			s := settable(t.b, from)
			s.Hold, s.EventHold, s.Retention, s.StorageClass = nil, nil, nil, ""
			if m != nil {
				s.StorageClass = m.StorageClass
			}
			m = &s
		}
		m.Name = c.vars["as"]
		draft, x, err := to.draft(m)
		if err != nil {
			return err
		}
		v := contentOf(from, m.Name)
		v.Header, v.User, v.Hold, v.EventHold, v.Lock, v.Until = draft.Header, draft.User, draft.Hold, draft.EventHold, draft.Lock, draft.Until
		x.Components = extrasOf(from).Components
		if err := x.store(v); err != nil {
			return err
		}
		if err := to.replace(v); err != nil {
			return err
		}
		out = viewObject(to.b, v)
		return nil
	})
	return out, err
}

// silent tells whether nothing is said but the name and the storage class.
func (m *metadata) silent() bool {
	if m == nil {
		return true
	}
	rest := *m
	rest.Name, rest.StorageClass = "", ""
	b, err := json.Marshal(rest)
	return err == nil && string(b) == "{}"
}
