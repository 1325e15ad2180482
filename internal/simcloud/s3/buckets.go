package s3

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

// stamp is a time in documents.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// parse reads a document of the request.
func (c *call) parse(v any) error {
	b, err := c.small()
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(b, v); err != nil {
		return fail("MalformedXML", "")
	}
	return nil
}

// change runs f on the bucket's settings and stores them.
func (c *call) change(f func(*tx) error) error {
	return c.do(func(t *tx) error {
		if err := f(t); err != nil {
			return err
		}
		_, err := t.keep()
		return err
	})
}

// listBuckets answers the caller's buckets at this location.
func listBuckets(c *call) error {
	if c.who.anonymous() {
		return fail("AccessDenied", "")
	}
	type entry struct{ Name, CreationDate string }
	out := struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Xmlns   string   `xml:"xmlns,attr"`
		Owner   owner
		Buckets []entry `xml:"Buckets>Bucket"`
	}{Xmlns: xmlns, Owner: ownerOf(c.who.project)}
	err := c.api.store.Do(func(t *objects.Tx) error {
		for _, b := range t.Buckets(Cloud, c.who.project) {
			if b.Location == c.location {
				out.Buckets = append(out.Buckets, entry{b.Name, stamp(b.Created)})
			}
		}
		return nil
	})
	if err == nil {
		c.reply(http.StatusOK, out)
	}
	return err
}

// A bucket's name: 3 to 63 lower case letters, digits, dots and hyphens.
func validName(name string) bool {
	labels := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	address := regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
	return len(name) >= 3 && len(name) <= 63 && labels.MatchString(name) && !address.MatchString(name)
}

