package s3

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// maxKeys is the longest page.
const maxKeys = 1000

// number reads a numeric parameter.
func (c *call) number(name string, otherwise int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fail("InvalidArgument", "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return n, nil
}

// coded writes a key as the request wants it.
func (c *call) coded(key string) string {
	if c.query.Get("encoding-type") == "url" {
		return strings.ReplaceAll(escape(key), "%2F", "/")
	}
	return key
}

type entry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *owner `xml:",omitempty"`
	Type         string
}

type prefix struct{ Prefix string }

// listing is the answer of both versions of ListObjects.
type listing struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	Xmlns          string   `xml:"xmlns,attr"`
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	MaxKeys        int
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	Marker         *string `xml:",omitempty"`
	NextMarker     string  `xml:",omitempty"`
	KeyCount       *int    `xml:",omitempty"`
	Token          string  `xml:"ContinuationToken,omitempty"`
	NextToken      string  `xml:"NextContinuationToken,omitempty"`
	StartAfter     string  `xml:",omitempty"`
	Contents       []entry
	CommonPrefixes []prefix
}

// page fills a listing with what comes after a key, or after a folded beginning.
// It answers where the page ended.
func (c *call) page(after string, owners bool, out *listing) (last string, err error) {
	most, err := c.number("max-keys", maxKeys)
	if err != nil {
		return "", err
	}
	*out = listing{Xmlns: xmlns, Name: c.bucket, Prefix: c.coded(c.query.Get("prefix")), Delimiter: c.coded(c.query.Get("delimiter")), MaxKeys: most,
		EncodingType: c.query.Get("encoding-type")}
	most = min(most, maxKeys)
	err = c.do(func(t *tx) error {
		var show *owner
		if owners {
			o := ownerOf(t.b.Owner())
			show = &o
		}
		w := objects.Walk{Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), Start: after,
			Visible: func(v *objects.Version) bool { return v.Current && !v.Marker }}
		return t.Walk(t.b, w, func(name string, folded bool, all []*objects.Version) error {
			if after != "" && (name == after || (folded && strings.HasPrefix(after, name))) {
				return nil
			}
			if len(out.Contents)+len(out.CommonPrefixes) == most {
				out.IsTruncated = most > 0
				return objects.ErrStop
			}
			last = name
			if folded {
				out.CommonPrefixes = append(out.CommonPrefixes, prefix{c.coded(name)})
				return nil
			}
			v := all[0]
			out.Contents = append(out.Contents, entry{Key: c.coded(name), LastModified: stamp(v.Created), ETag: `"` + v.ETag + `"`, Size: v.Size,
				StorageClass: "STANDARD", Owner: show, Type: "Normal"})
			return nil
		})
	})
	return last, err
}

func listObjects(c *call) error {
	marker := c.query.Get("marker")
	var out listing
	last, err := c.page(marker, true, &out)
	if err != nil {
		return err
	}
	shown := c.coded(marker)
	out.Marker = &shown
	if out.IsTruncated {
		out.NextMarker = c.coded(last)
	}
	c.reply(http.StatusOK, out)
	return nil
}

func listObjectsV2(c *call) error {
	if c.query.Get("list-type") != "2" {
		return fail("InvalidArgument", "Invalid List Type specified in Request")
	}
	after := c.query.Get("start-after")
	token := c.query.Get("continuation-token")
	if token != "" {
		b, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return fail("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(b)
	}
	var out listing
	last, err := c.page(after, c.query.Get("fetch-owner") == "true", &out)
	if err != nil {
		return err
	}
	count := len(out.Contents) + len(out.CommonPrefixes)
	out.KeyCount, out.Token, out.StartAfter = &count, token, c.coded(c.query.Get("start-after"))
	if out.IsTruncated {
		out.NextToken = base64.URLEncoding.EncodeToString([]byte(last))
	}
	c.reply(http.StatusOK, out)
	return nil
}

type versionEntry struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        owner
}

