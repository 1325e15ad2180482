package s3

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// acl is a canned access control list, the only ones that the store keeps: what
// grants say in another form is translated into one of them, or refused.
type acl string

// The canned lists that the store has.
const (
	aclPrivate       acl = "private"
	aclRead          acl = "public-read"
	aclWrite         acl = "public-read-write"
	aclAuthenticated acl = "authenticated-read"
	// These two are an object's, where its bucket is somebody else's.
	aclOwnerReads acl = "bucket-owner-read"
	aclOwnerFull  acl = "bucket-owner-full-control"
)

func (a acl) or(other acl) acl {
	if a == "" {
		return other
	}
	return a
}

func (a acl) public() bool { return a == aclRead || a == aclWrite || a == aclAuthenticated }

// The groups that a grant can name.
const (
	everyone      = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
)

// grants tells whether the list lets a stranger do what needs READ or WRITE.
func (a acl) grants(who identity, write bool) bool {
	switch {
	case write:
		return a == aclWrite
	case a == aclAuthenticated:
		return !who.anonymous()
	}
	return a == aclRead || a == aclWrite
}

// accessBlock keeps a bucket from becoming public.
type accessBlock struct {
	XMLName               xml.Name `xml:"PublicAccessBlockConfiguration" json:"-"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func (t *tx) block() accessBlock {
	if t.set.AccessBlock == nil {
		return accessBlock{}
	}
	return *t.set.AccessBlock
}

// authorize refuses what the caller may not do: with a bucket's owner all is
// allowed that its policy does not deny, with others nothing that the policy or an
// access control list does not allow. The owner can lock itself out, as with the
// Ceph gateway.
func (c *call) authorize(t *tx, action, key string) error {
	if action == "" {
		return nil
	}
	resource := t.b.Name
	if key != "" {
		resource += "/" + key
	}
	owner := !c.who.anonymous() && c.who.project == t.b.Owner()
	said := silent
	if t.set.Policy != "" {
		p, err := parsePolicy(t.set.Policy, t.b.Name)
		if err != nil {
			return err
		}
		said = p.evaluate(c.who, action, resource, c.facts())
		if said == allowed && !owner && t.block().RestrictPublicBuckets && p.public() {
			said = silent
		}
	}
	if said == denied || (said == silent && !c.entitled(t, action, key, owner) && !c.granted(t, action, key)) {
		return fail("AccessDenied", "")
	}
	return nil
}

// entitled tells what the caller may do as the owner, where no policy says
// anything: of the bucket; or, with what can be read or marked of an object, of
// the object. Whoever writes an object owns it (the gateway's ObjectWriter, which
// is its default), so that a bucket's owner cannot read what others wrote there,
// unless they or a policy let it, and every key of theirs can.
func (c *call) entitled(t *tx, action, key string, ownsBucket bool) bool {
	needs, ofObject := objectActions()[action]
	if !ofObject || key == "" {
		return ownsBucket
	}
	v, err := t.version(key, c.query.Get("versionId"))
	if err != nil || v == nil || v.Marker {
		return ownsBucket // and then learns that there is none
	}
	x := extrasOf(v)
	if x.Owner == "" || x.Owner == t.b.Owner() {
		return ownsBucket
	}
	return !c.who.anonymous() && c.who.project == x.Owner ||
		ownsBucket && (x.ACL == aclOwnerFull || x.ACL == aclOwnerReads && needs == "READ")
}

// objectActions are the actions that an object's own list decides on, with what
// they need of it.
func objectActions() map[string]string {
	needs := map[string]string{}
	for _, what := range []string{"", "Version"} {
		needs["s3:GetObject"+what], needs["s3:GetObject"+what+"Tagging"], needs["s3:GetObject"+what+"Acl"] = "READ", "READ", "READ_ACP"
		needs["s3:PutObject"+what+"Tagging"], needs["s3:DeleteObject"+what+"Tagging"], needs["s3:PutObject"+what+"Acl"] = "WRITE", "WRITE", "WRITE_ACP"
	}
	return needs
}

// granted tells what access control lists allow to strangers.
func (c *call) granted(t *tx, action, key string) bool {
	if t.block().IgnorePublicAcls {
		return false
	}
	list := t.set.ACL
	switch action {
	case "s3:GetObject", "s3:GetObjectVersion":
		v, err := t.version(key, c.query.Get("versionId"))
		if err != nil || v == nil || v.Marker {
			return list.grants(c.who, false) // and then learns that there is none
		}
		return extrasOf(v).ACL.grants(c.who, false)
	case "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads":
		return list.grants(c.who, false)
	case "s3:PutObject", "s3:DeleteObject":
		return list.grants(c.who, true)
	}
	return false
}

// version finds a version by the id that the API shows, or what the key leads to;
// nil when there is none.
func (t *tx) version(key, id string) (*objects.Version, error) {
	if id == "" {
		return t.Current(t.b, key), nil
	}
	for _, v := range t.Versions(t.b, key) {
		if versionID(v) == id {
			return v, nil
		}
	}
	return nil, fail("NoSuchVersion", "")
}

// versionID is the id that the API shows. Its end is the record's number, which
// grows.
func versionID(v *objects.Version) string {
	if v.Null {
		return "null"
	}
	return hexSum(v.Project + "/" + v.Name + "/" + strconv.FormatInt(v.ID, 10))[:16] + fmt.Sprintf("%016x", v.ID)
}

// behind tells whether a version stands behind the one of a shown id in a
// listing, also when that one is there no longer. Behind a version that was
// written without versioning, and is gone, all stand.
func behind(v *objects.Version, all []*objects.Version, id string) bool {
	if at := slices.IndexFunc(all, func(o *objects.Version) bool { return versionID(o) == id }); at >= 0 {
		return v.ID < all[at].ID
	}
	if len(id) != 32 {
		return true
	}
	number, err := strconv.ParseInt(id[16:], 16, 64)
	return err != nil || v.ID < number
}

type accessControl struct {
	XMLName xml.Name `xml:"AccessControlPolicy"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Owner   owner
	Grants  []grant `xml:"AccessControlList>Grant"`
}

