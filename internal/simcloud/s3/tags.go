package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

func taggingOf(tags map[string]string) tagging {
	out := tagging{Xmlns: xmlns}
	for k, v := range tags {
		out.Tags = append(out.Tags, tag{k, v})
	}
	slices.SortFunc(out.Tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// set holds tags to the limits: unique keys of at most 128 characters, values of at
// most 256, and so many of them.
func (t tagging) set(most int) (map[string]string, error) {
	out := map[string]string{}
	for _, x := range t.Tags {
		if _, twice := out[x.Key]; twice || x.Key == "" || len(x.Key) > 128 || len(x.Value) > 256 {
			return nil, fail("InvalidTag", "The tag %q is empty, too long or given twice.", x.Key)
		}
		out[x.Key] = x.Value
	}
	if len(out) > most {
		return nil, fail("InvalidTag", "There are more than %d tags.", most)
	}
	return out, nil
}

func getBucketTags(c *call) error {
	var out tagging
	err := c.do(func(t *tx) error {
		if len(t.set.Tags) == 0 {
			return fail("NoSuchTagSet", "The TagSet does not exist")
		}
		out = taggingOf(t.set.Tags)
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putBucketTags(c *call) error {
	var in tagging
	if err := c.parse(&in); err != nil {
		return err
	}
	tags, err := in.set(50)
	if err != nil {
		return err
	}
	if err := c.change(func(t *tx) error { t.set.Tags = tags; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func deleteBucketTags(c *call) error {
	if err := c.change(func(t *tx) error { t.set.Tags = nil; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
