package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func bucketEmpty(t *testing.T, e *bucketEnv) {
	made := e.create(t, e.spec("full"))
	for i := range 30 {
		for version := range 3 {
			e.Put(made.ID, fmt.Sprintf("objects/%02d", i), fmt.Sprint(version))
		}
	}
	err := e.buckets.Delete(e.ctx, made.ID.Native)
	wantCode(t, err, cloud.CodeInUse)
	var failed *cloud.Error
	if !errors.As(err, &failed) || failed.Remedy == "" {
		t.Errorf("%+v has no remedy", failed)
	}
	for range 2 { // the second time there is nothing in it
		if err := e.buckets.Empty(e.ctx, made.ID.Native); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.buckets.Delete(e.ctx, made.ID.Native); err != nil {
		t.Fatal(err)
	}
	wantCode(t, e.buckets.Empty(e.ctx, made.ID.Native), cloud.CodeNotFound)
}

// listed is more than a page.
const listed = cloud.MaxListedObjects + 300

func bucketReader(t *testing.T, e *bucketEnv) {
	made := e.create(t, e.spec("read"))
	var keys []string
	for i := range listed {
		keys = append(keys, fmt.Sprintf("tenant a+b/snapshots/%04d", i))
	}
	put(e, made.ID, append([]string{"other/one", "tenant", "tenant c/one"}, keys...))
	reader, err := e.buckets.Open(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	after, pages := "", 0
	for more := true; more; pages++ {
		var page []cloud.ObjectInfo
		if page, more, err = reader.ListObjects(e.ctx, "tenant a+b/", after); err != nil {
			t.Fatal(err)
		}
		if len(page) > cloud.MaxListedObjects || more && len(page) == 0 {
			t.Fatalf("a page of %d, more: %v", len(page), more)
		}
		for _, object := range page {
			got = append(got, object.Key)
			if object.Bytes != int64(len(object.Key)) || object.Modified.IsZero() {
				t.Fatalf("%+v is incomplete", object)
			}
			after = object.Key
		}
	}
	if !slices.Equal(got, keys) {
		t.Errorf("%d of %d keys, from %q to %q", len(got), len(keys), got[0], got[len(got)-1])
	}
	if pages != 2 {
		t.Errorf("%d objects took %d requests", listed, pages)
	}

	tail, more, err := reader.ListObjects(e.ctx, "tenant a+b/", "tenant a+b/snapshots/1297x")
	if err != nil || more || len(tail) != 2 || tail[0].Key != keys[1298] {
		t.Errorf("after a text between two keys: %v, more: %v, %v", tail, more, err)
	}
	all, more, err := reader.ListObjects(e.ctx, "", "")
	if err != nil || !more || all[0].Key != "other/one" || all[1].Key != "tenant" || all[2].Key != keys[0] {
		t.Errorf("the whole bucket begins with %v, more: %v, %v", all[:min(3, len(all))], more, err)
	}
	none, more, err := reader.ListObjects(e.ctx, "nobody/", "")
	if err != nil || more || len(none) != 0 {
		t.Errorf("nobody has %v, more: %v, %v", none, more, err)
	}

	content, err := reader.ReadObject(e.ctx, keys[7], int64(len(keys[7])))
	if err != nil || string(content) != keys[7] {
		t.Errorf("read %q, %v", content, err)
	}
	_, err = reader.ReadObject(e.ctx, keys[7], int64(len(keys[7])-1))
	wantCode(t, err, cloud.CodeInvalid)
	_, err = reader.ReadObject(e.ctx, "nothing", 10)
	wantCode(t, err, cloud.CodeNotFound)
	nowhere, err := e.buckets.Open(cloud.ID{Location: e.Location, Native: "there-is-no-such-bucket"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = nowhere.ListObjects(e.ctx, "", "")
	wantCode(t, err, cloud.CodeNotFound)
}

// put writes objects whose content is their key.
func put(e *bucketEnv, id cloud.ID, keys []string) {
	var wait sync.WaitGroup
	feed := make(chan string)
	for range 16 {
		wait.Go(func() {
			for key := range feed {
				e.Put(id, key, key)
			}
		})
	}
	for _, key := range keys {
		feed <- key
	}
	close(feed)
	wait.Wait()
}

// bucketLostLocation: what is lost is no hindrance to what is not.
func bucketLostLocation(t *testing.T, e *bucketEnv) {
	gone := e.create(t, e.spec("gone"))
	kept := e.spec("kept")
	kept.Location = e.Standby
	standby := e.create(t, kept)
	e.Put(standby.ID, "status", "fine")
	e.Lose(e.Location)

	if _, err := e.buckets.Get(e.ctx, gone.ID.Native); cloud.CodeOf(err) != cloud.CodeUnavailable {
		t.Errorf("a bucket that cannot be reached is %v", err)
	}
	// A list that says nothing of what it could not see would have it deleted.
	if found, err := e.buckets.List(e.ctx, cloud.Filter{Deployment: "conformance"}); err == nil && len(found) != 2 {
		t.Errorf("without a word, %d buckets are listed", len(found))
	}

	e.buckets = openBuckets(t, e.Connect(e.Location))
	if found, err := e.buckets.List(e.ctx, cloud.Filter{Deployment: "conformance"}); err != nil || !slices.ContainsFunc(found, func(b cloud.Bucket) bool { return b.ID == standby.ID }) {
		t.Errorf("after it was declared lost: %v, %v", found, err)
	}
	e.check(t, "the other one", kept, e.get(t, standby.ID.Native))
	kept.Labels = map[string]string{"suite": "after"}
	if _, err := e.buckets.Update(e.ctx, e.get(t, standby.ID.Native), kept); err != nil {
		t.Errorf("change the other one: %v", err)
	}
	reader, err := e.buckets.Open(standby.ID)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := reader.ReadObject(e.ctx, "status", 100); err != nil || string(content) != "fine" {
		t.Errorf("read %q, %v", content, err)
	}
	lost, err := e.buckets.Open(gone.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = lost.ListObjects(e.ctx, "", "")
	wantCode(t, err, cloud.CodeUnavailable)
	more := kept
	more.Name = "another"
	e.create(t, more)
}

func bucketCancelled(t *testing.T, e *bucketEnv) {
	made := e.create(t, e.spec("there"))
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	reader, err := e.buckets.Open(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]func() error{
		"create": func() error {
			_, err := e.buckets.Create(ctx, e.spec("never"), func(cloud.Bucket) { t.Error("made after the end") })
			return err
		},
		"read":         func() error { _, err := e.buckets.Get(ctx, made.ID.Native); return err },
		"list":         func() error { _, err := e.buckets.List(ctx, cloud.Filter{}); return err },
		"delete":       func() error { return e.buckets.Delete(ctx, made.ID.Native) },
		"empty":        func() error { return e.buckets.Empty(ctx, made.ID.Native) },
		"list objects": func() error { _, _, err := reader.ListObjects(ctx, "", ""); return err },
		"read object":  func() error { _, err := reader.ReadObject(ctx, "x", 10); return err },
	} {
		if err := try(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := e.owned(t, cloud.Filter{}); join(got) != "there" {
		t.Errorf("there are %v", got)
	}
}
