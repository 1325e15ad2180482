package cloudtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// BucketHarness gives the suite of buckets clouds to play with.
type BucketHarness struct {
	// New opens an account that holds no bucket. The suite asks for one for
	// each test and closes none: use t.Cleanup.
	New func(t *testing.T) BucketAccount
}

// BucketAccount is an account at a cloud that has buckets.
type BucketAccount struct {
	// Connect makes a driver of its own, as each run of the program does, with
	// these locations declared lost.
	Connect func(lost ...cloud.Location) cloud.BucketDriver
	// Location is where the suite works; Standby is another one, of which the
	// store does not share the first one's fate.
	Location, Standby cloud.Location
	// Put writes an object with the account's own credentials.
	Put func(id cloud.ID, key, content string)
	// Destroy tries to destroy every version of an object with the account's
	// own credentials, and gives the store's refusal.
	Destroy func(id cloud.ID, key string) error
	// Break turns a guard off with the account's own credentials. It gives
	// ErrCannotBreak where the vendor has no way to.
	Break func(id cloud.ID, guard cloud.BucketGuard) error
	// Stranger makes a bucket of this account that no deployment owns, with an
	// object in it; Foreign one of another customer.
	Stranger, Foreign func(name string)
	// LoseAnswer lets the next request that makes a bucket take effect without
	// an answer.
	LoseAnswer func()
	// Lose makes the store of a location unreachable.
	Lose func(cloud.Location)
	// Advance moves the cloud's clock.
	Advance func(time.Duration)
	// Guests are the vendor's.
	Guests BucketGuests
	// BecomesImmutable tells that a bucket that was not immutable can become so.
	BecomesImmutable bool
}

// ErrCannotBreak is given by BucketAccount.Break.
var ErrCannotBreak = errors.New("the vendor has no way to turn this guard off")

// bucketEnv is an account with its driver's buckets.
type bucketEnv struct {
	BucketAccount
	buckets cloud.Buckets
	ctx     context.Context
}

// RunBuckets tries everything that package cloud promises of buckets.
func RunBuckets(t *testing.T, h BucketHarness) {
	for name, test := range map[string]func(*testing.T, *bucketEnv){
		"life":                       bucketLife,
		"create twice":               bucketTwice,
		"lost answer":                bucketLostAnswer,
		"name taken":                 bucketNameTaken,
		"name of another deployment": bucketOfAnother,
		"guards":                     bucketGuards,
		"immutable":                  bucketImmutable,
		"locked":                     bucketLocked,
		"retention grows":            bucketGrows,
		"empty":                      bucketEmpty,
		"reader":                     bucketReader,
		"lost location":              bucketLostLocation,
		"cancelled":                  bucketCancelled,
		"guests":                     bucketGuests,
		"guests refused":             bucketGuestsRefused,
	} {
		t.Run("bucket/"+name, func(t *testing.T) {
			account := h.New(t)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			t.Cleanup(cancel)
			test(t, &bucketEnv{BucketAccount: account, buckets: openBuckets(t, account.Connect()), ctx: cloud.WithPriority(ctx, cloud.PriorityPaid)})
		})
	}
}

func openBuckets(t *testing.T, driver cloud.BucketDriver) cloud.Buckets {
	t.Helper()
	buckets, err := driver.Buckets()
	if err != nil {
		t.Fatal(err)
	}
	return buckets
}

func (e *bucketEnv) spec(name string) cloud.BucketSpec {
	return cloud.BucketSpec{OldVersionDays: 30, Meta: cloud.Meta{Name: name, Location: e.Location, Deployment: "conformance",
		Labels: map[string]string{"suite": "cloudtest"}}}
}

