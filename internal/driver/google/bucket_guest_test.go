package google_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/iam"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestAGuestReachesItsOwnPrefixOnly(t *testing.T) {
	w := newStoreWorld(t)
	made := w.make(bucketSpec("guests"))
	name, ctx := made.ID.Native, t.Context()
	for _, object := range []string{"acme-eu/acme/index", "acme-eu/acme/restic/locks/1", "acme-eu/other/index", "acme-eu/acme2"} {
		w.must(w.put("owner", name, object, "before"))
	}
	guest := w.clients["guest"].Bucket(name)
	read := func(object string) error {
		body, err := guest.Object(object).NewReader(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			_ = body.Close()
		}
		return err
	}
	list := func(prefix string) error {
		_, err := guest.Objects(ctx, &storage.Query{Prefix: prefix}).Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		return err
	}
	if err := read("acme-eu/acme/index"); !denied(err) {
		t.Fatalf("without a binding: %v", err)
	}
	spec := bucketSpec("guests")
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: guestAccount, ClearsLocks: true}, {Tenant: "other", Principal: "other@acme-prod.iam.gserviceaccount.com"}}
	made, err := w.stores().Update(ctx, made, spec)
	w.must(err)
	for _, test := range []struct {
		what string
		may  bool
		do   func() error
	}{
		{"write its own", true, func() error { return w.put("guest", name, "acme-eu/acme/data/1", "new") }},
		{"read its own", true, func() error { return read("acme-eu/acme/index") }},
		{"list its own", true, func() error { return list("acme-eu/acme/") }},
		{"remove its lock", true, func() error { return guest.Object("acme-eu/acme/restic/locks/1").Delete(ctx) }},
		{"write its status", true, func() error { return w.put("guest", name, "acme-eu/acme/status/v1.json", "1") }},
		{"write its status again", true, func() error { return w.put("guest", name, "acme-eu/acme/status/v1.json", "2") }},
		{"overwrite its own", false, func() error { return w.put("guest", name, "acme-eu/acme/index", "other") }},
		{"write another's", false, func() error { return w.put("guest", name, "acme-eu/other/data/1", "new") }},
		{"write beside its own", false, func() error { return w.put("guest", name, "acme-eu/acme3", "new") }},
		{"read another's", false, func() error { return read("acme-eu/other/index") }},
		{"list another's", false, func() error { return list("acme-eu/other/") }},
		{"list all", false, func() error { return list("") }},
		{"remove its own", false, func() error { return guest.Object("acme-eu/acme/index").Delete(ctx) }},
		{"remove another's", false, func() error { return guest.Object("acme-eu/other/index").Delete(ctx) }},
		{"change the bucket", false, func() error {
			_, err := guest.Update(ctx, storage.BucketAttrsToUpdate{VersioningEnabled: false})
			return err
		}},
		{"delete the bucket", false, func() error { return guest.Delete(ctx) }},
	} {
		if err := test.do(); test.may && err != nil || !test.may && !denied(err) {
			t.Errorf("%s: %v", test.what, err)
		}
	}
	spec.Guests = spec.Guests[1:]
	_, err = w.stores().Update(ctx, made, spec)
	w.must(err)
	if err := read("acme-eu/acme/index"); !denied(err) {
		t.Errorf("when it is no guest: %v", err)
	}
}

func denied(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && api.Code == http.StatusForbidden
}

func TestAGuestWithoutLocksRemovesNothing(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("guests")
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: guestAccount}}
	made, lock := w.make(spec), "acme-eu/acme/restic/locks/1"
	w.must(w.put("guest", made.ID.Native, lock, "x"))
	if err := w.clients["guest"].Bucket(made.ID.Native).Object(lock).Delete(t.Context()); !denied(err) {
		t.Errorf("removed: %v", err)
	}
}

func TestHowManyGuestsFit(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("crowded")
	for i := range 40 {
		spec.Guests = append(spec.Guests, cloud.BucketGuest{Tenant: fmt.Sprintf("customer-%02d", i), Principal: fmt.Sprintf("c%02d@acme-prod.iam.gserviceaccount.com", i), ClearsLocks: true})
	}
	var failed *cloud.Error
	if err := w.stores().CheckGuests(spec); !errors.As(err, &failed) || !strings.Contains(failed.Remedy, "at most 33 guests") {
		t.Fatalf("40: %v", err)
	}
	spec.Guests = spec.Guests[:33]
	made := w.make(spec)
	if !slices.Equal(made.Guests, spec.Guests) || len(made.Broken) > 0 {
		t.Errorf("33: %+v", made)
	}
	// Somebody else's conditions take their room.
	w.editPolicy(made.ID.Native, func(policy *iam.Policy3) {
		condition := policy.Bindings[len(policy.Bindings)-1].Condition
		for i := range 2 {
			policy.Bindings = append(policy.Bindings, &iampb.Binding{Role: "roles/storage.objectViewer", Members: []string{fmt.Sprintf("user:a%d@example.com", i)}, Condition: condition})
			condition.Title = "theirs"
		}
	})
	spec.Guests = slices.Clone(spec.Guests)
	spec.Guests[0].ClearsLocks = false
	if _, err := w.stores().Update(t.Context(), made, spec); !errors.As(err, &failed) || failed.Field != "guests" || !strings.Contains(failed.Remedy, "at most 32 guests") {
		t.Errorf("no room is left: %v", err)
	}
}

