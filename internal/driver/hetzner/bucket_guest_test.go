package hetzner_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/driver/hetzner"
)

// withGuests makes a bucket that lets guests in.
func (w *storeWorld) withGuests(guests ...cloud.BucketGuest) cloud.Bucket {
	w.t.Helper()
	stores, err := w.connect().Buckets()
	w.must(err)
	spec := bucketSpec("guests")
	spec.Guests = guests
	bucket, err := stores.Create(w.t.Context(), spec, func(cloud.Bucket) {})
	w.must(err)
	return bucket
}

func bucketSpec(name string) cloud.BucketSpec {
	return cloud.BucketSpec{OldVersionDays: 30, Meta: cloud.Meta{Name: name, Deployment: "acme-eu", Location: cloud.Location{Cloud: hetzner.Name, Name: "fsn1"}}}
}

// TestAGuestReachesItsOwnPrefixOnly tries the key of a machine.
func TestAGuestReachesItsOwnPrefixOnly(t *testing.T) {
	w := newStoreWorld(t)
	bucket := w.withGuests(cloud.BucketGuest{Tenant: "acme", Principal: "p43:OUTSIDE", ClearsLocks: true}, cloud.BucketGuest{Tenant: "other", Principal: "p44:ELSE"})
	name, ctx := bucket.ID.Native, t.Context()
	for _, object := range []string{"acme-eu/acme/index", "acme-eu/acme/restic/locks/1", "acme-eu/other/index", "acme-eu/acme2"} {
		w.must(w.put("OPERATOR", bucket.ID, object, "before"))
	}
	guest := w.client("fsn1", "OUTSIDE")
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
	old := version("acme-eu/acme/index")
	mode, days, unit := minio.Governance, uint(1), minio.Days
	for _, test := range []struct {
		what string
		may  bool
		do   func() error
	}{
		{"write its own", true, func() error { return w.put("OUTSIDE", bucket.ID, "acme-eu/acme/data/1", "new") }},
		{"write in parts", true, func() error {
			id, err := guest.NewMultipartUpload(ctx, name, "acme-eu/acme/data/2", minio.PutObjectOptions{})
			if err == nil {
				err = guest.AbortMultipartUpload(ctx, name, "acme-eu/acme/data/2", id)
			}
			return err
		}},
		{"read its own", true, func() error { return read("acme-eu/acme/index") }},
		{"list its own", true, func() error { return list("acme-eu/acme/") }},
		{"remove its lock", true, func() error {
			return guest.RemoveObject(ctx, name, "acme-eu/acme/restic/locks/1", minio.RemoveObjectOptions{})
		}},
		{"write another's", false, func() error { return w.put("OUTSIDE", bucket.ID, "acme-eu/other/data/1", "new") }},
		{"write beside its own", false, func() error { return w.put("OUTSIDE", bucket.ID, "acme-eu/acme2", "new") }},
		{"read another's", false, func() error { return read("acme-eu/other/index") }},
		{"list another's", false, func() error { return list("acme-eu/other/") }},
		{"list all", false, func() error { return list("") }},
		{"list beside its own", false, func() error { return list("acme-eu/acme") }},
		{"remove its own", false, func() error { return guest.RemoveObject(ctx, name, "acme-eu/acme/index", minio.RemoveObjectOptions{}) }},
		{"remove another's", false, func() error { return guest.RemoveObject(ctx, name, "acme-eu/other/index", minio.RemoveObjectOptions{}) }},
		{"destroy its own", false, func() error {
			return guest.RemoveObject(ctx, name, "acme-eu/acme/index", minio.RemoveObjectOptions{VersionID: old})
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

	// A repair of the bucket leaves the machine's statements alone.
	w.must(w.breakGuard(bucket.ID, cloud.GuardPrivate))
	stores, err := w.connect().Buckets()
	w.must(err)
	found, err := stores.Get(ctx, name)
	w.must(err)
	spec := bucketSpec("guests")
	spec.Guests = found.Guests
	_, err = stores.Update(ctx, found, spec)
	w.must(err)
	if err := read("acme-eu/acme/index"); err != nil {
		t.Errorf("after a repair: %v", err)
	}
	// Who is no guest any more is nobody.
	found, err = stores.Get(ctx, name)
	w.must(err)
	spec.Guests = nil
	_, err = stores.Update(ctx, found, spec)
	w.must(err)
	if err := read("acme-eu/acme/index"); minio.ToErrorResponse(err).Code != "AccessDenied" {
		t.Errorf("when it is no guest: %v", err)
	}
	// What it wrote is its project's, and the operator reads it all the same.
	reader, err := stores.Open(bucket.ID)
	w.must(err)
	if content, err := reader.ReadObject(ctx, "acme-eu/acme/data/1", 100); err != nil || string(content) != "new" {
		t.Errorf("the operator reads %q, %v", content, err)
	}
	if err := read("acme-eu/acme/data/1"); err != nil {
		t.Errorf("the gateway lets it read what its project wrote: %v", err)
	}
}

func TestAGuestWithoutLocksRemovesNothing(t *testing.T) {
	w := newStoreWorld(t)
	bucket := w.withGuests(cloud.BucketGuest{Tenant: "acme", Principal: "p43:OUTSIDE"})
	lock := "acme-eu/acme/restic/locks/1"
	w.must(w.put("OUTSIDE", bucket.ID, lock, "x"))
	err := w.client("fsn1", "OUTSIDE").RemoveObject(t.Context(), bucket.ID.Native, lock, minio.RemoveObjectOptions{})
	if minio.ToErrorResponse(err).Code != "AccessDenied" {
		t.Errorf("removed: %v", err)
	}
}

// TestAKeyOfTheBucketsOwnProjectIsNoGuest: it could do everything in the project's
// other buckets.
func TestAKeyOfTheBucketsOwnProjectIsNoGuest(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	spec := bucketSpec("own")
	made, err := stores.Create(t.Context(), spec, func(cloud.Bucket) {})
	w.must(err)
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: "p42:MACHINE"}}
	_, err = stores.Update(t.Context(), made, spec)
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != `guests["acme"].principal` || !strings.Contains(failed.Message, "own project 42") {
		t.Errorf("the machine's key: %+v", err)
	}
	spec.Guests[0].Principal = "p42:OPERATOR"
	if err := stores.CheckGuests(spec); err == nil || !strings.Contains(err.Error(), "Holdfast itself") {
		t.Errorf("the operator's key: %v", err)
	}
	// Two of one project read what each other wrote, without being allowed to.
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: "p43:OUTSIDE"}, {Tenant: "zoo", Principal: "p43:ANOTHER"}}
	if err := stores.CheckGuests(spec); !errors.As(err, &failed) || failed.Field != `guests["zoo"].principal` || !strings.Contains(failed.Message, "same project") {
		t.Errorf("two of one project: %v", err)
	}
	spec.Guests = spec.Guests[:1]
	// It may be somebody's secret: no message repeats it.
	secret := strings.Repeat("s3cr3t+/", 5)
	spec.Guests[0].Principal = "p43:" + secret
	if err := stores.CheckGuests(spec); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a secret: %v", err)
	}
}

