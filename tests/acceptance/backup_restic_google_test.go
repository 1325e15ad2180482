package acceptance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

const usCentral = "google/us-central1-a"

// TestLockedAgainstItsOwner: with lock_retention, the project's owner cannot
// destroy or change a backup, nor take the retention away, in any of three ways
// (restic, the vendor's library, HTTP by hand), before its time (BAK-6); and
// can afterwards.
func TestLockedAgainstItsOwner(t *testing.T) {
	c := newCellar(t, time.Time{})
	config := c.config(bucket(usCentral, "immutable_days = 93\n lock_retention = true"))
	var id string
	var h hoard
	var begun time.Time
	c.test(t,
		resource.TestStep{Config: config, Check: resource.ComposeAggregateTestCheckFunc(idInto(&id),
			resource.TestCheckResourceAttr(bucketName, "lock_retention", "true"))},
		resource.TestStep{
			PreConfig: func() {
				h, begun = c.repository(t, id, "acme").bury(t), c.Clock().Now()
				h.robbed(t)
				h.attackedByLibrary(t, "forbidden")
				h.attackedByJSON(t, http.StatusForbidden)
				h.outlivesRules(t)
			},
			Config:           config,
			ConfigPlanChecks: updatesOf(bucketName),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(bucketName, "protections.versioned", "true"),
				resource.TestCheckResourceAttr(bucketName, "protections.retention", "true"),
				resource.TestCheckResourceAttr(bucketName, "protections.lifecycle", "true")),
		},
		resource.TestStep{
			PreConfig: func() {
				h.restores(t, "after every attempt")
				remove := func() error { return h.generation(h.held[0]).Delete(context.Background()) }
				c.Clock().Advance(begun.Add(93*aDay - time.Hour).Sub(c.Clock().Now()))
				h.refused(t, "an hour before its time", remove(), "retentionPolicyNotMet")
				c.Clock().Advance(2 * time.Hour)
				if err := remove(); err != nil {
					t.Errorf("past its time: %v", err)
				}
				c.Clock().Advance(94 * aDay) // what was revived is as old now
				h.clear(t)
			},
			Config: c.config(""),
		},
	)
}

// TestUnlockedAgainstItsOwner: without lock_retention the same attempts fail,
// with one exception, which lock_retention's description names: the owner can
// take the retention away, and then delete. What was deleted can be restored
// for the days of soft deletion; the next plan shows it and puts it right.
func TestUnlockedAgainstItsOwner(t *testing.T) {
	c := newCellar(t, time.Time{})
	config := c.config(bucket(usCentral, "immutable_days = 93"))
	var id string
	var h hoard
	remove := func() error { return h.generation(h.one()).Delete(context.Background()) }
	c.test(t,
		resource.TestStep{Config: config, Check: resource.ComposeAggregateTestCheckFunc(idInto(&id),
			resource.TestCheckResourceAttr(bucketName, "lock_retention", "false"),
			resource.TestCheckResourceAttr(bucketName, "soft_delete_days", "7"))},
		resource.TestStep{
			PreConfig: func() {
				h = c.repository(t, id, "acme").bury(t)
				h.robbed(t)
				h.refused(t, "delete a generation", remove(), "retentionPolicyNotMet")
				// The last of these takes the policy away, and the owner may.
				h.attackedByLibrary(t)
				h.attackedByJSON(t, http.StatusOK)
				if err := remove(); err != nil {
					t.Errorf("without the policy the owner cannot delete: %v", err)
				}
				if _, err := h.generation(h.one()).Attrs(context.Background()); !errors.Is(err, storage.ErrObjectNotExist) {
					t.Errorf("what was deleted is there: %v", err)
				}
				// In time, the vendor gives it back, as a new generation.
				back, err := h.generation(h.one()).Restore(context.Background(), &storage.RestoreOptions{})
				if err != nil {
					t.Fatalf("what was deleted cannot be restored: %v", err)
				}
				h.restored(t, h.one(), back)
			},
			Config:           config,
			ConfigPlanChecks: updatesOf(bucketName),
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(bucketName, "immutable_days", "93"),
				resource.TestCheckResourceAttr(bucketName, "protections.versioned", "true"),
				resource.TestCheckResourceAttr(bucketName, "protections.retention", "true")),
		},
		resource.TestStep{
			PreConfig: func() {
				h.refused(t, "delete a generation after the repair", remove(), "retentionPolicyNotMet")
				h.restores(t, "after every attempt")
				c.Clock().Advance(94 * aDay)
				h.clear(t)
			},
			Config: c.config(""),
		},
	)
}

// restored goes on with the generation that the vendor made of a deleted one.
func (h hoard) restored(t *testing.T, deleted version, back *storage.ObjectAttrs) {
	t.Helper()
	for i, v := range h.held {
		if v == deleted {
			v.id = fmt.Sprint(back.Generation)
			h.held[i], h.contents[v] = v, h.contents[deleted]
		}
	}
	h.intact(t, "restored")
}

