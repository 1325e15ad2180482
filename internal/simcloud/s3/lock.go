package s3

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

type lockDocument struct {
	XMLName xml.Name  `xml:"ObjectLockConfiguration"`
	Xmlns   string    `xml:"xmlns,attr,omitempty"`
	Enabled string    `xml:"ObjectLockEnabled"`
	Rule    *lockRule `xml:",omitempty"`
}

type lockRule struct {
	DefaultRetention struct {
		Mode  objects.Lock
		Days  int `xml:",omitempty"`
		Years int `xml:",omitempty"`
	}
}

func getLockConfiguration(c *call) error {
	out := lockDocument{Xmlns: xmlns, Enabled: "Enabled"}
	err := c.do(func(t *tx) error {
		l := t.set.Lock
		if l == nil {
			return fail("ObjectLockConfigurationNotFoundError", "")
		}
		if l.Mode != "" {
			out.Rule = &lockRule{}
			out.Rule.DefaultRetention.Mode, out.Rule.DefaultRetention.Days, out.Rule.DefaultRetention.Years = l.Mode, l.Days, l.Years
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// putLockConfiguration sets the default retention of a bucket that was made with
// object lock: it cannot be had later.
func putLockConfiguration(c *call) error {
	var in lockDocument
	if err := c.parse(&in); err != nil {
		return err
	}
	lock := &lockSettings{}
	if in.Enabled != "Enabled" {
		return fail("MalformedXML", "")
	}
	if in.Rule != nil {
		d := in.Rule.DefaultRetention
		if (d.Mode != objects.Governed && d.Mode != objects.Locked) || (d.Days > 0) == (d.Years > 0) || d.Days < 0 || d.Years < 0 {
			return fail("MalformedXML", "")
		}
		if d.Days > 36500 || d.Years > 100 {
			return fail("InvalidArgument", "Default retention period must be at most 36500 days or 100 years.")
		}
		lock.Mode, lock.Days, lock.Years = d.Mode, d.Days, d.Years
	}
	err := c.change(func(t *tx) error {
		if t.set.Lock == nil {
			return fail("InvalidBucketState", "object lock configuration can't be set if bucket object lock not enabled")
		}
		t.set.Lock = lock
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// until is when a version that is created now is free, by the bucket's default.
func (l *lockSettings) until(now time.Time) time.Time {
	return now.Add(time.Duration(l.Days+365*l.Years) * 24 * time.Hour)
}

// protect gives a new version the retention and the hold that the request's
// headers name, or the bucket's default.
func (c *call) protect(t *tx, v *objects.Version) error {
	h := c.r.Header
	mode, until, hold := objects.Lock(h.Get("X-Amz-Object-Lock-Mode")), h.Get("X-Amz-Object-Lock-Retain-Until-Date"), h.Get("X-Amz-Object-Lock-Legal-Hold")
	if (mode != "" || until != "" || hold != "") && t.set.Lock == nil {
		return fail("InvalidRequest", "object retention or legal hold can't be set if bucket object lock not configured")
	}
	if (mode == "") != (until == "") {
		return fail("InvalidArgument", "need both x-amz-object-lock-mode and x-amz-object-lock-retain-until-date")
	}
	switch hold {
	case "", "OFF":
	case "ON":
		if err := c.authorize(t, "s3:PutObjectLegalHold", c.key); err != nil {
			return err
		}
		v.Hold = true
	default:
		return fail("InvalidArgument", "invalid x-amz-object-lock-legal-hold value")
	}
	if mode != "" {
		if err := c.authorize(t, "s3:PutObjectRetention", c.key); err != nil {
			return err
		}
		r := retention{Mode: mode, Until: until}
		at, err := r.check(t.Now())
		v.Lock, v.Until = mode, at
		return err
	}
	if l := t.set.Lock; l != nil && l.Mode != "" {
		v.Lock, v.Until = l.Mode, l.until(t.Now())
	}
	return nil
}

type retention struct {
	XMLName xml.Name     `xml:"Retention"`
	Xmlns   string       `xml:"xmlns,attr,omitempty"`
	Mode    objects.Lock `xml:",omitempty"`
	Until   string       `xml:"RetainUntilDate,omitempty"`
}

func (r *retention) check(now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, r.Until)
	switch {
	case r.Mode != objects.Governed && r.Mode != objects.Locked, err != nil:
		return at, fail("MalformedXML", "")
	case !at.After(now):
		return at, fail("InvalidArgument", "the retain-until date must be in the future")
	}
	return at.UTC(), nil
}

// onVersion runs f on the version that the request names.
func (c *call) onVersion(f func(*tx, *objects.Version) error) error {
	return c.do(func(t *tx) error {
		v, err := t.version(c.key, c.query.Get("versionId"))
		switch {
		case err != nil:
			return err
		case v == nil:
			return fail("NoSuchKey", "")
		case v.Marker:
			return fail("MethodNotAllowed", "")
		}
		c.showVersion(t.b, v)
		return f(t, v)
	})
}

func (c *call) showVersion(b *objects.Bucket, v *objects.Version) {
	if b.Versioning != objects.VersioningOff {
		c.w.Header().Set("X-Amz-Version-Id", versionID(v))
	}
}

func getRetention(c *call) error {
	out := retention{Xmlns: xmlns}
	err := c.onVersion(func(t *tx, v *objects.Version) error {
		if t.set.Lock == nil {
			return fail("InvalidRequest", "bucket object lock not configured")
		}
		if v.Lock == "" {
			return fail("ObjectLockConfigurationNotFoundError", "")
		}
		out.Mode, out.Until = v.Lock, stamp(v.Until)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// putRetention extends a version's protection; to shorten it, or to change its
// mode, takes the bypass of governance, and of compliance nothing does.
func putRetention(c *call) error {
	var in retention
	if err := c.parse(&in); err != nil {
		return err
	}
	err := c.onVersion(func(t *tx, v *objects.Version) error {
		if t.set.Lock == nil {
			return fail("InvalidRequest", "object retention can't be set if bucket object lock not configured")
		}
		at := time.Time{}
		if in.Mode != "" || in.Until != "" { // an empty document lifts governance
			var err error
			if at, err = in.check(t.Now()); err != nil {
				return err
			}
		}
		bypass, err := c.bypass(t, c.key)
		if err != nil {
			return err
		}
		if v.Lock != "" && t.Now().Before(v.Until) && !(v.Lock == objects.Governed && bypass) {
			switch {
			case at.Before(v.Until):
				return fail("AccessDenied", "proposed retain-until date shortens an existing retention period and governance bypass check failed")
			case in.Mode != v.Lock && v.Lock == objects.Locked:
				return fail("AccessDenied", "can't change retention mode from COMPLIANCE to GOVERNANCE")
			case in.Mode != v.Lock:
				return fail("AccessDenied", "can't change retention mode from GOVERNANCE without governance bypass")
			}
		}
		e := t.EditVersion(v)
		e.Lock, e.Until = in.Mode, at
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

// bypass tells whether the request lifts governance, and may.
func (c *call) bypass(t *tx, key string) (bool, error) {
	if !strings.EqualFold(c.r.Header.Get("X-Amz-Bypass-Governance-Retention"), "true") {
		return false, nil
	}
	return true, c.authorize(t, "s3:BypassGovernanceRetention", key)
}

type legalHold struct {
	XMLName xml.Name `xml:"LegalHold"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Status  string
}

func getHold(c *call) error {
	out := legalHold{Xmlns: xmlns, Status: "OFF"}
	err := c.onVersion(func(t *tx, v *objects.Version) error {
		if t.set.Lock == nil {
			return fail("InvalidRequest", "bucket object lock not configured")
		}
		if v.Hold {
			out.Status = "ON"
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putHold(c *call) error {
	var in legalHold
	if err := c.parse(&in); err != nil {
		return err
	}
	if in.Status != "ON" && in.Status != "OFF" {
		return fail("MalformedXML", "")
	}
	err := c.onVersion(func(t *tx, v *objects.Version) error {
		if t.set.Lock == nil {
			return fail("InvalidRequest", "object legal hold can't be set if bucket object lock not enabled")
		}
		t.EditVersion(v).Hold = in.Status == "ON"
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}
