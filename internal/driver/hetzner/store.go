package hetzner

import (
	"context"
	"errors"
	"fmt"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// noun is what differs between the sorts of objects: S is the spec, H the
// SDK's object, T the neutral one. Errors are the SDK's, through answered;
// the store makes cloud.Errors of them.
type noun[S, H, T any] interface {
	kind() cloud.Kind
	// specMeta and object take apart what the store need not know in full.
	specMeta(S) cloud.Meta
	object(T) (cloud.Object, cloud.Meta)
	// observe translates what the API says of an object.
	observe(H) T
	// at gives the object's id the location by which the caller knows it.
	at(T, cloud.Location) T
	// create sends the one write that makes the object. The result is what
	// is known of it once the actions have ended.
	create(ctx context.Context, spec S) (T, []*hcloud.Action, error)
	// read answers nil and false for an object that does not exist.
	read(ctx context.Context, id int64) (H, bool, error)
	// page reads one page of a list; name selects by the vendor-side name.
	page(ctx context.Context, options hcloud.ListOpts, name string) ([]H, *hcloud.Response, error)
	// running lists the actions that are at work on the object.
	running(ctx context.Context, id int64) ([]*hcloud.Action, error)
	// adoptable tells why an object with the right key cannot become what
	// the spec wants.
	adoptable(have H, spec S) error
	// quiet tells that the vendor seems not to be at work on the object. A
	// wrong yes costs requests, no more: steps that collide are planned anew.
	quiet(have H) bool
	// healthy tells whether an object is in order although an action of its
	// creation failed.
	healthy(have T, spec S) bool
	// rivals lists what keeps the spec's object from being made.
	rivals(ctx context.Context, spec S) ([]H, error)
	// plan gives the steps from what was observed to what is wanted.
	plan(current T, want S) ([]step, error)
	// merge gives what is known of an object when the plan has been carried
	// out.
	merge(current T, want S) T
	// remove deletes the object.
	remove(ctx context.Context, id int64) error
}

// step is one change of an object, usually one request. Steps are values, so
// that plans can be compared.
type step interface {
	// run makes the change; the actions it returns are waited for.
	run(ctx context.Context, d *Driver, id int64) ([]*hcloud.Action, error)
	// String says what is done: "resize volume to 20 GB".
	String() string
}

// store implements cloud.Store over a noun: the order of writing, recording,
// waiting, adopting and changing is the same for all.
type store[S, H, T any] struct {
	d    *Driver
	noun noun[S, H, T]
}

func (s *store[S, H, T]) doing(verb string) string { return verb + " " + s.noun.kind().Noun() }

// fail completes an error with what the store knows.
func (s *store[S, H, T]) fail(err error, id, verb string) error {
	return fail(err, s.noun.kind(), id, s.doing(verb))
}

func (s *store[S, H, T]) nativeOf(object T) string {
	base, _ := s.noun.object(object)
	return base.ID.Native
}

func (s *store[S, H, T]) checkPlace(meta cloud.Meta) error {
	if meta.Location.Cloud == Name && meta.Location.Name != "" {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: s.noun.kind(), Doing: s.doing("place"), Field: "location",
		Message: fmt.Sprintf("%q is not a location of Hetzner Cloud", meta.Location)}
}

// Create implements cloud.Store.
func (s *store[S, H, T]) Create(ctx context.Context, spec S, saved func(T)) (T, error) {
	var (
		made    T
		actions []*hcloud.Action
	)
	if err := s.checkPlace(s.noun.specMeta(spec)); err != nil {
		return made, err
	}
	err := s.d.whileBusy(ctx, func() error {
		var err error
		made, actions, err = s.noun.create(ctx, spec)
		return err
	})
	if err != nil {
		return s.recover(ctx, spec, saved, s.fail(err, "", "create"))
	}
	saved(made)
	if made, err = s.await(ctx, made, spec, actions); err != nil {
		return s.inspect(ctx, made, spec, s.fail(err, s.nativeOf(made), "create"))
	}
	// Whatever could not be said inline is the difference that is left.
	return s.finish(ctx, made, spec, "create")
}

// awaiter is a noun that knows a cheaper way to wait for what it made than to
// ask about every action. It returns what was seen meanwhile.
type awaiter[S, T any] interface {
	await(ctx context.Context, made T, spec S, actions []*hcloud.Action) (T, error)
}

func (s *store[S, H, T]) await(ctx context.Context, made T, spec S, actions []*hcloud.Action) (T, error) {
	if noun, ok := s.noun.(awaiter[S, T]); ok {
		return noun.await(ctx, made, spec, actions)
	}
	return made, s.d.wait(ctx, actions)
}

// Get implements cloud.Store.
func (s *store[S, H, T]) Get(ctx context.Context, text string) (T, error) {
	var none T
	id, err := parseNative(text, s.noun.kind(), "id")
	if err != nil {
		return none, err
	}
	have, exists, err := s.noun.read(ctx, id)
	if err != nil {
		return none, s.fail(err, text, "read")
	}
	if !exists {
		return none, &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name, Kind: s.noun.kind(), ID: text, Doing: s.doing("read"), Message: "it does not exist"}
	}
	return s.noun.observe(have), nil
}