// attackedByLibrary is what cloud.google.com/go/storage can do; policy is the
// answer to changes of the retention policy, none if they are made.
func (h hoard) attackedByLibrary(t *testing.T, policy ...string) {
	t.Helper()
	ctx, handle, v := context.Background(), h.c.gcs.Bucket(h.id.Native), h.one()
	object := handle.Object(v.key)
	change := func(update storage.BucketAttrsToUpdate) error {
		_, err := handle.Update(ctx, update)
		return err
	}
	overwrite := func() error {
		w := object.Retryer(storage.WithPolicy(storage.RetryNever)).NewWriter(ctx)
		_, err := io.WriteString(w, "nothing")
		return errors.Join(err, w.Close())
	}
	h.refused(t, "delete a generation", h.generation(v).Delete(ctx), "retentionPolicyNotMet")
	h.refused(t, "delete the bucket", handle.Delete(ctx), "conflict")
	_, err := h.generation(v).Update(ctx, storage.ObjectAttrsToUpdate{EventBasedHold: false, TemporaryHold: false})
	h.refused(t, "lift holds that there are not", err)

	// With versioning a newer generation, or none, takes its place.
	h.refused(t, "overwrite", overwrite())
	h.refused(t, "delete", object.Delete(ctx))
	h.revive(t, v)
	h.refused(t, "switch versioning off", change(storage.BucketAttrsToUpdate{VersioningEnabled: false}))
	h.refused(t, "overwrite without versioning", overwrite(), "retentionPolicyNotMet")
	h.refused(t, "delete without versioning", object.Delete(ctx), "retentionPolicyNotMet")
	h.refused(t, "delete a generation without versioning", h.generation(v).Delete(ctx), "retentionPolicyNotMet")

	h.refused(t, "shorten the retention", change(storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 92 * aDay}}), policy...)
	h.refused(t, "delete a generation under a shorter retention", h.generation(v).Delete(ctx), "retentionPolicyNotMet")
	h.refused(t, "remove the retention", change(storage.BucketAttrsToUpdate{RetentionPolicy: &storage.RetentionPolicy{}}), policy...)
}

// attackedByJSON sends the JSON API's requests by hand; policy is the status of
// changes of the retention policy.
func (h hoard) attackedByJSON(t *testing.T, policy int) {
	t.Helper()
	v := h.one()
	at := h.c.StorageEndpoint() + "b/" + h.id.Native
	object := at + "/o/" + url.PathEscape(v.key)
	upload := strings.Replace(at, "/storage/v1/", "/upload/storage/v1/", 1) + "/o?uploadType=media&name=" + url.QueryEscape(v.key)
	kept := http.StatusForbidden
	if policy == http.StatusOK { // the policy is gone, see attackedByLibrary
		kept = 0
	}
	for _, one := range []struct {
		how, method, target, body string
		status                    int
		says                      string
	}{
		{"shorten the retention", http.MethodPatch, at, `{"retentionPolicy":{"retentionPeriod":"86400"}}`, policy, ""},
		{"remove the retention", http.MethodPatch, at, `{"retentionPolicy":null}`, policy, ""},
		{"delete the bucket", http.MethodDelete, at, "", http.StatusConflict, "not empty"},
		{"delete a generation", http.MethodDelete, object + "?generation=" + v.id, "", kept, "retentionPolicyNotMet"},
		{"delete it if it is the one", http.MethodDelete, object + "?generation=" + v.id + "&ifGenerationMatch=" + v.id, "", kept, "retentionPolicyNotMet"},
		{"overwrite without versioning", http.MethodPost, upload, "nothing", kept, "retentionPolicyNotMet"},
		{"overwrite by a copy", http.MethodPost, at + "/o/" + url.PathEscape(h.held[0].key) + "/copyTo/b/" + h.id.Native + "/o/" + url.PathEscape(v.key), "{}", kept, "retentionPolicyNotMet"},
		{"rewrite the bucket without a retention", http.MethodPut, at, `{"name":"` + h.id.Native + `"}`, kept, ""},
	} {
		if one.status == 0 {
			continue
		}
		r, err := http.NewRequestWithContext(context.Background(), one.method, one.target, strings.NewReader(one.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != one.status || !strings.Contains(string(text), one.says) {
			t.Errorf("%s: %d %s %v, want %d %s", one.how, response.StatusCode, text, err, one.status, one.says)
		}
		h.intact(t, one.how)
	}
}

// outlivesRules lets the vendor itself delete everything after a day.
func (h hoard) outlivesRules(t *testing.T) {
	t.Helper()
	rule := storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.DeleteAction}, Condition: storage.LifecycleCondition{AgeInDays: 1}}
	if _, err := h.c.gcs.Bucket(h.id.Native).Update(context.Background(), storage.BucketAttrsToUpdate{Lifecycle: &storage.Lifecycle{Rules: []storage.LifecycleRule{rule}}}); err != nil {
		t.Fatal(err)
	}
	h.c.Clock().Advance(4 * aDay)
	h.intact(t, "a lifecycle of one day")
}