// listVersions answers all versions, newest first within a key.
func listVersions(c *call) error {
	most, err := c.number("max-keys", maxKeys)
	if err != nil {
		return err
	}
	q := c.query
	after, afterID := q.Get("key-marker"), q.Get("version-id-marker")
	out := struct {
		XMLName             xml.Name `xml:"ListVersionsResult"`
		Xmlns               string   `xml:"xmlns,attr"`
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		MaxKeys             int
		Delimiter           string `xml:",omitempty"`
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Entries             []versionEntry
		CommonPrefixes      []prefix
	}{Xmlns: xmlns, Name: c.bucket, Prefix: c.coded(q.Get("prefix")), KeyMarker: c.coded(after), VersionIDMarker: afterID, MaxKeys: most,
		Delimiter: c.coded(q.Get("delimiter")), EncodingType: q.Get("encoding-type")}
	most = min(most, maxKeys)
	full := func() bool {
		all := len(out.Entries)+len(out.CommonPrefixes) >= most
		out.IsTruncated = all && most > 0
		return all
	}
	err = c.do(func(t *tx) error {
		user := ownerOf(t.b.Owner())
		w := objects.Walk{Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), Start: after}
		return t.Walk(t.b, w, func(name string, folded bool, all []*objects.Version) error {
			skip := name == after && after != ""
			switch {
			case folded && after != "" && strings.HasPrefix(after, name), skip && afterID == "":
				return nil
			case folded && full():
				return objects.ErrStop
			case folded:
				out.CommonPrefixes = append(out.CommonPrefixes, prefix{c.coded(name)})
				out.NextKeyMarker, out.NextVersionIDMarker = c.coded(name), ""
			}
			for _, v := range all {
				if skip && !behind(v, all, afterID) {
					continue
				}
				if full() {
					return objects.ErrStop
				}
				e := versionEntry{XMLName: xml.Name{Local: "Version"}, Key: c.coded(name), VersionID: versionID(v), IsLatest: v.Current,
					LastModified: stamp(v.Created), Owner: user}
				if v.Marker {
					e.XMLName.Local = "DeleteMarker"
				} else {
					e.ETag, e.Size, e.StorageClass = `"`+v.ETag+`"`, &v.Size, "STANDARD"
				}
				out.Entries = append(out.Entries, e)
				out.NextKeyMarker, out.NextVersionIDMarker = e.Key, e.VersionID
			}
			out.IsTruncated = false
			return nil
		})
	})
	if err != nil {
		return err
	}
	if !out.IsTruncated {
		out.NextKeyMarker, out.NextVersionIDMarker = "", ""
	}
	c.reply(http.StatusOK, out)
	return nil
}

func listUploads(c *call) error {
	type upload struct {
		Key          string
		UploadID     string `xml:"UploadId"`
		Initiator    owner
		Owner        owner
		StorageClass string
		Initiated    string
	}
	most, err := c.number("max-uploads", maxKeys)
	if err != nil {
		return err
	}
	if c.query.Get("delimiter") != "" {
		return fail("NotImplemented", "Uploads cannot be folded by a delimiter.")
	}
	after, afterID := c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	out := struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		Xmlns              string   `xml:"xmlns,attr"`
		Bucket             string
		KeyMarker          string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             string
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []upload
	}{Xmlns: xmlns, Bucket: c.bucket, KeyMarker: c.coded(after), UploadIDMarker: afterID, Prefix: c.coded(c.query.Get("prefix")),
		EncodingType: c.query.Get("encoding-type"), MaxUploads: most}
	err = c.do(func(t *tx) error {
		user := ownerOf(t.b.Owner())
		all := t.Uploads(t.b)
		// Those of one key by their ids, of which the marker need not be there.
		slices.SortFunc(all, func(x, y *objects.Upload) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Key, y.Key)) })
		for _, u := range all {
			passed := after == "" || u.Name > after || u.Name == after && afterID != "" && u.Key > afterID
			if !passed || !strings.HasPrefix(u.Name, c.query.Get("prefix")) {
				continue
			}
			if len(out.Upload) == min(most, maxKeys) {
				out.IsTruncated = true
				break
			}
			out.Upload = append(out.Upload, upload{c.coded(u.Name), u.Key, user, user, "STANDARD", stamp(u.Created)})
			out.NextKeyMarker, out.NextUploadIDMarker = c.coded(u.Name), u.Key
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !out.IsTruncated {
		out.NextKeyMarker, out.NextUploadIDMarker = "", ""
	}
	c.reply(http.StatusOK, out)
	return nil
}
