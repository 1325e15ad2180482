package objects

import (
	"encoding/json"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

// Versioning is whether a bucket keeps what is overwritten.
type Versioning string

// The states of versioning. A bucket that ever was Enabled can only be Suspended.
const (
	VersioningOff       Versioning = ""
	VersioningEnabled   Versioning = "Enabled"
	VersioningSuspended Versioning = "Suspended"
)

// Bucket is a container of objects. Its Project owns it.
type Bucket struct {
	engine.Meta
	// Service is the API that it belongs to; names are unique within it.
	Service    string     `json:"service"`
	Location   string     `json:"location"`
	Versioning Versioning `json:"versioning,omitempty"`
	// Revision counts changes of the bucket's settings, from 1.
	Revision int64     `json:"revision"`
	Updated  time.Time `json:"updated"`
	// Keep is how long every version is kept from its creation on: no version
	// is destroyed before.
	Keep time.Duration `json:"keep,omitempty"`
	// Soft is how long a destroyed version can still be seen and restored.
	Soft  time.Duration `json:"soft,omitempty"`
	Rules []Rule        `json:"rules,omitempty"`
	// Swept is when lifecycle rules were last applied.
	Swept time.Time `json:"swept"`
	// Settings are what the API keeps of its own.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// Segment is a piece of an object's content.
type Segment struct {
	Blob string `json:"blob"` // hex SHA-256
	Size int64  `json:"size"`
}

// Lock is a mode of retention.
type Lock string

// The modes of retention. A governed version can be destroyed by who may bypass
// governance and says so; a locked one by nobody before its time.
const (
	Governed Lock = "GOVERNANCE"
	Locked   Lock = "COMPLIANCE"
)

// Version is one content of an object, or the marker of its deletion. Its Name is
// the object's name.
type Version struct {
	engine.Meta
	Bucket int64 `json:"bucket"`
	// Serial identifies the version among those of its object, and grows. It is
	// the time of creation in microseconds where that is unique.
	Serial int64 `json:"serial"`
	// Null versions were written while versioning was not enabled: an object
	// has at most one.
	Null bool `json:"null,omitempty"`
	// Marker versions say that the object is deleted, and have no content.
	Marker bool `json:"marker,omitempty"`
	// Current is whether this is what the object's name leads to.
	Current bool `json:"current,omitempty"`
	// Superseded is when it stopped being current; zero before.
	Superseded time.Time `json:"superseded"`

	Size     int64     `json:"size"`
	Segments []Segment `json:"segments,omitempty"`
	MD5      []byte    `json:"md5,omitempty"` // none of a composed one
	CRC32C   uint32    `json:"crc32c"`
	// ETag is the API's tag of the content, without quotes.
	ETag string `json:"etag,omitempty"`
	// Header holds what is said of the content in answers: Content-Type and its like.
	Header   map[string]string `json:"header,omitempty"`
	User     map[string]string `json:"user,omitempty"` // the customer's metadata
	Tags     map[string]string `json:"tags,omitempty"`
	Revision int64             `json:"revision"` // counts changes of the metadata, from 1
	Updated  time.Time         `json:"updated"`

	Lock      Lock      `json:"lock,omitempty"`
	Until     time.Time `json:"until"`
	Hold      bool      `json:"hold,omitempty"`
	EventHold bool      `json:"event_hold,omitempty"`
	// KeptFrom is the moment from which the bucket's Keep counts, where it is
	// not that of creation.
	KeptFrom time.Time `json:"kept_from"`

	// Destroyed is when it was softly destroyed: it can be restored until Gone.
	Destroyed time.Time `json:"destroyed"`
	Gone      time.Time `json:"gone"`

	// Settings are what the API keeps of its own.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// Part is a numbered piece of an upload.
type Part struct {
	Number   int       `json:"number"`
	Segment  Segment   `json:"segment"`
	MD5      []byte    `json:"md5"`
	CRC32C   uint32    `json:"crc32c"`
	Modified time.Time `json:"modified"`
}

// Upload is an object that arrives in parts. Its Name is the object's name.
type Upload struct {
	engine.Meta
	Bucket int64  `json:"bucket"`
	Key    string `json:"key"` // the API's name of the upload
	// Draft holds what the version will have besides its content.
	Draft *Version `json:"draft"`
	Parts []Part   `json:"parts,omitempty"` // ascending by number
	// Done is the finished version, of an upload whose outcome can be asked for
	// again.
	Done     int64           `json:"done,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
}

// kinds of records.
var (
	buckets  = engine.NewKind[Bucket]("bucket")
	versions = engine.NewKind[Version]("object")
	uploads  = engine.NewKind[Upload]("object_upload")
)

// byName is how a bucket is found.
func byName(service, name string) engine.Ref {
	return engine.Ref{Type: "bucket " + service + " " + name, ID: 1}
}

// Links let a bucket be found by its name.
func (b *Bucket) Links() []engine.Ref { return []engine.Ref{byName(b.Service, b.Name)} }

// Links let an upload be found by its key, and those of a bucket.
func (u *Upload) Links() []engine.Ref {
	return []engine.Ref{{Type: "upload " + u.Key, ID: 1}, {Type: "uploads", ID: u.Bucket}}
}