func (s *store[S, H, T]) find(ctx context.Context, filter cloud.Filter) ([]H, error) {
	labels := selector(filter)
	found, err := pages(ctx, func(ctx context.Context, options hcloud.ListOpts) ([]H, *hcloud.Response, error) {
		options.LabelSelector = labels
		return s.noun.page(ctx, options, "")
	})
	if err != nil {
		return nil, fail(err, s.noun.kind(), "", "list "+s.noun.kind().Noun()+"s")
	}
	return found, nil
}

// List implements cloud.Store.
func (s *store[S, H, T]) List(ctx context.Context, filter cloud.Filter) ([]T, error) {
	found, err := s.find(ctx, filter)
	if err != nil {
		return nil, err
	}
	objects := make([]T, len(found))
	for i, have := range found {
		objects[i] = s.noun.observe(have)
	}
	return objects, nil
}

// Update implements cloud.Store.
func (s *store[S, H, T]) Update(ctx context.Context, current T, want S) (T, error) {
	if err := s.checkPlace(s.noun.specMeta(want)); err != nil {
		return current, err
	}
	return s.bring(ctx, current, want, "update")
}

// maxPlans bounds how often bring looks at the object again: once after a
// surprise, once more after a change that the vendor itself may follow up.
const maxPlans = 3

// bring carries out the plan. When a step fails because the object is not as
// it was thought to be (an earlier, lost attempt of the same step included),
// it looks again and makes a new plan.
func (s *store[S, H, T]) bring(ctx context.Context, current T, want S, verb string) (T, error) {
	id, err := parseNative(s.nativeOf(current), s.noun.kind(), "id")
	if err != nil {
		return current, err
	}
	var previous error
	for attempt := 1; ; attempt++ {
		steps, err := s.noun.plan(current, want)
		if err != nil {
			return current, s.fail(err, native(id), verb)
		}
		again, err := s.carryOut(ctx, id, steps)
		if err != nil && (previous != nil || ctx.Err() != nil || !surprising(err)) {
			return current, err
		}
		if err == nil && (!again || attempt == maxPlans) {
			return s.noun.merge(current, want), nil
		}
		look := s.read
		if previous = err; err != nil {
			look = s.look
		}
		if current, err = look(ctx, current); err != nil {
			return current, errors.Join(previous, s.fail(err, native(id), verb))
		}
	}
}

// carryOut runs the steps; again tells that the object must be looked at
// before its state is known.
func (s *store[S, H, T]) carryOut(ctx context.Context, id int64, steps []step) (again bool, err error) {
	for _, step := range steps {
		var actions []*hcloud.Action
		err := s.d.whileBusy(ctx, func() error {
			var err error
			actions, err = step.run(ctx, s.d, id)
			return err
		})
		if err == nil {
			err = s.d.wait(ctx, actions)
		}
		if err != nil {
			return false, fail(err, s.noun.kind(), native(id), step.String())
		}
		if follow, ok := step.(interface{ lookAfterwards() bool }); ok && follow.lookAfterwards() {
			again = true
		}
	}
	return again, nil
}

// surprising tells whether an error may come from an object that is not as it
// was thought to be.
func surprising(err error) bool {
	return cloud.HasCode(err, cloud.CodeConflict, cloud.CodeNotFound, cloud.CodeInvalid, cloud.CodeUnavailable, cloud.CodeOperationFailed, cloud.CodeUnknown)
}

// Delete implements cloud.Store.
func (s *store[S, H, T]) Delete(ctx context.Context, text string) error {
	id, err := parseNative(text, s.noun.kind(), "id")
	if err != nil {
		return err
	}
	err = s.noun.remove(ctx, id)
	if failed := s.fail(err, text, "delete"); err != nil && !cloud.IsNotFound(failed) {
		return failed
	}
	return nil
}
