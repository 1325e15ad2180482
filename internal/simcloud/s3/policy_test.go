package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
)

// guestPolicy lets GUEST write, read and list below its own prefix, and never
// delete; and lets nobody in whose transport is said to be insecure, which the
// gateway says of none.
const guestPolicy = `{"Version": "2012-10-17", "Statement": [
	{"Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::acme-backups", "arn:aws:s3:::acme-backups/*"],
	 "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
	{"Sid": "GuestObjects", "Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam:::user/p42:GUEST"]}, "Action": "s3:*",
	 "NotResource": ["arn:aws:s3:::acme-backups", "arn:aws:s3:::acme-backups/tenants/ada/*"]},
	{"Sid": "GuestActions", "Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam:::user/p42:GUEST"]},
	 "NotAction": ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"], "Resource": ["arn:aws:s3:::acme-backups", "arn:aws:s3:::acme-backups/*"]},
	{"Sid": "GuestList", "Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam:::user/p42:GUEST"]}, "Action": "s3:ListBucket",
	 "Resource": "arn:aws:s3:::acme-backups", "Condition": {"StringNotLike": {"s3:prefix": ["tenants/ada/*"]}}}
]}`

func TestPolicies(t *testing.T) {
	c := newCloud(t, s3.Options{})
	owner := c.core("OWNER")
	c.bucket("acme-backups", false)
	c.put("acme-backups", "tenants/ada/1", "ada's")
	c.put("acme-backups", "tenants/bob/1", "bob's")
	c.ok(owner.SetBucketPolicy(c.ctx, "acme-backups", guestPolicy))
	if got, err := owner.GetBucketPolicy(c.ctx, "acme-backups"); err != nil || got != guestPolicy {
		t.Errorf("the policy came back as %q, %v", got, err)
	}
	tests := map[string]struct {
		access, method, path string
		header               map[string]string
		status               int
	}{
		"own object":                 {"GUEST", "GET", "/acme-backups/tenants/ada/1", nil, 200},
		"write below the own prefix": {"GUEST", "PUT", "/acme-backups/tenants/ada/2", nil, 200},
		"list the own prefix":        {"GUEST", "GET", "/acme-backups?prefix=tenants%2Fada%2F", nil, 200},
		"list another prefix":        {"GUEST", "GET", "/acme-backups?prefix=tenants%2Fbob%2F", nil, 403},
		"list with a part of it":     {"GUEST", "GET", "/acme-backups?prefix=tenants%2F", nil, 403},
		"another's object":           {"GUEST", "GET", "/acme-backups/tenants/bob/1", nil, 403},
		"another's, written":         {"GUEST", "PUT", "/acme-backups/tenants/bob/1", nil, 403},
		"delete an own object":       {"GUEST", "DELETE", "/acme-backups/tenants/ada/1", nil, 403},
		"delete the policy":          {"GUEST", "DELETE", "/acme-backups?policy=", nil, 403},
		"the owner's own":            {"OWNER", "GET", "/acme-backups/tenants/bob/1", nil, 200},
		// What a request does not say is neither false nor unequal.
		"the owner in the clear": {"OWNER", "GET", "/acme-backups/tenants/bob/1", map[string]string{"X-Forwarded-Proto": "http"}, 200},
		"list without a prefix":  {"GUEST", "GET", "/acme-backups", nil, 200},
		"a stranger":             {"STRANGER", "GET", "/acme-backups/tenants/bob/1", nil, 403},
		"nobody":                 {"", "GET", "/acme-backups/tenants/bob/1", nil, 403},
		"a copy from another":    {"GUEST", "PUT", "/acme-backups/tenants/ada/3", map[string]string{"X-Amz-Copy-Source": "/acme-backups/tenants/bob/1"}, 403},
		"a copy of the own":      {"GUEST", "PUT", "/acme-backups/tenants/ada/3", map[string]string{"X-Amz-Copy-Source": "/acme-backups/tenants/ada/1"}, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if status, body, _ := c.raw(test.method, test.path, "", test.access, test.header); status != test.status {
				t.Errorf("status %d, want %d: %s", status, test.status, body)
			}
		})
	}
	status, body, _ := c.raw("POST", "/acme-backups?delete=", "<Delete><Object><Key>tenants/ada/1</Key></Object></Delete>", "GUEST", nil)
	if status != 200 || !strings.Contains(body, "<Code>AccessDenied</Code>") || strings.Contains(body, "<Deleted>") {
		t.Errorf("many at once: %d %s", status, body)
	}
	c.ok(owner.SetBucketPolicy(c.ctx, "acme-backups", "")) // minio-go deletes it
	_, err := owner.GetBucketPolicy(c.ctx, "acme-backups")
	c.refused(err, "NoSuchBucketPolicy")
	if status, _, _ := c.raw("GET", "/acme-backups/tenants/bob/1", "", "GUEST", nil); status != 200 {
		t.Errorf("without a policy: %d", status)
	}
}

