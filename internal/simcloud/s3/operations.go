package s3

import (
	"net/http"
	"net/url"
)

// operation is one of the API's. Its level is that of the path: the service, a
// bucket, or a key in one.
type operation struct {
	method string
	level  level
	sub    string // the query parameter that chooses it; empty: none
	header string // the header that does
	name   string
	action string // the right that it needs
	do     func(*call) error
}

type level int

const (
	service level = iota
	bucket
	object
)

// template is the route as the recorder counts it.
func (o *operation) template() string {
	path := [...]string{"/s3/{location}/", "/s3/{location}/{bucket}", "/s3/{location}/{bucket}/{key}"}[o.level]
	if o.sub != "" {
		path += "?" + o.sub
	}
	if o.header != "" {
		path += " (copy)"
	}
	return path
}

const copySource = "X-Amz-Copy-Source"

// operations are all that there are. The first that fits is taken, so that those
// that a parameter chooses stand first.
func operations() []operation {
	const get, put, post, del, head = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead
	return []operation{
		{get, service, "", "", "ListBuckets", "s3:ListAllMyBuckets", listBuckets},

		{get, bucket, "location", "", "GetBucketLocation", "s3:GetBucketLocation", getLocation},
		{get, bucket, "versioning", "", "GetBucketVersioning", "s3:GetBucketVersioning", getVersioning},
		{put, bucket, "versioning", "", "PutBucketVersioning", "s3:PutBucketVersioning", putVersioning},
		{get, bucket, "object-lock", "", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", getLockConfiguration},
		{put, bucket, "object-lock", "", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", putLockConfiguration},
		{get, bucket, "lifecycle", "", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", getLifecycle},
		{put, bucket, "lifecycle", "", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", putLifecycle},
		{del, bucket, "lifecycle", "", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", deleteLifecycle},
		{get, bucket, "policy", "", "GetBucketPolicy", "s3:GetBucketPolicy", getPolicy},
		{put, bucket, "policy", "", "PutBucketPolicy", "s3:PutBucketPolicy", putPolicy},
		{del, bucket, "policy", "", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", deletePolicy},
		{get, bucket, "policyStatus", "", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", getPolicyStatus},
		{get, bucket, "publicAccessBlock", "", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", getAccessBlock},
		{put, bucket, "publicAccessBlock", "", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", putAccessBlock},
		{del, bucket, "publicAccessBlock", "", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", deleteAccessBlock},
		{get, bucket, "acl", "", "GetBucketAcl", "s3:GetBucketAcl", getBucketACL},
		{put, bucket, "acl", "", "PutBucketAcl", "s3:PutBucketAcl", putBucketACL},
		{get, bucket, "tagging", "", "GetBucketTagging", "s3:GetBucketTagging", getBucketTags},
		{put, bucket, "tagging", "", "PutBucketTagging", "s3:PutBucketTagging", putBucketTags},
		{del, bucket, "tagging", "", "DeleteBucketTagging", "s3:PutBucketTagging", deleteBucketTags},
		{get, bucket, "encryption", "", "GetBucketEncryption", "s3:GetEncryptionConfiguration", absent("ServerSideEncryptionConfigurationNotFoundError")},
		{get, bucket, "cors", "", "GetBucketCors", "s3:GetBucketCORS", absent("NoSuchCORSConfiguration")},
		{get, bucket, "website", "", "GetBucketWebsite", "s3:GetBucketWebsite", absent("NoSuchWebsiteConfiguration")},
		{get, bucket, "replication", "", "GetBucketReplication", "s3:GetReplicationConfiguration", absent("ReplicationConfigurationNotFoundError")},
		{get, bucket, "uploads", "", "ListMultipartUploads", "s3:ListBucketMultipartUploads", listUploads},
		{get, bucket, "versions", "", "ListObjectVersions", "s3:ListBucketVersions", listVersions},
		{get, bucket, "list-type", "", "ListObjectsV2", "s3:ListBucket", listObjectsV2},
		{get, bucket, "", "", "ListObjects", "s3:ListBucket", listObjects},
		{put, bucket, "", "", "CreateBucket", "s3:CreateBucket", createBucket},
		{head, bucket, "", "", "HeadBucket", "s3:ListBucket", headBucket},
		{del, bucket, "", "", "DeleteBucket", "s3:DeleteBucket", deleteBucket},
		{post, bucket, "delete", "", "DeleteObjects", "", deleteObjects}, // each object is checked by itself

		{get, object, "retention", "", "GetObjectRetention", "s3:GetObjectRetention", getRetention},
		{put, object, "retention", "", "PutObjectRetention", "s3:PutObjectRetention", putRetention},
		{get, object, "legal-hold", "", "GetObjectLegalHold", "s3:GetObjectLegalHold", getHold},
		{put, object, "legal-hold", "", "PutObjectLegalHold", "s3:PutObjectLegalHold", putHold},
		{get, object, "tagging", "", "GetObjectTagging", "s3:GetObjectTagging", getObjectTags},
		{put, object, "tagging", "", "PutObjectTagging", "s3:PutObjectTagging", putObjectTags},
		{del, object, "tagging", "", "DeleteObjectTagging", "s3:DeleteObjectTagging", deleteObjectTags},
		{get, object, "acl", "", "GetObjectAcl", "s3:GetObjectAcl", getObjectACL},
		{put, object, "acl", "", "PutObjectAcl", "s3:PutObjectAcl", putObjectACL},
		{post, object, "uploads", "", "CreateMultipartUpload", "s3:PutObject", createUpload},
		{put, object, "uploadId", copySource, "UploadPartCopy", "s3:PutObject", copyPart},
		{put, object, "uploadId", "", "UploadPart", "s3:PutObject", putPart},
		{post, object, "uploadId", "", "CompleteMultipartUpload", "s3:PutObject", completeUpload},
		{del, object, "uploadId", "", "AbortMultipartUpload", "s3:AbortMultipartUpload", abortUpload},
		{get, object, "uploadId", "", "ListParts", "s3:ListMultipartUploadParts", listParts},
		{put, object, "", copySource, "CopyObject", "s3:PutObject", copyObject},
		{put, object, "", "", "PutObject", "s3:PutObject", putObject},
		{get, object, "versionId", "", "GetObject", "s3:GetObjectVersion", getObject},
		{head, object, "versionId", "", "HeadObject", "s3:GetObjectVersion", getObject},
		{get, object, "", "", "GetObject", "s3:GetObject", getObject},
		{head, object, "", "", "HeadObject", "s3:GetObject", getObject},
		{del, object, "versionId", "", "DeleteObject", "s3:DeleteObjectVersion", deleteObject},
		{del, object, "", "", "DeleteObject", "s3:DeleteObject", deleteObject},
	}
}

// unbuilt are the parameters that choose operations which Amazon has and this
// store has not: they are refused rather than taken for others.
func unbuilt() []string {
	return []string{"accelerate", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "logging",
		"metadataTable", "metrics", "notification", "ownershipControls", "policyStatus", "replication", "requestPayment", "restore",
		"select", "torrent", "website", "append"}
}

// find is the operation of a request, or nil.
func (a *API) find(r *http.Request, bucketName, key string, q url.Values) *operation {
	at := object
	switch {
	case bucketName == "":
		at = service
	case key == "":
		at = bucket
	}
	method := r.Method
	var plain *operation
	for i := range a.routes {
		o := &a.routes[i]
		if o.method != method || o.level != at || (o.sub != "" && !q.Has(o.sub)) || (o.header != "" && r.Header.Get(o.header) == "") {
			continue
		}
		if o.sub != "" {
			return o
		}
		if plain == nil {
			plain = o
		}
	}
	for _, sub := range unbuilt() {
		if q.Has(sub) {
			return &operation{method: method, level: at, sub: sub, name: sub, action: "s3:" + sub, do: func(*call) error { return fail("NotImplemented", "") }}
		}
	}
	return plain
}

// absent is the answer of what can never be configured here.
func absent(code string) func(*call) error {
	return func(*call) error { return fail(code, "") }
}
