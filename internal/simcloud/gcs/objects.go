package gcs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// metadata is what can be set of an object, in the vendor's form.
type metadata struct {
	Name         string            `json:"name,omitempty"`
	ContentType  string            `json:"contentType,omitempty"`
	Cache        string            `json:"cacheControl,omitempty"`
	Disposition  string            `json:"contentDisposition,omitempty"`
	Encoding     string            `json:"contentEncoding,omitempty"`
	Language     string            `json:"contentLanguage,omitempty"`
	CustomTime   string            `json:"customTime,omitempty"`
	StorageClass string            `json:"storageClass,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	Hold         *bool             `json:"temporaryHold,omitempty"`
	EventHold    *bool             `json:"eventBasedHold,omitempty"`
	Retention    *retention        `json:"retention,omitempty"`
	// What the content is to be held to.
	MD5    string `json:"md5Hash,omitempty"`
	CRC32C string `json:"crc32c,omitempty"`
}

type retention struct {
	Mode  string `json:"mode"` // Unlocked, Locked
	Until string `json:"retainUntilTime"`
}

// The modes of an object's own retention. Neither lets the version be destroyed
// before its time; an unlocked one can be shortened by who may and says so.
const (
	unlocked = "Unlocked"
	locked   = "Locked"
)

// extras are what is kept of a version besides what the store understands.
type extras struct {
	StorageClass string `json:"storage_class"`
	CustomTime   string `json:"custom_time,omitempty"`
	KMSKey       string `json:"kms_key,omitempty"`
	Components   int    `json:"components,omitempty"`
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

// objectView is an object in the vendor's form.
type objectView struct {
	Kind       string `json:"kind"`
	ID         string `json:"id"`
	Self       string `json:"selfLink"`
	Media      string `json:"mediaLink"`
	Bucket     string `json:"bucket"`
	Generation Int64  `json:"generation"`
	Meta       Int64  `json:"metageneration"`
	Size       Int64  `json:"size"`
	Etag       string `json:"etag"`
	metadata
	Components      int    `json:"componentCount,omitempty"`
	KMSKey          string `json:"kmsKeyName,omitempty"`
	TimeCreated     string `json:"timeCreated"`
	TimeFinalized   string `json:"timeFinalized"`
	Updated         string `json:"updated"`
	ClassUpdated    string `json:"timeStorageClassUpdated"`
	TimeDeleted     string `json:"timeDeleted,omitempty"`
	SoftDeleteTime  string `json:"softDeleteTime,omitempty"`
	HardDeleteTime  string `json:"hardDeleteTime,omitempty"`
	RetentionExpiry string `json:"retentionExpirationTime,omitempty"`
}

func crcText(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// etagOfVersion changes with the content and with the metadata.
func etagOfVersion(v *objects.Version) string {
	return base64.StdEncoding.EncodeToString(binary.AppendUvarint(append(binary.AppendUvarint([]byte{1 << 3}, uint64(v.Serial)), 2<<3), uint64(v.Revision)))
}

func viewObject(b *objects.Bucket, v *objects.Version) *objectView {
	x := extrasOf(v)
	path := "b/" + b.Name + "/o/" + url.PathEscape(v.Name)
	generation := strconv.FormatInt(v.Serial, 10)
	out := &objectView{Kind: "storage#object", ID: b.Name + "/" + v.Name + "/" + generation, Self: link + path,
		Media:  "https://www.googleapis.com/download/storage/v1/" + path + "?generation=" + generation + "&alt=media",
		Bucket: b.Name, Generation: Int64(v.Serial), Meta: Int64(v.Revision), Size: Int64(v.Size), Etag: etagOfVersion(v),
		metadata: metadata{Name: v.Name, ContentType: v.Header["Content-Type"], Cache: v.Header["Cache-Control"],
			Disposition: v.Header["Content-Disposition"], Encoding: v.Header["Content-Encoding"], Language: v.Header["Content-Language"],
			CustomTime: x.CustomTime, StorageClass: x.StorageClass, Metadata: v.User, CRC32C: crcText(v.CRC32C)},
		Components: x.Components, KMSKey: x.KMSKey, TimeCreated: stamp(v.Created), TimeFinalized: stamp(v.Created), Updated: stamp(v.Updated),
		ClassUpdated: stamp(v.Created), TimeDeleted: stamp(v.Superseded), SoftDeleteTime: stamp(v.Destroyed), HardDeleteTime: stamp(v.Gone)}
	if len(v.MD5) > 0 {
		out.MD5 = base64.StdEncoding.EncodeToString(v.MD5)
	}
	if v.Hold {
		out.Hold = &v.Hold
	}
	if v.EventHold {
		out.EventHold = &v.EventHold
	}
	if v.Lock != "" {
		out.Retention = &retention{Mode: unlocked, Until: stamp(v.Until)}
		if v.Lock == objects.Locked {
			out.Retention.Mode = locked
		}
	}
	if !v.EventHold { // it defers the end
		out.RetentionExpiry = stamp(b.KeptUntil(v))
	}
	return out
}

// draft makes a version of what was said of it.
func (t *tx) draft(m *metadata) (*objects.Version, extras, error) {
	v := &objects.Version{Meta: engine.Meta{Name: m.Name}}
	x := extras{StorageClass: t.set.StorageClass}
	if t.set.Encryption != nil {
		x.KMSKey = t.set.Encryption.DefaultKMSKeyName + "/cryptoKeyVersions/1"
	}
	switch {
	case m.Name == "" || len(m.Name) > 1024:
		return nil, x, required("name")
	case m.StorageClass != "" && m.StorageClass != t.set.StorageClass:
		x.StorageClass = m.StorageClass
	}
	if m.EventHold == nil && t.set.DefaultEventHold {
		m.EventHold = &t.set.DefaultEventHold
	}
	return v, x, t.describe(v, &x, m)
}

// describe sets all metadata of a version.
func (t *tx) describe(v *objects.Version, x *extras, m *metadata) error {
	v.Header = map[string]string{}
	for name, value := range map[string]string{"Content-Type": m.ContentType, "Cache-Control": m.Cache, "Content-Disposition": m.Disposition,
		"Content-Encoding": m.Encoding, "Content-Language": m.Language} {
		if value != "" {
			v.Header[name] = value
		}
	}
	v.User, x.CustomTime = m.Metadata, m.CustomTime
	v.Hold = m.Hold != nil && *m.Hold
	event := m.EventHold != nil && *m.EventHold
	if v.EventHold && !event {
		v.KeptFrom = t.Now() // its release starts the bucket's period anew
	}
	v.EventHold = event
	if err := t.retain(v, m.Retention); err != nil {
		return err
	}
	return x.store(v)
}

// retain gives a version another retention of its own, or none. A retention only
// grows; an unlocked one does anything when the request says so and the caller may.
func (t *tx) retain(v *objects.Version, r *retention) error {
	was := v.Until
	next := objects.Lock("")
	until := time.Time{}
	if r != nil && (r.Mode != "" || r.Until != "") {
		if t.set.ObjectRetention == nil {
			return invalid("The bucket '%s' does not have object retention enabled.", t.b.Name)
		}
		var err error
		if until, err = time.Parse(time.RFC3339Nano, r.Until); err != nil || (r.Mode != unlocked && r.Mode != locked) {
			return invalid("Invalid argument: a retention has a mode, Unlocked or Locked, and a retainUntilTime.")
		}
		if next = objects.Governed; r.Mode == locked {
			next = objects.Locked
		}
		until = until.UTC()
		if v.EventHold {
			return invalid("An object cannot have both a retention and an event-based hold.")
		}
	}
	same := next == v.Lock && until.Equal(was)
	switch {
	case same:
		return nil
	case next != "" && !until.After(t.Now()):
		return invalid("Invalid argument: retainUntilTime must be in the future.")
	}
	if t.c.object != "" || v.Lock != "" {
		if err := t.may("storage.objects.setRetention", v.Name); err != nil {
			return err
		}
	}
	if v.Lock != "" && (next != v.Lock || until.Before(was)) {
		override := t.c.query.Get("overrideUnlockedRetention") == "true"
		if v.Lock == objects.Locked || !override {
			return fail(http.StatusForbidden, "forbidden", "Object '%s/%s' is under a retention that cannot be shortened, removed or changed.", t.b.Name, v.Name)
		}
		if err := t.may("storage.objects.overrideUnlockedRetention", v.Name); err != nil {
			return err
		}
	}
	v.Lock, v.Until = next, until
	return nil
}

// live is the version that the request means: the one of its generation, or the
// current one.
func (t *tx) live(name string) (*objects.Version, error) {
	generation, err := t.c.number("generation")
	if err != nil {
		return nil, err
	}
	return t.version(name, generation)
}

func (t *tx) version(name string, generation *int64) (*objects.Version, error) {
	if generation == nil {
		if v := t.Current(t.b, name); v != nil {
			return v, nil
		}
		return nil, noObject(t.b.Name, name)
	}
	for _, v := range t.Versions(t.b, name) {
		if v.Serial == *generation {
			return v, nil
		}
	}
	return nil, fail(http.StatusNotFound, "notFound", "No such object: %s/%s#%d", t.b.Name, name, *generation)
}

// conditions holds a request to its preconditions on an object; source is "Source"
// for those of a copy's source, and v nil where there is no object. A read whose
// object has not changed is 304.
func (c *call) conditions(v *objects.Version, source string) error {
	var generation, revision int64
	if v != nil {
		generation, revision = v.Serial, v.Revision
	}
	for name, have := range map[string]int64{"GenerationMatch": generation, "MetagenerationMatch": revision} {
		want, err := c.number("if" + source + name)
		if err != nil {
			return err
		}
		if header := c.r.Header.Get("X-Goog-If-" + map[string]string{"GenerationMatch": "Generation-Match", "MetagenerationMatch": "Metageneration-Match"}[name]); header != "" && c.m.prefix == xmlReads {
			n, err := strconv.ParseInt(header, 10, 64)
			if err != nil {
				return invalid("Invalid argument: %s", header)
			}
			want = &n
		}
		if want != nil && *want != have {
			return conditionNotMet()
		}
	}
	for name, have := range map[string]int64{"GenerationNotMatch": generation, "MetagenerationNotMatch": revision} {
		want, err := c.number("if" + source + name)
		switch {
		case err != nil:
			return err
		case want == nil || *want != have:
		case c.r.Method == http.MethodGet:
			return &Error{Code: http.StatusNotModified, Errors: []ErrorItem{{Reason: "notModified"}}}
		default:
			return conditionNotMet()
		}
	}
	return nil
}

// replace makes v the live version of its name, after the preconditions and the
// right to delete what it replaces.
func (t *tx) replace(v *objects.Version) error {
	old := t.Current(t.b, v.Name)
	if err := t.c.conditions(old, ""); err != nil {
		return err
	}
	if old != nil {
		if err := t.may("storage.objects.delete", v.Name); err != nil {
			return err
		}
	}
	return t.Replace(t.b, v)
}

// held holds a content to the hashes that came with it.
func (m *metadata) held(content *objects.Content) error {
	if got := crcText(content.CRC32C); m.CRC32C != "" && m.CRC32C != got {
		return invalid("Provided CRC32C \"%s\" doesn't match calculated CRC32C \"%s\".", m.CRC32C, got)
	}
	if got := base64.StdEncoding.EncodeToString(content.MD5); m.MD5 != "" && m.MD5 != got {
		return invalid("Provided MD5 hash \"%s\" doesn't match calculated MD5 hash \"%s\".", m.MD5, got)
	}
	return nil
}

func setContent(v *objects.Version, content *objects.Content) {
	v.Size, v.MD5, v.CRC32C = content.Size, content.MD5, content.CRC32C
	if content.Size > 0 {
		v.Segments = []objects.Segment{content.Segment}
	}
}
