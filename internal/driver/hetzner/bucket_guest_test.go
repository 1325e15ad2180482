package hetzner_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
)

// withGuest makes a bucket and puts a machine's statements into its policy, as an
// operator does.
func (w *storeWorld) withGuest(guest hetzner.Guest) cloud.Bucket {
	w.t.Helper()
	stores, err := w.connect().Buckets()
	w.must(err)
	bucket, err := stores.Create(w.t.Context(), bucketSpec("guests"), func(cloud.Bucket) {})
	w.must(err)
	raw, err := hetzner.GuestStatements(bucket.ID.Native, guest)
	w.must(err)
	operator := w.client("fsn1", "OPERATOR")
	text, err := operator.GetBucketPolicy(w.t.Context(), bucket.ID.Native)
	w.must(err)
	var policy struct {
		Version   string
		Statement []json.RawMessage
	}
	w.must(json.Unmarshal([]byte(text), &policy))
	var theirs []json.RawMessage
	w.must(json.Unmarshal(raw, &theirs))
	policy.Statement = append(policy.Statement, theirs...)
	all, err := json.Marshal(policy)
	w.must(err)
	w.must(operator.SetBucketPolicy(w.t.Context(), bucket.ID.Native, string(all)))
	return bucket
}

func bucketSpec(name string) cloud.BucketSpec {
	return cloud.BucketSpec{OldVersionDays: 30, Meta: cloud.Meta{Name: name, Deployment: "acme-eu", Location: cloud.Location{Cloud: hetzner.Name, Name: "fsn1"}}}
}

// TestAGuestReachesItsOwnPrefixOnly tries a machine's key: one of the bucket's
// project, which may do everything that is not denied, and one of another, which
// may do nothing that is not allowed.
func TestAGuestReachesItsOwnPrefixOnly(t *testing.T) {
	for key, project := range map[string]string{"MACHINE": "42", "OUTSIDE": "43"} {
		t.Run(key, func(t *testing.T) {
			w := newStoreWorld(t)
			bucket := w.withGuest(hetzner.Guest{Project: project, AccessKey: key, Prefix: "t/acme/", Locks: "t/acme/locks/"})
			name, ctx := bucket.ID.Native, t.Context()
			for _, object := range []string{"t/acme/index", "t/acme/locks/1", "t/other/index", "t/acme2"} {
				w.must(w.put("OPERATOR", bucket.ID, object, "before"))
			}
			guest := w.client("fsn1", key)
			read := func(object string) error {
				body, _, _, err := guest.GetObject(ctx, name, object, minio.GetObjectOptions{})
				if err == nil {
					_, err = io.Copy(io.Discard, body)
					_ = body.Close()
				}
				return err
			}
			list := func(prefix string) error {
				for object := range guest.Client.ListObjects(ctx, name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
					if object.Err != nil {
						return object.Err
					}
				}
				return nil
			}
			version := func(object string) string {
				info, err := w.client("fsn1", "OPERATOR").StatObject(ctx, name, object, minio.StatObjectOptions{})
				w.must(err)
				return info.VersionID
			}
			old := version("t/acme/index")
			mode, days, unit := minio.Governance, uint(1), minio.Days
			for _, test := range []struct {
				what string
				may  bool
				do   func() error
			}{
				{"write its own", true, func() error { return w.put(key, bucket.ID, "t/acme/data/1", "new") }},
				{"write in parts", true, func() error {
					id, err := guest.NewMultipartUpload(ctx, name, "t/acme/data/2", minio.PutObjectOptions{})
					if err == nil {
						err = guest.AbortMultipartUpload(ctx, name, "t/acme/data/2", id)
					}
					return err
				}},
				{"read its own", true, func() error { return read("t/acme/index") }},
				{"list its own", true, func() error { return list("t/acme/") }},
				{"remove its lock", true, func() error { return guest.RemoveObject(ctx, name, "t/acme/locks/1", minio.RemoveObjectOptions{}) }},
				{"write another's", false, func() error { return w.put(key, bucket.ID, "t/other/data/1", "new") }},
				{"write beside its own", false, func() error { return w.put(key, bucket.ID, "t/acme2", "new") }},
				{"read another's", false, func() error { return read("t/other/index") }},
				{"list another's", false, func() error { return list("t/other/") }},
				{"list all", false, func() error { return list("") }},
				{"list beside its own", false, func() error { return list("t/acme") }},
				{"remove its own", false, func() error { return guest.RemoveObject(ctx, name, "t/acme/index", minio.RemoveObjectOptions{}) }},
				{"remove another's", false, func() error { return guest.RemoveObject(ctx, name, "t/other/index", minio.RemoveObjectOptions{}) }},
				{"destroy its own", false, func() error {
					return guest.RemoveObject(ctx, name, "t/acme/index", minio.RemoveObjectOptions{VersionID: old})
				}},
				{"change the policy", false, func() error { return guest.SetBucketPolicy(ctx, name, "") }},
				{"suspend versioning", false, func() error { return guest.SuspendVersioning(ctx, name) }},
				{"change the lifecycle", false, func() error { return guest.SetBucketLifecycle(ctx, name, nil) }},
				{"change the lock", false, func() error { return guest.SetBucketObjectLockConfig(ctx, name, &mode, &days, &unit) }},
				{"delete the bucket", false, func() error { return guest.RemoveBucket(ctx, name) }},
			} {
				err := test.do()
				if refused := minio.ToErrorResponse(err).Code == "AccessDenied"; test.may && err != nil || !test.may && !refused {
					t.Errorf("%s: %v", test.what, err)
				}
			}

			// An update of the bucket leaves the machine's statements alone.
			w.must(w.breakGuard(bucket.ID, cloud.GuardPrivate))
			stores, err := w.connect().Buckets()
			w.must(err)
			found, err := stores.Get(ctx, name)
			w.must(err)
			_, err = stores.Update(ctx, found, bucketSpec("guests"))
			w.must(err)
			if err := read("t/acme/index"); err != nil {
				t.Errorf("after a repair: %v", err)
			}
			if err := read("t/other/index"); minio.ToErrorResponse(err).Code != "AccessDenied" {
				t.Errorf("after a repair, another's: %v", err)
			}
		})
	}
}