// TestPoliciesOnWhatIsNotThere: who means requests without a key asks for that.
func TestPoliciesOnWhatIsNotThere(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "x")
	for condition, want := range map[string]int{
		`"Null": {"aws:SecureTransport": "true"}`:               403,
		`"BoolIfExists": {"aws:SecureTransport": "false"}`:      403,
		`"Bool": {"aws:SecureTransport": "false"}`:              200,
		`"StringNotEquals": {"aws:SecureTransport": "true"}`:    200,
		`"StringNotLikeIfExists": {"aws:SecureTransport": "t"}`: 403,
	} {
		c.ok(c.core("OWNER").SetBucketPolicy(c.ctx, "acme-backups", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*",
			"Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-backups/*", "Condition": {`+condition+`}}}`))
		if status, _, _ := c.raw("GET", "/acme-backups/k", "", "OWNER", map[string]string{"X-Forwarded-Proto": "http"}); status != want {
			t.Errorf("%s in the clear: %d, want %d", condition, status, want)
		}
	}
}

func TestPoliciesForOthers(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "x")
	c.ok(c.core("OWNER").SetBucketPolicy(c.ctx, "acme-backups", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam:::user/p7:STRANGER"}, "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::acme-backups/*"}}`))
	for access, want := range map[string]int{"STRANGER": 200, "": 403} {
		if status, _, _ := c.raw("GET", "/acme-backups/k", "", access, nil); status != want {
			t.Errorf("%q reads: %d, want %d", access, status, want)
		}
		if status, _, _ := c.raw("PUT", "/acme-backups/k", "", access, nil); status != 403 {
			t.Errorf("%q writes: %d", access, status)
		}
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	for name, document := range map[string]string{
		"no JSON":          `{`,
		"no version":       `{"Statement": []}`,
		"no statement":     `{"Version": "2012-10-17", "Statement": []}`,
		"effect":           `{"Version": "2012-10-17", "Statement": {"Effect": "Maybe", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-backups"}}`,
		"no principal":     `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-backups"}}`,
		"another bucket":   `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"}}`,
		"another service":  `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "ec2:*", "Resource": "arn:aws:s3:::acme-backups"}}`,
		"unknown operator": `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-backups", "Condition": {"Perhaps": {"s3:prefix": "x"}}}}`,
		"unknown key":      `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-backups", "Condition": {"Bool": {"aws:MoonPhase": "full"}}}}`,
		"unknown field":    `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Colour": "red", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-backups"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if status, body, _ := c.raw("PUT", "/acme-backups?policy=", document, "OWNER", nil); status != 400 || !strings.Contains(body, "MalformedPolicy") {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestPublicAccess(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	c.put("acme-backups", "k", "x")
	anonymous := func(path string, want int) {
		t.Helper()
		resp, err := http.Get(c.urls["fsn1"] + path)
		c.ok(err)
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s without a key: %d, want %d", path, resp.StatusCode, want)
		}
	}
	set := func(path, acl string, want int) {
		t.Helper()
		if status, body, _ := c.raw("PUT", path+"?acl=", "", "OWNER", map[string]string{"X-Amz-Acl": acl}); status != want {
			t.Errorf("%s %s: %d %s", path, acl, status, body)
		}
	}
	anonymous("/acme-backups", 403)
	anonymous("/acme-backups/k", 403)
	set("/acme-backups", "public-read", 200)
	anonymous("/acme-backups", 200)
	anonymous("/acme-backups/k", 403) // the object is private
	set("/acme-backups/k", "public-read", 200)
	anonymous("/acme-backups/k", 200)
	_, body, _ := c.raw("GET", "/acme-backups?acl=", "", "OWNER", nil)
	if !strings.Contains(body, "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission>") {
		t.Errorf("the list is %s", body)
	}

	block := "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>" +
		"<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
	if status, body, _ := c.raw("PUT", "/acme-backups?publicAccessBlock=", block, "OWNER", nil); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, body, _ := c.raw("GET", "/acme-backups?publicAccessBlock=", "", "OWNER", nil); !strings.Contains(body, block) {
		t.Errorf("the block is %s", body)
	}
	anonymous("/acme-backups", 403)
	anonymous("/acme-backups/k", 403)
	set("/acme-backups", "public-read", 403)
	set("/acme-backups/k", "public-read", 403)
	set("/acme-backups", "private", 200)
	const public = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-backups/*"}}`
	c.refused(c.core("OWNER").SetBucketPolicy(c.ctx, "acme-backups", public), "AccessDenied")
	if status, _, _ := c.raw("DELETE", "/acme-backups?publicAccessBlock=", "", "OWNER", nil); status != 204 {
		t.Errorf("the block stays: %d", status)
	}
	c.ok(c.core("OWNER").SetBucketPolicy(c.ctx, "acme-backups", public))
	anonymous("/acme-backups/k", 200)
	if _, body, _ := c.raw("GET", "/acme-backups?policyStatus=", "", "OWNER", nil); !strings.Contains(body, "<IsPublic>true</IsPublic>") {
		t.Errorf("the status is %s", body)
	}
	_, err := c.core("OWNER").StatObject(c.ctx, "acme-backups", "k", minio.StatObjectOptions{})
	c.ok(err)
}

// TestAPolicyIsNotEndless: the gateway takes 1 MiB.
func TestAPolicyIsNotEndless(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	const rest = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Deny","Principal":"*","Action":"s3:PutBucketWebsite","Resource":"arn:aws:s3:::acme-backups"}]}`
	for size, status := range map[int]int{1 << 20: http.StatusNoContent, 1<<20 + 1: http.StatusRequestedRangeNotSatisfiable} {
		policy := strings.Replace(rest, `"Sid":"`, `"Sid":"`+strings.Repeat("x", size-len(rest)), 1)
		if got, body, _ := c.raw("PUT", "/acme-backups?policy=", policy, "OWNER", nil); got != status {
			t.Errorf("%d bytes: %d %s", len(policy), got, body)
		}
	}
}

// TestObjectsOfOthers: a key of another project writes into a bucket, and owns
// what it writes.
func TestObjectsOfOthers(t *testing.T) {
	c := newCloud(t, s3.Options{})
	c.bucket("acme-backups", false)
	policy := func(more string) {
		c.ok(c.core("OWNER").SetBucketPolicy(c.ctx, "acme-backups", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam:::user/p7:STRANGER"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-backups/*"}`+more+`]}`))
	}
	policy("")
	read := func(access, key string) int {
		status, _, _ := c.raw("GET", "/acme-backups/"+key, "", access, nil)
		return status
	}
	for key, list := range map[string]string{"mine": "", "shown": "bucket-owner-read", "given": "bucket-owner-full-control"} {
		header := map[string]string{}
		if list != "" {
			header["X-Amz-Acl"] = list
		}
		if status, body, _ := c.raw("PUT", "/acme-backups/"+key, "theirs", "STRANGER", header); status != 200 {
			t.Fatalf("%s: %d %s", key, status, body)
		}
	}
	for key, status := range map[string]int{"mine": 403, "shown": 200, "given": 200, "none": 404} {
		if got := read("OWNER", key); got != status {
			t.Errorf("the bucket's owner reads %s: %d, want %d", key, got, status)
		}
	}
	if got := read("STRANGER", "mine"); got != 200 {
		t.Errorf("who wrote it, whom no policy lets read: %d", got)
	}
	if got := read("GUEST", "mine"); got != 403 {
		t.Errorf("somebody else: %d", got)
	}
	for key, grants := range map[string]int{"mine": 1, "shown": 2, "given": 2} {
		_, body, _ := c.raw("GET", "/acme-backups/"+key+"?acl=", "", "STRANGER", nil)
		if !strings.Contains(body, "<Owner><ID>p7</ID>") || strings.Count(body, "<Grant>") != grants {
			t.Errorf("the list of %s: %s", key, body)
		}
	}
	policy(`,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam:::user/p42"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-backups/*"}`)
	if got := read("OWNER", "mine"); got != 200 {
		t.Errorf("the bucket's owner, let in by a policy: %d", got)
	}
	if status, _, _ := c.raw("DELETE", "/acme-backups/mine", "", "OWNER", nil); status != 204 {
		t.Errorf("the bucket's owner deletes it: %d", status)
	}
}
