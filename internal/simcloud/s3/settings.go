package s3

import (
	"encoding/json"
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// settings are what is kept of a bucket besides what the store understands.
type settings struct {
	ACL         acl               `json:"acl"`
	Policy      string            `json:"policy,omitempty"`    // the document
	Lock        *lockSettings     `json:"lock,omitempty"`      // nil: no object lock
	Lifecycle   string            `json:"lifecycle,omitempty"` // the document
	AccessBlock *accessBlock      `json:"access_block,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// lockSettings are the default retention of a bucket with object lock. Days or
// Years is 0, both where there is none.
type lockSettings struct {
	Mode  objects.Lock `json:"mode,omitempty"`
	Days  int          `json:"days,omitempty"`
	Years int          `json:"years,omitempty"`
}

func settingsOf(b *objects.Bucket) (*settings, error) {
	s := &settings{}
	if len(b.Settings) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(b.Settings, s); err != nil {
		return nil, fmt.Errorf("the settings of bucket %s: %w", b.Name, err)
	}
	return s, nil
}

func (s *settings) store(b *objects.Bucket) (err error) {
	b.Settings, err = json.Marshal(s)
	return err
}

// extras are what is kept of a version besides what the store understands.
type extras struct {
	Owner       string            `json:"owner,omitempty"` // the project that wrote it; empty: the bucket's
	ACL         acl               `json:"acl"`
	CustomerKey string            `json:"customer_key,omitempty"` // base64 MD5 of the key of SSE-C
	Checksums   map[string]string `json:"checksums,omitempty"`    // base64, by algorithm
	Parts       []int64           `json:"parts,omitempty"`        // their sizes
}

func extrasOf(v *objects.Version) extras {
	var x extras
	_ = json.Unmarshal(v.Settings, &x) // written by store only
	return x
}

func (x extras) store(v *objects.Version) (err error) {
	v.Settings, err = json.Marshal(x)
	return err
}