func (e *bucketEnv) create(t *testing.T, spec cloud.BucketSpec) cloud.Bucket {
	t.Helper()
	var saved []cloud.Bucket
	made, err := e.buckets.Create(e.ctx, spec, func(b cloud.Bucket) { saved = append(saved, b) })
	if err != nil {
		t.Fatalf("create %s: %v", spec.Name, err)
	}
	if len(saved) == 0 || saved[0].ID != made.ID || made.ID.Location != spec.Location || made.ID.Native == "" {
		t.Fatalf("the id is %s, handed over were %d, of %s", made.ID, len(saved), spec.Location)
	}
	e.check(t, "what the create returned", spec, made)
	return made
}

func (e *bucketEnv) get(t *testing.T, native string) cloud.Bucket {
	t.Helper()
	have, err := e.buckets.Get(e.ctx, native)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return have
}

// check compares a bucket with its spec; a retention may be locked without
// being asked to.
func (e *bucketEnv) check(t *testing.T, when string, want cloud.BucketSpec, got cloud.Bucket) {
	t.Helper()
	have := got.BucketSpec
	if !want.LockRetention {
		have.LockRetention = false
	}
	if diff := cmp.Diff(want, have, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	if len(got.Broken) != 0 {
		t.Errorf("%s: broken are %v", when, got.Broken)
	}
}

func (e *bucketEnv) owned(t *testing.T, filter cloud.Filter) []string {
	t.Helper()
	found, err := e.buckets.List(e.ctx, filter)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	names := make([]string, len(found))
	for i, b := range found {
		names[i] = b.Name
	}
	slices.Sort(names)
	return names
}

func bucketLife(t *testing.T, e *bucketEnv) {
	spec := e.spec("life")
	made := e.create(t, spec)
	e.create(t, e.spec("other"))
	have := e.get(t, made.ID.Native)
	e.check(t, "what is read", spec, have)
	if have.ID != made.ID || have.NativeName != made.ID.Native {
		t.Errorf("read as %s, named %s, made as %s", have.ID, have.NativeName, made.ID)
	}
	for want, filter := range map[string]cloud.Filter{
		"life,other": {Deployment: "conformance"},
		"life":       {Deployment: "conformance", Keys: []string{cloud.KeyOf(cloud.KindBucket, spec.Meta, false)}},
		"":           {Deployment: "another"},
	} {
		if got := e.owned(t, filter); join(got) != want {
			t.Errorf("%+v selects %v, want %s", filter, got, want)
		}
	}
	if got := e.owned(t, cloud.Filter{Labels: map[string]string{"suite": "cloudtest"}}); join(got) != "life,other" {
		t.Errorf("the label selects %v", got)
	}

	spec.Labels, spec.OldVersionDays = map[string]string{"suite": "changed", "more": "1"}, 45
	updated, err := e.buckets.Update(e.ctx, have, spec)
	if err != nil {
		t.Fatal(err)
	}
	e.check(t, "what the update returned", spec, updated)
	e.check(t, "what is read after it", spec, e.get(t, made.ID.Native))
	spec.OldVersionDays = 0
	if _, err := e.buckets.Update(e.ctx, updated, spec); err != nil {
		t.Fatal(err)
	}
	e.check(t, "old versions for ever", spec, e.get(t, made.ID.Native))

	for range 2 { // the second time there is nothing to delete
		if err := e.buckets.Delete(e.ctx, made.ID.Native); err != nil {
			t.Fatal(err)
		}
	}
	_, err = e.buckets.Get(e.ctx, made.ID.Native)
	wantCode(t, err, cloud.CodeNotFound)
	if got := e.owned(t, cloud.Filter{Deployment: "conformance"}); join(got) != "other" {
		t.Errorf("left are %v", got)
	}
}

func join(names []string) string { return strings.Join(names, ",") }

func bucketTwice(t *testing.T, e *bucketEnv) {
	spec := e.spec("twice")
	first := e.create(t, spec)
	e.Put(first.ID, "kept", "content")
	spec.Labels, spec.OldVersionDays = map[string]string{"suite": "second"}, 60
	e.buckets = openBuckets(t, e.Connect())
	second := e.create(t, spec)
	if second.ID != first.ID {
		t.Errorf("made %s and %s", first.ID, second.ID)
	}
	e.check(t, "what is read", spec, e.get(t, second.ID.Native))
	if err := e.buckets.Delete(e.ctx, second.ID.Native); cloud.CodeOf(err) != cloud.CodeInUse {
		t.Errorf("the object did not survive: %v", err)
	}
}

func bucketLostAnswer(t *testing.T, e *bucketEnv) {
	spec := e.spec("lost")
	spec.ImmutableDays, spec.OldVersionDays = 93, 0
	e.LoseAnswer()
	// Whether the driver finds it at once or the next run does is its business.
	if _, err := e.buckets.Create(e.ctx, spec, func(cloud.Bucket) {}); err != nil && !cloud.CodeOf(err).Temporary() {
		t.Fatalf("a lost answer is reported as %v", err)
	}
	e.buckets = openBuckets(t, e.Connect())
	made := e.create(t, spec)
	e.check(t, "what is read", spec, e.get(t, made.ID.Native))
	if got := e.owned(t, cloud.Filter{}); join(got) != "lost" {
		t.Errorf("there are %v", got)
	}
}

func bucketNameTaken(t *testing.T, e *bucketEnv) {
	for who, take := range map[string]func(string){"stranger": e.Stranger, "foreign": e.Foreign} {
		spec := e.spec("of-" + who)
		name := e.create(t, spec).ID.Native
		if err := e.buckets.Delete(e.ctx, name); err != nil {
			t.Fatal(err)
		}
		take(name)
		_, err := e.buckets.Create(e.ctx, spec, func(b cloud.Bucket) { t.Errorf("%s's bucket %s was taken", who, b.ID) })
		wantCode(t, err, cloud.CodeNameTaken)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Field != "name" || failed.Remedy == "" {
			t.Errorf("%s: %+v", who, failed)
		}
	}
	if got := e.owned(t, cloud.Filter{Deployment: "conformance"}); len(got) != 0 {
		t.Errorf("labelled as this deployment's: %v", got)
	}
}

// bucketOfAnother: two deployments can come to the same vendor-side name.
func bucketOfAnother(t *testing.T, e *bucketEnv) {
	theirs := e.spec("b-c")
	theirs.Deployment = "a"
	made := e.create(t, theirs)
	mine := e.spec("c")
	mine.Deployment = "a-b"
	_, err := e.buckets.Create(e.ctx, mine, func(b cloud.Bucket) { t.Errorf("%s was taken", b.ID) })
	wantCode(t, err, cloud.CodeNameTaken)
	e.check(t, "theirs, afterwards", theirs, e.get(t, made.ID.Native))
}

// bucketGuards turns off each guard that can be, of a bucket that is immutable
// and of one that is not.
func bucketGuards(t *testing.T, e *bucketEnv) {
	immutable := e.spec("guarded")
	immutable.ImmutableDays, immutable.OldVersionDays = 93, 100
	for _, spec := range []cloud.BucketSpec{immutable, e.spec("plain")} {
		made := e.create(t, spec)
		tried := 0
		for _, guard := range []cloud.BucketGuard{cloud.GuardPrivate, cloud.GuardVersioned, cloud.GuardEncrypted, cloud.GuardTLS, cloud.GuardRetention, cloud.GuardLifecycle} {
			err := e.Break(made.ID, guard)
			if errors.Is(err, ErrCannotBreak) {
				t.Logf("%s: %s cannot be broken here", spec.Name, guard)
				continue
			}
			if err != nil {
				t.Fatalf("%s: break %s: %v", spec.Name, guard, err)
			}
			tried++
			found := e.get(t, made.ID.Native)
			if !slices.Contains(found.Broken, guard) {
				t.Errorf("%s: %s is broken, found are %v", spec.Name, guard, found.Broken)
			}
			repaired, err := e.buckets.Update(e.ctx, found, spec)
			if err != nil {
				t.Fatalf("%s: repair %s: %v", spec.Name, guard, err)
			}
			e.check(t, "what the repair of "+string(guard)+" returned", spec, repaired)
			e.check(t, "what is read after the repair of "+string(guard), spec, e.get(t, made.ID.Native))
		}
		if tried < 3 {
			t.Errorf("%s: only %d guards were tried", spec.Name, tried)
		}
	}
}

const bucketDay = 24 * time.Hour

func bucketImmutable(t *testing.T, e *bucketEnv) {
	spec := e.spec("immutable")
	spec.ImmutableDays, spec.OldVersionDays = 93, 0
	made := e.create(t, spec)
	e.Put(made.ID, "tenant/snapshot", "precious")
	if err := e.Destroy(made.ID, "tenant/snapshot"); err == nil {
		t.Fatal("the account's own key destroyed an immutable object")
	}
	wantCode(t, e.buckets.Empty(e.ctx, made.ID.Native), cloud.CodeProtected)
	wantCode(t, e.buckets.Delete(e.ctx, made.ID.Native), cloud.CodeInUse)
	e.Advance(92 * bucketDay)
	wantCode(t, e.buckets.Empty(e.ctx, made.ID.Native), cloud.CodeProtected)
	e.Advance(2 * bucketDay)
	if err := e.buckets.Empty(e.ctx, made.ID.Native); err != nil {
		t.Fatalf("after its time: %v", err)
	}
	if err := e.buckets.Delete(e.ctx, made.ID.Native); err != nil {
		t.Fatalf("after its time: %v", err)
	}
}

func bucketLocked(t *testing.T, e *bucketEnv) {
	spec := e.spec("locked")
	spec.ImmutableDays, spec.OldVersionDays, spec.LockRetention = 93, 0, true
	made := e.create(t, spec)
	have := e.get(t, made.ID.Native)
	e.check(t, "what is read", spec, have)
	if !have.LockRetention {
		t.Error("it is not locked")
	}
	less := spec
	less.ImmutableDays = 31
	_, err := e.buckets.Update(e.ctx, have, less)
	wantCode(t, err, cloud.CodeUnsupported)
	spec.ImmutableDays = 120
	if _, err := e.buckets.Update(e.ctx, have, spec); err != nil {
		t.Fatalf("a locked retention can grow: %v", err)
	}
	e.check(t, "what is read after it grew", spec, e.get(t, made.ID.Native))
}

func bucketGrows(t *testing.T, e *bucketEnv) {
	spec := e.spec("growing")
	plain := e.create(t, spec)
	spec.ImmutableDays, spec.OldVersionDays = 93, 93
	updated, err := e.buckets.Update(e.ctx, plain, spec)
	if !e.BecomesImmutable {
		wantCode(t, err, cloud.CodeUnsupported)
		spec = e.spec("growing-immutable")
		spec.ImmutableDays, spec.OldVersionDays = 93, 93
		updated, err = e.create(t, spec), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	e.check(t, "immutable", spec, e.get(t, updated.ID.Native))
	spec.ImmutableDays, spec.OldVersionDays = 120, 120
	if updated, err = e.buckets.Update(e.ctx, updated, spec); err != nil {
		t.Fatal(err)
	}
	e.check(t, "longer", spec, e.get(t, updated.ID.Native))
	for _, days := range []int{119, 0} {
		spec.ImmutableDays = days
		_, err = e.buckets.Update(e.ctx, updated, spec)
		wantCode(t, err, cloud.CodeUnsupported)
	}
	spec.ImmutableDays, spec.OldVersionDays = 120, 119
	_, err = e.buckets.Update(e.ctx, updated, spec)
	wantCode(t, err, cloud.CodeInvalid)
}
