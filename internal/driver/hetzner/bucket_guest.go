package hetzner

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Guest is a machine's access to its own part of a bucket.
type Guest struct {
	// Project is the number of the Hetzner Cloud project to which the key
	// belongs.
	Project string
	// AccessKey is the public half of the machine's pair of keys.
	AccessKey string
	// Prefix is the part of the bucket: every key of the machine's objects
	// begins with it, and it ends with a slash.
	Prefix string
	// Locks is the part of Prefix in which restic keeps its locks
	// ("tenant/locks/"), if the machine may remove them. To remove one hides it
	// behind a marker: its versions stay. Empty: it removes nothing, restic says
	// so after each backup, and somebody else clears the locks.
	Locks string
}

var (
	projectNumber = regexp.MustCompile(`^[0-9]+$`)
	accessKey     = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	guestPrefix   = regexp.MustCompile(`^([a-z0-9][a-z0-9._-]*/)+$`)
)

// GuestStatements are the statements of a bucket's policy that confine a
// machine's key to its own prefix: it writes, lists and reads there (restic
// reads back its configuration and index), and deletes nothing. They are a list
// in JSON, to be put beside the others of the bucket's policy, where an update
// of the bucket leaves them.
//
// What the vendor cannot do: a key of the bucket's own project may do everything
// in all buckets of the project that no policy denies, so every other bucket
// there needs a denial of its own. A key of another project may do nothing that
// is not allowed here, and is the better choice; the same statements are right
// for both. Keys do not end by themselves.
func GuestStatements(bucket string, guest Guest) (json.RawMessage, error) {
	if err := guest.check(bucket); err != nil {
		return nil, err
	}
	who := map[string][]string{"AWS": {"arn:aws:iam:::user/p" + guest.Project + ":" + guest.AccessKey}}
	own := []string{bucketARN(bucket) + "/" + guest.Prefix + "*"}
	whole, objects := []string{bucketARN(bucket)}, []string{objectsARN(bucket)}
	prefix := map[string][]string{"s3:prefix": {guest.Prefix + "*"}}
	work := []string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
	deletes, never := []string{"s3:DeleteObject"}, guestNever()

	statements := []policyStatement{
		{Sid: "Work", Effect: "Allow", Action: work, Resource: own},
		{Sid: "List", Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: whole, Condition: map[string]map[string][]string{"StringLike": prefix}},
		{Sid: "Location", Effect: "Allow", Action: []string{"s3:GetBucketLocation"}, Resource: whole},
		{Sid: "NoOtherWork", Effect: "Deny", Action: work, NotResource: own},
		// The gateway knows no s3:prefix where a request names none, and then a
		// negated comparison does not hold.
		{Sid: "NoOtherList", Effect: "Deny", Action: []string{"s3:ListBucket"}, Resource: whole, Condition: map[string]map[string][]string{"StringNotLike": prefix}},
		{Sid: "NoWholeList", Effect: "Deny", Action: []string{"s3:ListBucket"}, Resource: whole,
			Condition: map[string]map[string][]string{"Null": {"s3:prefix": {"true"}}}},
		{Sid: "Never", Effect: "Deny", Action: never, Resource: objects},
		{Sid: "NeverBucket", Effect: "Deny", Action: bucketNever(), Resource: whole},
	}
	if guest.Locks == "" {
		statements = append(statements, policyStatement{Sid: "NoDelete", Effect: "Deny", Action: deletes, Resource: objects})
	} else {
		locks := []string{bucketARN(bucket) + "/" + guest.Locks + "*"}
		statements = append(statements,
			policyStatement{Sid: "Locks", Effect: "Allow", Action: deletes, Resource: locks},
			policyStatement{Sid: "NoOtherDelete", Effect: "Deny", Action: deletes, NotResource: locks})
	}
	for i := range statements {
		statements[i].Sid, statements[i].Principal = "Guest"+guest.AccessKey+statements[i].Sid, who
	}
	return json.Marshal(statements)
}

// guestNever are the requests about objects that no guest may make, in its own
// prefix neither.
func guestNever() []string {
	return []string{"s3:DeleteObjectVersion", "s3:GetObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
		"s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutObjectTagging", "s3:DeleteObjectTagging"}
}

// bucketNever are the requests about the bucket itself that no guest may make.
func bucketNever() []string {
	return []string{"s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketVersioning",
		"s3:PutLifecycleConfiguration", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketTagging", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}
}

func (g Guest) check(bucket string) error {
	bad := func(field, message string) error {
		return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: cloud.KindBucket, ID: bucket, Doing: "write a guest's policy", Field: field, Message: message}
	}
	switch {
	case !projectNumber.MatchString(g.Project):
		return bad("project", fmt.Sprintf("%q is not the number of a project", g.Project))
	case !accessKey.MatchString(g.AccessKey):
		return bad("access_key", "it is not an access key")
	case !guestPrefix.MatchString(g.Prefix):
		return bad("prefix", fmt.Sprintf("%q is not a prefix: lower case letters, digits, '.', '_' and '-', with a slash at its end", g.Prefix))
	case g.Locks != "" && (!guestPrefix.MatchString(g.Locks) || !strings.HasPrefix(g.Locks, g.Prefix) || g.Locks == g.Prefix):
		return bad("locks", fmt.Sprintf("%q is not a part of %q", g.Locks, g.Prefix))
	}
	return nil
}