func TestAGuestWithoutLocksRemovesNothing(t *testing.T) {
	w := newStoreWorld(t)
	bucket := w.withGuest(hetzner.Guest{Project: "42", AccessKey: "MACHINE", Prefix: "t/acme/"})
	w.must(w.put("MACHINE", bucket.ID, "t/acme/locks/1", "x"))
	err := w.client("fsn1", "MACHINE").RemoveObject(t.Context(), bucket.ID.Native, "t/acme/locks/1", minio.RemoveObjectOptions{})
	if minio.ToErrorResponse(err).Code != "AccessDenied" {
		t.Errorf("removed: %v", err)
	}
}

func TestAGuestIsChecked(t *testing.T) {
	good := hetzner.Guest{Project: "42", AccessKey: "ABC", Prefix: "t/acme/"}
	for field, change := range map[string]func(*hetzner.Guest){
		"project":    func(g *hetzner.Guest) { g.Project = "p42" },
		"access_key": func(g *hetzner.Guest) { g.AccessKey = "*" },
		"prefix":     func(g *hetzner.Guest) { g.Prefix = "t/acme" },
		"locks":      func(g *hetzner.Guest) { g.Locks = "t/other/locks/" },
	} {
		guest := good
		change(&guest)
		_, err := hetzner.GuestStatements("b", guest)
		if got, ok := err.(*cloud.Error); !ok || got.Field != field {
			t.Errorf("%+v: %v, want an error of %s", guest, err, field)
		}
	}
	for _, prefix := range []string{"", "/", "*/", "t/*/", "../", "T/", "t//x/"} {
		guest := good
		guest.Prefix = prefix
		if _, err := hetzner.GuestStatements("b", guest); err == nil {
			t.Errorf("%q is taken for a prefix", prefix)
		}
	}
	statements, err := hetzner.GuestStatements("b", good)
	if err != nil || strings.Contains(string(statements), "NotAction") {
		t.Errorf("%s, %v", statements, err)
	}
}
