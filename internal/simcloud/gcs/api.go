package gcs

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// Cloud is the name of this service in faults and in counts of requests. A lost
// region of Vendor takes its buckets with it.
const (
	Cloud  = "gcs"
	Vendor = "google"
)

// Token is what an access token stands for.
type Token struct {
	// Projects are those that the token owns; empty: all.
	Projects []string
	// ReadOnly tokens may read only.
	ReadOnly bool
	// ServiceAccount is the address of the account that the token belongs to.
	// It owns nothing, and may do what policies of buckets grant it. Empty: the
	// token is an owner's.
	ServiceAccount string
}

// Options configure the API.
type Options struct {
	// Tokens are the known access tokens.
	Tokens map[string]Token
	// AnyOwner makes every other token an owner's of all projects.
	AnyOwner bool
}

// API is the vendor's HTTP API over a store.
type API struct {
	store    *objects.Store
	opts     Options
	clock    *engine.Clock
	faults   engine.CloudFaults
	vendor   engine.CloudFaults
	recorder *engine.Recorder
	routes   []method
}

// New makes the API.
func New(eng *engine.Engine, store *objects.Store, o Options) *API {
	return &API{store: store, opts: o, clock: eng.Clock, faults: eng.Faults.In(Cloud), vendor: eng.Faults.In(Vendor),
		recorder: engine.NewRecorder(), routes: methods()}
}

// Recorder counts the requests.
func (a *API) Recorder() *engine.Recorder { return a.recorder }

// method is one of the vendor's. Its path is below /storage/v1/, and may hold
// {names}.
type method struct {
	verb, path string
	do         func(*call) error
	// permission that it needs, of the bucket or the object in its path; empty:
	// it looks itself.
	permission string
	// prefix is what stands before the path, where that is not /storage/v1/.
	prefix string
}

const (
	base     = "/storage/v1/"
	upload   = "/upload/storage/v1/"
	download = "/download/storage/v1/"
	xmlReads = "/" // the rest: /<bucket>/<object>
)

func methods() []method {
	const get, put, post, del, patch, head = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodHead
	const bucket, object = "b/{bucket}", "b/{bucket}/o/{object}"
	return []method{
		{get, "b", listBuckets, "", base},
		{post, "b", insertBucket, "", base},
		{get, bucket, getBucket, "storage.buckets.get", base},
		{patch, bucket, patchBucket, "storage.buckets.update", base},
		{put, bucket, updateBucket, "storage.buckets.update", base},
		{del, bucket, deleteBucket, "storage.buckets.delete", base},
		{post, bucket + "/lockRetentionPolicy", lockRetention, "storage.buckets.update", base},
		{get, bucket + "/iam", getPolicy, "storage.buckets.getIamPolicy", base},
		{put, bucket + "/iam", setPolicy, "storage.buckets.setIamPolicy", base},
		{get, bucket + "/iam/testPermissions", testPermissions, "", base},
		{get, bucket + "/o", listObjects, "", base},
		{get, object, getObject, "storage.objects.get", base},
		{patch, object, patchObject, "storage.objects.update", base},
		{put, object, updateObject, "storage.objects.update", base},
		{del, object, deleteObject, "storage.objects.delete", base},
		{post, object + "/restore", restoreObject, "storage.objects.restore", base},
		{post, object + "/compose", composeObject, "storage.objects.create", base},
		{post, object + "/rewriteTo/b/{to}/o/{as}", rewriteObject, "storage.objects.get", base},
		{post, object + "/copyTo/b/{to}/o/{as}", copyObject, "storage.objects.get", base},
		{get, "projects/{project}/serviceAccount", getServiceAccount, "", base},
		{post, bucket + "/o", insertObject, "", upload},
		{put, bucket + "/o", insertObject, "", upload},
		{post, bucket + "/o", insertObject, "", "/resumable" + upload},
		{put, bucket + "/o", insertObject, "", "/resumable" + upload},
		{del, bucket + "/o", cancelUpload, "", upload},
		{get, object, readObject, "storage.objects.get", download},
		{get, "{bucket}/{object}", readXML, "storage.objects.get", xmlReads},
		{head, "{bucket}/{object}", readXML, "storage.objects.get", xmlReads},
	}
}

// find looks a request up by its escaped path. It answers nil when there is no
// such method, and whether the path exists for others.
func (a *API) find(verb, path string) (found *method, vars map[string]string, exists bool) {
	for i := range a.routes {
		m := &a.routes[i]
		rest, ok := strings.CutPrefix(path, m.prefix)
		if !ok || (m.prefix == xmlReads && reserved(path)) {
			continue
		}
		got, ok := match(m, rest)
		if !ok {
			continue
		}
		exists = true
		if m.verb == verb {
			return m, got, true
		}
	}
	return nil, nil, exists
}

// reserved paths are of the JSON API.
func reserved(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == "storage" || first == "upload" || first == "download" || first == "resumable"
}

// match is the values of a path's placeholders. In the JSON API a name's slashes
// are escaped; in the XML API the object is all the rest.
func match(m *method, rest string) (map[string]string, bool) {
	pattern := strings.Split(m.path, "/")
	segments := strings.Split(rest, "/")
	if m.prefix == xmlReads {
		segments = strings.SplitN(rest, "/", 2)
	}
	if len(pattern) != len(segments) {
		return nil, false
	}
	vars := map[string]string{}
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") {
			if p != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		vars[strings.Trim(p, "{}")] = value
	}
	return vars, true
}