// TestHowManyGuestsFit: what is told to fit does fit, and the store takes it.
func TestHowManyGuestsFit(t *testing.T) {
	w := newStoreWorld(t)
	stores, err := w.connect().Buckets()
	w.must(err)
	for _, locks := range []bool{false, true} {
		spec := bucketSpec(fmt.Sprintf("crowded-%t", locks))
		for i := range 100 {
			spec.Guests = append(spec.Guests, cloud.BucketGuest{Tenant: fmt.Sprintf("customer-%04d", i), Principal: fmt.Sprintf("p1%07d:ABCDEFGHIJ0123456789", i), ClearsLocks: locks})
		}
		var failed *cloud.Error
		if err := stores.CheckGuests(spec); !errors.As(err, &failed) || failed.Field != "guests" {
			t.Fatalf("a hundred: %v", err)
		}
		var fit int
		_, rest, _ := strings.Cut(failed.Remedy, "at most ")
		if _, err := fmt.Sscan(rest, &fit); err != nil || fit < 20 {
			t.Fatalf("%d fit: %s", fit, failed.Remedy)
		}
		t.Logf("locks %t: %d fit", locks, fit)
		spec.Guests = spec.Guests[:fit]
		made, err := stores.Create(t.Context(), spec, func(cloud.Bucket) {})
		if err != nil || !slices.Equal(made.Guests, spec.Guests) {
			t.Errorf("%d guests: %v", fit, err)
		}
		// Somebody else's statements take their room.
		policy, err := w.client("fsn1", "OPERATOR").GetBucketPolicy(t.Context(), made.ID.Native)
		w.must(err)
		theirs := fmt.Sprintf(`{"Sid":%q,"Effect":"Deny","Principal":"*","Action":["s3:PutBucketWebsite"],"Resource":["arn:aws:s3:::%s"]}`, strings.Repeat("x", 2000), made.ID.Native)
		w.must(w.client("fsn1", "OPERATOR").SetBucketPolicy(t.Context(), made.ID.Native, strings.Replace(policy, `"Statement":[`, `"Statement":[`+theirs+",", 1)))
		spec.Guests = slices.Clone(spec.Guests)
		spec.Guests[0].Principal = "p10000000:ANOTHERKEY0123456789"
		if _, err := stores.Update(t.Context(), made, spec); !errors.As(err, &failed) || failed.Field != "guests" {
			t.Errorf("no room is left: %v", err)
		}
	}
}