// TestWhatWidensAGuestIsFound: each of these lets a guest do more than it should.
func TestWhatWidensAGuestIsFound(t *testing.T) {
	w := newStoreWorld(t)
	spec := bucketSpec("guests")
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: guestAccount}}
	made := w.make(spec)
	member, other := "serviceAccount:"+guestAccount, "user:auditor@example.com"
	last := func(policy *iam.Policy3, role string) *iampb.Binding {
		i := slices.IndexFunc(policy.Bindings, func(b *iampb.Binding) bool { return b.Condition != nil && b.Role == "roles/storage."+role })
		return policy.Bindings[i]
	}
	for what, edit := range map[string]func(*iam.Policy3){
		"the whole bucket, without a condition": func(p *iam.Policy3) {
			p.Bindings = append(p.Bindings, &iampb.Binding{Role: "roles/storage.objectAdmin", Members: []string{member}})
		},
		"among others": func(p *iam.Policy3) {
			p.Bindings = append(p.Bindings, &iampb.Binding{Role: "roles/storage.objectViewer", Members: []string{other, member}})
		},
		"a condition left out": func(p *iam.Policy3) { last(p, "objectViewer").Condition = nil },
		"a wider condition": func(p *iam.Policy3) {
			c := last(p, "objectUser").Condition
			c.Expression = strings.Replace(c.Expression, "acme/status/", "acme/", 1)
		},
		"a condition of another name": func(p *iam.Policy3) { last(p, "objectUser").Condition.Title = "theirs" },
		"another role":                func(p *iam.Policy3) { last(p, "objectCreator").Role = "roles/storage.objectAdmin" },
		"somebody with it":            func(p *iam.Policy3) { b := last(p, "objectViewer"); b.Members = append(b.Members, other) },
	} {
		w.editPolicy(made.ID.Native, edit)
		found, err := w.stores().Get(t.Context(), made.ID.Native)
		w.must(err)
		if slices.Equal(found.Guests, spec.Guests) && !slices.Contains(found.Broken, cloud.GuardGuests) {
			t.Errorf("%s: broken are %v", what, found.Broken)
		}
		found, err = w.stores().Update(t.Context(), found, spec)
		w.must(err)
		if !slices.Equal(found.Guests, spec.Guests) || len(found.Broken) > 0 {
			t.Errorf("%s: repaired it is %+v", what, found)
		}
		w.editPolicy(made.ID.Native, func(p *iam.Policy3) {
			for _, b := range p.Bindings {
				if mine := slices.Contains(b.Members, member); mine && (b.Condition == nil || len(b.Members) > 1 || !strings.HasPrefix(b.Condition.Title, "holdfast guest acme ")) {
					t.Errorf("%s: after the repair there is %v", what, b)
				}
			}
		})
	}
}

// TestGuestsAndOthersChangeAPolicyAtOnce: whoever comes second reads again.
func TestGuestsAndOthersChangeAPolicyAtOnce(t *testing.T) {
	w := newStoreWorld(t)
	stores, made := w.stores(), w.make(bucketSpec("raced"))
	handle := w.clients["owner"].Bucket(made.ID.Native).IAM().V3()
	var wait sync.WaitGroup
	for i := range 5 {
		wait.Go(func() { // another tool, as careful as this one
			for {
				policy, err := handle.Policy(t.Context())
				if err == nil {
					policy.Bindings = append(policy.Bindings, &iampb.Binding{Role: "roles/storage.objectViewer", Members: []string{fmt.Sprintf("user:u%d@example.com", i)}})
					err = handle.SetPolicy(t.Context(), policy)
				}
				var api *googleapi.Error
				if err == nil || !errors.As(err, &api) || api.Code != http.StatusPreconditionFailed {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	spec := bucketSpec("raced")
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: guestAccount}}
	wait.Go(func() {
		for {
			_, err := stores.Update(t.Context(), made, spec)
			if !cloud.HasCode(err, cloud.CodeConflict) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	})
	wait.Wait()
	have, err := stores.Get(t.Context(), made.ID.Native)
	if err != nil || !slices.Equal(have.Guests, spec.Guests) || len(have.Broken) > 0 {
		t.Errorf("the guests are %+v, broken %v, %v", have.Guests, have.Broken, err)
	}
	policy, err := handle.Policy(t.Context())
	w.must(err)
	for i := range 5 {
		if !slices.ContainsFunc(policy.Bindings, func(b *iampb.Binding) bool { return slices.Contains(b.Members, fmt.Sprintf("user:u%d@example.com", i)) }) {
			t.Errorf("u%d was lost", i)
		}
	}
}

func TestGuestsTakeTheseRequests(t *testing.T) {
	w := newStoreWorld(t)
	stores := w.stores()
	spec := bucketSpec("counted")
	spec.Guests = []cloud.BucketGuest{{Tenant: "acme", Principal: guestAccount}}
	var made cloud.Bucket
	w.spends("a create", map[string]int{"POST b": 1, "GET b/{bucket}": 1, "GET b/{bucket}/iam": 1, "PUT b/{bucket}/iam": 1}, func() (err error) {
		made, err = stores.Create(t.Context(), spec, func(cloud.Bucket) {})
		return err
	})
	w.spends("a read", map[string]int{"GET b/{bucket}": 1, "GET b/{bucket}/iam": 1}, func() (err error) {
		made, err = stores.Get(t.Context(), made.ID.Native)
		return err
	})
	spec.Labels = map[string]string{"team": "db"}
	w.spends("an update of something else", map[string]int{"GET b/{bucket}": 1, "PATCH b/{bucket}": 1, "GET b/{bucket}/iam": 1}, func() (err error) {
		made, err = stores.Update(t.Context(), made, spec)
		return err
	})
	spec.Guests = nil
	w.spends("the end of the last guest", map[string]int{"GET b/{bucket}": 2, "PATCH b/{bucket}": 1, "GET b/{bucket}/iam": 1, "PUT b/{bucket}/iam": 1}, func() (err error) {
		made, err = stores.Update(t.Context(), made, spec)
		return err
	})
}