type owner struct {
	ID          string
	DisplayName string
}

func ownerOf(project string) owner { return owner{ID: "p" + project, DisplayName: "p" + project} }

type grant struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	Type        string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr,omitempty"`
	ID          string `xml:",omitempty"`
	DisplayName string `xml:",omitempty"`
	URI         string `xml:",omitempty"`
}

// view is the list as the API shows it: of what belongs to one project, in a
// bucket of another's perhaps.
func (a acl) view(project, bucketOwner string) accessControl {
	user := ownerOf(project)
	out := accessControl{Xmlns: xmlns, Owner: user, Grants: []grant{{grantee{Type: "CanonicalUser", ID: user.ID, DisplayName: user.DisplayName}, "FULL_CONTROL"}}}
	group := func(uri, permission string) {
		out.Grants = append(out.Grants, grant{grantee{Type: "Group", URI: uri}, permission})
	}
	switch a {
	case aclOwnerReads, aclOwnerFull:
		if of := ownerOf(bucketOwner); of != user {
			permission := "READ"
			if a == aclOwnerFull {
				permission = "FULL_CONTROL"
			}
			out.Grants = append(out.Grants, grant{grantee{Type: "CanonicalUser", ID: of.ID, DisplayName: of.DisplayName}, permission})
		}
	case aclRead:
		group(everyone, "READ")
	case aclWrite:
		group(everyone, "READ")
		group(everyone, "WRITE")
	case aclAuthenticated:
		group(authenticated, "READ")
	}
	return out
}

// requested is the list that a request asks for, in its header or its document;
// empty where it asks for none.
func (c *call) requested(document []byte) (acl, error) {
	if name := c.r.Header.Get("X-Amz-Acl"); name != "" {
		switch a := acl(name); a {
		case aclPrivate, aclRead, aclWrite, aclAuthenticated:
			return a, nil
		case aclOwnerReads, aclOwnerFull:
			if c.key == "" {
				return aclPrivate, nil
			}
			return a, nil
		}
		return "", fail("InvalidArgument", "The access control list %q is not known.", name)
	}
	for name := range c.r.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-grant-") {
			return "", fail("NotImplemented", "Grants in headers are not implemented: use x-amz-acl.")
		}
	}
	if len(document) == 0 {
		return "", nil
	}
	var in accessControl
	if err := xml.Unmarshal(document, &in); err != nil {
		return "", fail("MalformedXML", "")
	}
	a := aclPrivate
	for _, g := range in.Grants {
		switch {
		case g.Grantee.URI == everyone && g.Permission == "READ" && a != aclWrite:
			a = aclRead
		case g.Grantee.URI == everyone && (g.Permission == "WRITE" || g.Permission == "FULL_CONTROL"):
			a = aclWrite
		case g.Grantee.URI == authenticated && g.Permission == "READ" && a == aclPrivate:
			a = aclAuthenticated
		case g.Grantee.URI != "" && !(g.Grantee.URI == everyone && g.Permission == "READ"):
			return "", fail("NotImplemented", "The grant of %s to %s is not implemented.", g.Permission, g.Grantee.URI)
		case g.Grantee.URI == "" && !slices.Contains([]string{"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"}, g.Permission):
			return "", fail("MalformedXML", "")
		case g.Grantee.URI == "" && in.Owner.ID != "" && g.Grantee.ID != in.Owner.ID:
			return "", fail("NotImplemented", "Grants to other users are not implemented: use a policy.")
		}
	}
	return a, nil
}
