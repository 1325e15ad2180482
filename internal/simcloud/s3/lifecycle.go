package s3

import (
	"encoding/xml"
	"net/http"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// lifecycle is the document; what it holds beyond these elements is refused.
type lifecycle struct {
	XMLName xml.Name        `xml:"LifecycleConfiguration"`
	Xmlns   string          `xml:"xmlns,attr,omitempty"`
	Rules   []lifecycleRule `xml:"Rule"`
}

type lifecycleRule struct {
	ID         string           `xml:",omitempty"`
	Status     string           // Enabled, Disabled
	Prefix     *string          `xml:",omitempty"`
	Filter     *lifecycleFilter `xml:",omitempty"`
	Expiration *struct {
		Days                      *int   `xml:",omitempty"`
		Date                      string `xml:",omitempty"`
		ExpiredObjectDeleteMarker bool   `xml:",omitempty"`
	} `xml:",omitempty"`
	NoncurrentVersionExpiration *struct {
		NoncurrentDays          *int `xml:",omitempty"`
		NewerNoncurrentVersions int  `xml:",omitempty"`
	} `xml:",omitempty"`
	AbortIncompleteMultipartUpload *struct {
		DaysAfterInitiation *int `xml:",omitempty"`
	} `xml:",omitempty"`
	Transition                  []struct{} `xml:",omitempty" json:",omitempty"`
	NoncurrentVersionTransition []struct{} `xml:",omitempty" json:",omitempty"`
}

type lifecycleFilter struct {
	Prefix                string `xml:",omitempty"`
	Tag                   *tag   `xml:",omitempty"`
	ObjectSizeGreaterThan *int64 `xml:",omitempty"`
	ObjectSizeLessThan    *int64 `xml:",omitempty"`
	And                   *struct {
		Prefix                string `xml:",omitempty"`
		Tags                  []tag  `xml:"Tag"`
		ObjectSizeGreaterThan *int64 `xml:",omitempty"`
		ObjectSizeLessThan    *int64 `xml:",omitempty"`
	} `xml:",omitempty"`
}

// rules translates the document for the store, and refuses what makes no sense.
func (l *lifecycle) rules() ([]objects.Rule, error) {
	if len(l.Rules) == 0 || len(l.Rules) > 1000 {
		return nil, fail("MalformedXML", "")
	}
	seen := map[string]bool{}
	var out []objects.Rule
	for i := range l.Rules {
		r := &l.Rules[i]
		if len(r.ID) > 255 || (r.ID != "" && seen[r.ID]) {
			return nil, fail("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		seen[r.ID] = true
		if len(r.Transition)+len(r.NoncurrentVersionTransition) > 0 {
			return nil, fail("NotImplemented", "There is one storage class: no transitions.")
		}
		rule, err := r.rule()
		if err != nil {
			return nil, err
		}
		switch r.Status {
		case "Enabled":
			out = append(out, *rule)
		case "Disabled":
		default:
			return nil, fail("MalformedXML", "")
		}
	}
	return out, nil
}

func (r *lifecycleRule) rule() (*objects.Rule, error) {
	out := &objects.Rule{Markers: true}
	malformed := fail("MalformedXML", "")
	if r.Prefix != nil && r.Filter != nil {
		return nil, malformed
	}
	if r.Prefix != nil && *r.Prefix != "" {
		out.Prefixes = []string{*r.Prefix}
	}
	if r.Filter != nil {
		r.Filter.into(out)
	}
	if r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil {
		return nil, fail("InvalidRequest", "At least one action needs to be specified in a rule")
	}
	least := func(days *int) bool { return days == nil || *days < 1 }
	if e := r.Expiration; e != nil {
		out.LoneMarkers = e.ExpiredObjectDeleteMarker
		switch {
		case e.Date != "":
			at, err := time.Parse(time.RFC3339Nano, e.Date)
			if err != nil || !at.Equal(at.Truncate(24*time.Hour)) || e.Days != nil {
				return nil, fail("InvalidArgument", "'Date' must be at midnight GMT")
			}
			out.Date = &at
		case e.Days != nil:
			if out.Days = e.Days; least(e.Days) {
				return nil, fail("InvalidArgument", "'Days' for Expiration action must be a positive integer")
			}
		case !e.ExpiredObjectDeleteMarker:
			return nil, malformed
		}
	}
	if e := r.NoncurrentVersionExpiration; e != nil {
		if out.SupersededDays, out.Newer = e.NoncurrentDays, e.NewerNoncurrentVersions; least(e.NoncurrentDays) || e.NewerNoncurrentVersions < 0 {
			return nil, fail("InvalidArgument", "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
		}
	}
	if e := r.AbortIncompleteMultipartUpload; e != nil {
		if out.UploadDays = e.DaysAfterInitiation; least(e.DaysAfterInitiation) {
			return nil, fail("InvalidArgument", "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
		}
	}
	return out, nil
}

func (f *lifecycleFilter) into(out *objects.Rule) {
	add := func(prefix string, tags []tag, above, below *int64) {
		if prefix != "" {
			out.Prefixes = []string{prefix}
		}
		for _, t := range tags {
			if out.Tags == nil {
				out.Tags = map[string]string{}
			}
			out.Tags[t.Key] = t.Value
		}
		if above != nil {
			out.MinSize = *above + 1
		}
		if below != nil {
			out.MaxSize = *below - 1
		}
	}
	var one []tag
	if f.Tag != nil {
		one = []tag{*f.Tag}
	}
	add(f.Prefix, one, f.ObjectSizeGreaterThan, f.ObjectSizeLessThan)
	if f.And != nil {
		add(f.And.Prefix, f.And.Tags, f.And.ObjectSizeGreaterThan, f.And.ObjectSizeLessThan)
	}
}

func getLifecycle(c *call) error {
	var out lifecycle
	err := c.do(func(t *tx) error {
		if len(t.set.Lifecycle) == 0 {
			return fail("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
		}
		return xml.Unmarshal([]byte(t.set.Lifecycle), &out)
	})
	if err != nil {
		return err
	}
	out.Xmlns = xmlns
	c.reply(http.StatusOK, out)
	return nil
}

func putLifecycle(c *call) error {
	var in lifecycle
	if err := c.parse(&in); err != nil {
		return err
	}
	rules, err := in.rules()
	if err != nil {
		return err
	}
	for i := range in.Rules {
		if in.Rules[i].ID == "" { // the vendor gives every rule a name
			in.Rules[i].ID = hexSum(c.bucket + string(rune('a'+i)))[:32]
		}
	}
	in.XMLName.Space, in.Xmlns = "", ""
	document, err := xml.Marshal(in)
	if err != nil {
		return err
	}
	err = c.do(func(t *tx) error {
		t.set.Lifecycle = string(document)
		b, err := t.keep()
		b.Rules = rules
		return err
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func deleteLifecycle(c *call) error {
	err := c.do(func(t *tx) error {
		t.set.Lifecycle = ""
		b, err := t.keep()
		b.Rules = nil
		return err
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
