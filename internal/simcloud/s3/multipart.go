package s3

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// Amazon's limits, which the Ceph gateway shares: parts from 1 to 10000, of at
// least 5 MiB but the last.
const (
	maxParts    = 10_000
	minPartSize = 5 << 20
)

func createUpload(c *call) error {
	v, x, err := c.draft()
	if err != nil {
		return err
	}
	out := struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Xmlns    string   `xml:"xmlns,attr"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Xmlns: xmlns, Bucket: c.bucket, Key: c.key}
	err = c.do(func(t *tx) error {
		if err := t.admits(x.ACL); err != nil {
			return err
		}
		if err := c.protect(t, v); err != nil {
			return err
		}
		if err := x.store(v); err != nil {
			return err
		}
		out.UploadID = "2~" + hexSum(t.b.Project + c.bucket + "/" + strconv.FormatInt(t.Next("s3_upload"), 10))[:30]
		t.AddUpload(t.b, &objects.Upload{Meta: engine.Meta{Name: c.key}, Key: out.UploadID, Draft: v})
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// upload finds the request's upload.
func (c *call) upload(t *tx) (*objects.Upload, error) {
	u := t.Upload(t.b, c.query.Get("uploadId"))
	if u == nil || u.Name != c.key || u.Done != 0 {
		return nil, fail("NoSuchUpload", "")
	}
	return u, nil
}

func (c *call) partNumber() (int, error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return 0, fail("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, nil
}

func putPart(c *call) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	err = c.do(func(t *tx) error { // before the body is read
		u, err := c.upload(t)
		if err != nil {
			return err
		}
		return c.mayRead(extrasOf(u.Draft), "X-Amz-Server-Side-Encryption-Customer-")
	})
	if err != nil {
		return err
	}
	content, sums, err := c.receive()
	if err != nil {
		return err
	}
	defer content.Release()
	err = c.do(func(t *tx) error {
		u, err := c.upload(t)
		if err != nil {
			return err
		}
		t.AddPart(u, objects.Part{Number: n, Segment: content.Segment, MD5: content.MD5, CRC32C: content.CRC32C, Modified: t.Now()})
		return nil
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+hex.EncodeToString(content.MD5)+`"`)
	for algorithm, sum := range sums {
		c.w.Header().Set(checksumHeader+algorithm, sum)
	}
	return c.empty(http.StatusOK)
}

// copyPart makes a part of an object, or of a range of it.
func copyPart(c *call) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	var segments []objects.Segment
	var first, length int64
	err = c.source(func(t *tx, v *objects.Version, _ extras) (err error) {
		if _, err := c.upload(t); err != nil {
			return err
		}
		text := c.r.Header.Get("X-Amz-Copy-Source-Range")
		ok := false
		if first, length, ok, err = byteRange(text, v.Size); err == nil && text != "" && !ok {
			err = fail("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
		}
		segments = v.Segments
		return err
	})
	if err != nil {
		return err
	}
	body := c.api.store.Open(segments, first, length)
	defer body.Close()
	content, err := c.api.store.Receive(body)
	if err != nil {
		return err
	}
	defer content.Release()
	out := struct {
		XMLName      xml.Name `xml:"CopyPartResult"`
		Xmlns        string   `xml:"xmlns,attr"`
		LastModified string
		ETag         string
	}{Xmlns: xmlns, ETag: `"` + hex.EncodeToString(content.MD5) + `"`}
	err = c.do(func(t *tx) error {
		u, err := c.upload(t)
		if err != nil {
			return err
		}
		out.LastModified = stamp(t.Now())
		t.AddPart(u, objects.Part{Number: n, Segment: content.Segment, MD5: content.MD5, CRC32C: content.CRC32C, Modified: t.Now()})
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func completeUpload(c *call) error {
	var in struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Parts   []struct {
			PartNumber int
			ETag       string
		} `xml:"Part"`
	}
	if err := c.parse(&in); err != nil {
		return err
	}
	if len(in.Parts) == 0 || len(in.Parts) > maxParts {
		return fail("MalformedXML", "")
	}
	for i := 1; i < len(in.Parts); i++ {
		if in.Parts[i].PartNumber <= in.Parts[i-1].PartNumber {
			return fail("InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
		}
	}
	out := struct {
		XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
		Xmlns    string   `xml:"xmlns,attr"`
		Location string
		Bucket   string
		Key      string
		ETag     string
	}{Xmlns: xmlns, Location: "/" + c.bucket + "/" + c.key, Bucket: c.bucket, Key: c.key}
	err := c.do(func(t *tx) error {
		u, err := c.upload(t)
		if err != nil {
			return err
		}
		v, err := copyOf(u.Draft)
		if err != nil {
			return err
		}
		x := extrasOf(v)
		sum := md5.New()
		for i, p := range in.Parts {
			at := slices.IndexFunc(u.Parts, func(q objects.Part) bool { return q.Number == p.PartNumber })
			if at < 0 || hex.EncodeToString(u.Parts[at].MD5) != strings.Trim(p.ETag, `"`) {
				return fail("InvalidPart", "One or more of the specified parts could not be found.")
			}
			part := u.Parts[at]
			if part.Segment.Size < minPartSize && i < len(in.Parts)-1 {
				return fail("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
			}
			sum.Write(part.MD5)
			v.Size += part.Segment.Size
			x.Parts = append(x.Parts, part.Segment.Size)
			if part.Segment.Size > 0 {
				v.Segments = append(v.Segments, part.Segment)
			}
		}
		v.ETag = hex.EncodeToString(sum.Sum(nil)) + "-" + strconv.Itoa(len(in.Parts))
		old := t.Current(t.b, c.key)
		if old != nil && old.Marker {
			old = nil
		}
		if err := c.preconditions(old, true); err != nil {
			return err
		}
		if err := x.store(v); err != nil {
			return err
		}
		if err := t.Add(t.b, v, false); err != nil {
			return err
		}
		t.RemoveUpload(u)
		c.showVersion(t.b, v)
		out.ETag = `"` + v.ETag + `"`
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func copyOf(v *objects.Version) (*objects.Version, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := &objects.Version{}
	return out, json.Unmarshal(b, out)
}

func abortUpload(c *call) error {
	err := c.do(func(t *tx) error {
		u, err := c.upload(t)
		if err == nil {
			t.RemoveUpload(u)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func listParts(c *call) error {
	type part struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
	}
	most, err := c.number("max-parts", 1000)
	if err != nil {
		return err
	}
	after, err := c.number("part-number-marker", 0)
	if err != nil {
		return err
	}
	out := struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		Xmlns                string   `xml:"xmlns,attr"`
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Owner                owner
		Part                 []part
	}{Xmlns: xmlns, Bucket: c.bucket, Key: c.key, UploadID: c.query.Get("uploadId"), StorageClass: "STANDARD", PartNumberMarker: after, MaxParts: most}
	err = c.do(func(t *tx) error {
		u, err := c.upload(t)
		if err != nil {
			return err
		}
		out.Owner = ownerOf(t.b.Owner())
		for _, p := range u.Parts {
			if p.Number <= after {
				continue
			}
			if len(out.Part) == min(most, 1000) {
				out.IsTruncated = true
				break
			}
			out.Part = append(out.Part, part{p.Number, stamp(p.Modified), `"` + hex.EncodeToString(p.MD5) + `"`, p.Segment.Size})
			out.NextPartNumberMarker = p.Number
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}