// TestWhatWidensAGuestIsFound: each of these lets a guest do more than it should.
func TestWhatWidensAGuestIsFound(t *testing.T) {
	w := newStoreWorld(t)
	bucket := w.withGuests(cloud.BucketGuest{Tenant: "acme", Principal: "p43:OUTSIDE"})
	stores, err := w.connect().Buckets()
	w.must(err)
	operator, name := w.client("fsn1", "OPERATOR"), bucket.ID.Native
	policy, err := operator.GetBucketPolicy(t.Context(), name)
	w.must(err)
	extra := func(principal, action string) string {
		return strings.Replace(policy, `"Statement":[`, fmt.Sprintf(`"Statement":[{"Effect":"Allow","Principal":{"AWS":%s},"Action":%q,"Resource":["arn:aws:s3:::%s/*"]},`, principal, action, name), 1)
	}
	for what, changed := range map[string]string{
		"its whole bucket":       strings.Replace(policy, name+"/acme-eu/acme/*", name+"/*", 1),
		"its neighbour's prefix": strings.Replace(policy, name+"/acme-eu/acme/*", name+"/acme-eu/acme*", 1),
		"one action more":        strings.Replace(policy, `"s3:GetObject"`, `"s3:GetObject","s3:DeleteObject"`, 1),
		"all listings":           strings.Replace(policy, `"acme-eu/acme/*"`, `"acme-eu/*"`, 1),
		"somebody with it":       strings.Replace(policy, `"arn:aws:iam:::user/p43:OUTSIDE"`, `"arn:aws:iam:::user/p43:OUTSIDE","arn:aws:iam:::user/p44:ELSE"`, 1),
		"nothing for the owner":  strings.Replace(policy, `"s3:GetObject","s3:GetObjectVersion"`, `"s3:GetObjectVersion"`, 1),
		"another statement":      extra(`"arn:aws:iam:::user/p43:OUTSIDE"`, "s3:DeleteObjectVersion"),
		"among others":           extra(`["arn:aws:iam:::user/p9:THEIRS","arn:aws:iam:::user/p43:OUTSIDE"]`, "s3:GetObject"),
		"its whole project":      extra(`["arn:aws:iam:::user/p43"]`, "s3:*"),
	} {
		if changed == policy {
			t.Fatalf("%s: nothing was changed", what)
		}
		w.must(operator.SetBucketPolicy(t.Context(), name, changed))
		found, err := stores.Get(t.Context(), name)
		w.must(err)
		if !slices.Contains(found.Broken, cloud.GuardGuests) {
			t.Errorf("%s: broken are %v", what, found.Broken)
			continue
		}
		spec := bucketSpec("guests")
		spec.Guests = bucket.Guests
		_, err = stores.Update(t.Context(), found, spec)
		w.must(err)
		after, err := operator.GetBucketPolicy(t.Context(), name)
		w.must(err)
		if left := strings.Contains(after, "p9:THEIRS"); left != (what == "among others") || strings.Contains(after, `user/p43"`) || strings.Contains(after, "p44:ELSE") {
			t.Errorf("%s: the policy is %s", what, after)
		}
		w.must(operator.SetBucketPolicy(t.Context(), name, policy))
	}
}