// createBucket makes one at the endpoint's location. Names are unique over all of
// the vendor's customers and locations.
func createBucket(c *call) error {
	if c.who.anonymous() {
		return fail("AccessDenied", "")
	}
	if !validName(c.bucket) {
		return fail("InvalidBucketName", "")
	}
	document, err := c.small()
	if err != nil {
		return err
	}
	var in struct{ LocationConstraint string }
	if len(document) > 0 {
		if err := xml.Unmarshal(document, &in); err != nil {
			return fail("MalformedXML", "")
		}
	}
	if in.LocationConstraint != "" && in.LocationConstraint != c.location {
		return fail("InvalidLocationConstraint", "The specified location-constraint is not valid")
	}
	list, err := c.requested(nil)
	if err != nil {
		return err
	}
	set := &settings{ACL: list.or(aclPrivate)}
	b := &objects.Bucket{Meta: engine.Meta{Name: c.bucket}, Service: Cloud, Location: c.location}
	if strings.EqualFold(c.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		set.Lock, b.Versioning = &lockSettings{}, objects.VersioningEnabled
	}
	if err := set.store(b); err != nil {
		return err
	}
	err = c.api.store.Do(func(t *objects.Tx) error {
		taken, err := t.Bucket(Cloud, c.bucket)
		switch {
		case err != nil:
			return err
		case taken != nil && taken.Owner() == c.who.project:
			return fail("BucketAlreadyOwnedByYou", "")
		case taken != nil:
			return fail("BucketAlreadyExists", "")
		}
		t.AddBucket(c.who.project, b)
		return nil
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return c.empty(http.StatusOK)
}

func headBucket(c *call) error {
	c.w.Header().Set("X-Amz-Bucket-Region", c.location)
	return c.empty(http.StatusOK)
}

func deleteBucket(c *call) error {
	err := c.do(func(t *tx) error {
		if !t.Empty(t.b) {
			return fail("BucketNotEmpty", "")
		}
		t.RemoveBucket(t.b)
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func getLocation(c *call) error {
	c.reply(http.StatusOK, struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Xmlns   string   `xml:"xmlns,attr"`
		Value   string   `xml:",chardata"`
	}{Xmlns: xmlns, Value: c.location})
	return nil
}

type versioning struct {
	XMLName   xml.Name           `xml:"VersioningConfiguration"`
	Xmlns     string             `xml:"xmlns,attr,omitempty"`
	Status    objects.Versioning `xml:",omitempty"`
	MFADelete string             `xml:"MfaDelete,omitempty"`
}

func getVersioning(c *call) error {
	out := versioning{Xmlns: xmlns}
	if err := c.do(func(t *tx) error { out.Status = t.b.Versioning; return nil }); err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putVersioning(c *call) error {
	var in versioning
	if err := c.parse(&in); err != nil {
		return err
	}
	switch {
	case in.MFADelete == "Enabled":
		return fail("NotImplemented", "MFA delete is not implemented.")
	case in.Status != objects.VersioningEnabled && in.Status != objects.VersioningSuspended:
		return fail("MalformedXML", "")
	}
	err := c.do(func(t *tx) error {
		if t.set.Lock != nil && in.Status != objects.VersioningEnabled {
			return fail("InvalidBucketState", "bucket versioning cannot be disabled on buckets with object lock enabled")
		}
		t.EditBucket(t.b).Versioning = in.Status
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func getPolicy(c *call) error {
	var document string
	err := c.do(func(t *tx) error {
		if document = t.set.Policy; document == "" {
			return fail("NoSuchBucketPolicy", "The bucket policy does not exist")
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write([]byte(document))
	return nil
}

func putPolicy(c *call) error {
	document, err := c.small()
	if err != nil {
		return err
	}
	if len(document) > maxPolicy {
		return fail("InvalidRange", "")
	}
	err = c.change(func(t *tx) error {
		p, err := parsePolicy(string(document), t.b.Name)
		if err != nil {
			return err
		}
		if p.public() && t.block().BlockPublicPolicy {
			return fail("AccessDenied", "The public access block of the bucket refuses public policies.")
		}
		t.set.Policy = string(document)
		return nil
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func deletePolicy(c *call) error {
	if err := c.change(func(t *tx) error { t.set.Policy = ""; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func getPolicyStatus(c *call) error {
	out := struct {
		XMLName  xml.Name `xml:"PolicyStatus"`
		Xmlns    string   `xml:"xmlns,attr"`
		IsPublic bool
	}{Xmlns: xmlns}
	err := c.do(func(t *tx) error {
		if t.set.Policy == "" {
			return fail("NoSuchBucketPolicy", "The bucket policy does not exist")
		}
		p, err := parsePolicy(t.set.Policy, t.b.Name)
		if err == nil {
			out.IsPublic = p.public()
		}
		return err
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func getAccessBlock(c *call) error {
	var out accessBlock
	err := c.do(func(t *tx) error {
		if t.set.AccessBlock == nil {
			return fail("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
		}
		out = *t.set.AccessBlock
		return nil
	})
	if err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

func putAccessBlock(c *call) error {
	var in accessBlock
	if err := c.parse(&in); err != nil {
		return err
	}
	if err := c.change(func(t *tx) error { t.set.AccessBlock = &in; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func deleteAccessBlock(c *call) error {
	if err := c.change(func(t *tx) error { t.set.AccessBlock = nil; return nil }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func getBucketACL(c *call) error {
	var out accessControl
	if err := c.do(func(t *tx) error { out = t.set.ACL.view(t.b.Owner(), t.b.Owner()); return nil }); err != nil {
		return err
	}
	c.reply(http.StatusOK, out)
	return nil
}

// wanted is the access control list that a request sets, unless the bucket's
// public access block refuses it.
func (c *call) wanted() (acl, error) {
	document, err := c.small()
	if err != nil {
		return "", err
	}
	list, err := c.requested(document)
	if err == nil && list == "" {
		err = fail("InvalidRequest", "The request names no access control list.")
	}
	return list, err
}

func (t *tx) admits(list acl) error {
	if list.public() && t.block().BlockPublicAcls {
		return fail("AccessDenied", "The public access block of the bucket refuses public access control lists.")
	}
	return nil
}

func putBucketACL(c *call) error {
	list, err := c.wanted()
	if err != nil {
		return err
	}
	err = c.change(func(t *tx) error {
		t.set.ACL = list
		return t.admits(list)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}
