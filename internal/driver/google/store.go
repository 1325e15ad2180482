package google

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// noun is what differs between the sorts of objects: S is the spec, H what the
// vendor says of an object, T the neutral form. Errors are the SDK's; the
// store makes cloud.Errors of them.
type noun[S, H, T any] interface {
	kind() cloud.Kind
	// specMeta and object take apart what the store need not know in full.
	specMeta(S) cloud.Meta
	object(T) (cloud.Object, cloud.Meta)
	// observe translates what the API says of an object.
	observe(H) T
	// at gives the object's id the location by which the caller knows it.
	at(T, cloud.Location) T
	// create sends the writes that make the object, each through Driver.write,
	// and waits for none that the last one does not need. The result is what
	// is known of it once the operations have ended. A result with an id
	// beside an error tells that the object exists in part.
	create(ctx context.Context, spec S) (T, []cloud.Operation, error)
	// read answers false for an object that does not exist. The location is
	// empty where the caller knows the native id only.
	read(ctx context.Context, id cloud.ID) (H, bool, error)
	// list reads what the filter selects, and may answer more than that.
	list(ctx context.Context, filter cloud.Filter) ([]H, error)
	// adoptable tells why an object with the right key cannot become what
	// the spec wants.
	adoptable(have H, spec S) error
	// healthy tells whether an object is in order although an operation of
	// its creation failed.
	healthy(have T, spec S) bool
	// plan gives the steps from what was observed to what is wanted.
	plan(current T, want S) ([]step, error)
	// merge gives what is known of an object when the plan has been carried
	// out.
	merge(current T, want S) T
	// remove deletes the object and waits. One that does not exist is a
	// success, or a not-found error.
	remove(ctx context.Context, native string) error
}

// step is one change of an object. Steps are values, so that plans can be
// compared.
type step interface {
	// run makes the change; the operations it returns are waited for.
	run(ctx context.Context, d *Driver, id cloud.ID) ([]cloud.Operation, error)
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
	return s.d.fail(err, s.noun.kind(), id, s.doing(verb))
}

func (s *store[S, H, T]) idOf(object T) cloud.ID {
	base, _ := s.noun.object(object)
	return base.ID
}

func (s *store[S, H, T]) nativeOf(object T) string { return s.idOf(object).Native }

func (s *store[S, H, T]) checkPlace(meta cloud.Meta) error {
	if meta.Location.Cloud == Name && meta.Location.Name != "" {
		return nil
	}
	return &cloud.Error{Code: cloud.CodeInvalid, Cloud: Name, Kind: s.noun.kind(), Doing: s.doing("place"), Field: "location",
		Message: fmt.Sprintf("%q is not a location of Google Cloud", meta.Location)}
}

// Create implements cloud.Store.
func (s *store[S, H, T]) Create(ctx context.Context, spec S, saved func(T)) (T, error) {
	var none T
	if err := s.checkPlace(s.noun.specMeta(spec)); err != nil {
		return none, err
	}
	if err := ctx.Err(); err != nil {
		return none, s.fail(err, "", "create")
	}
	made, operations, err := s.noun.create(ctx, spec)
	if err != nil {
		failed := s.fail(err, "", "create")
		if s.nativeOf(made) == "" {
			return s.recover(ctx, spec, saved, failed)
		}
		saved(made)
		return s.inspect(ctx, made, spec, failed)
	}
	saved(made)
	if err := s.d.wait(ctx, operations); err != nil {
		return s.inspect(ctx, made, spec, s.fail(err, s.nativeOf(made), "create"))
	}
	// Whatever could not be said inline is the difference that is left.
	return s.finish(ctx, made, spec, "create")
}

// Get implements cloud.Store.
func (s *store[S, H, T]) Get(ctx context.Context, native string) (T, error) {
	return s.get(ctx, cloud.ID{Native: native})
}

func (s *store[S, H, T]) get(ctx context.Context, id cloud.ID) (T, error) {
	var none T
	if err := checkNative(id.Native, s.noun.kind()); err != nil {
		return none, err
	}
	have, exists, err := s.noun.read(ctx, id)
	if err != nil && !isNotFound(err) {
		return none, s.fail(err, id.Native, "read")
	}
	if err != nil || !exists {
		return none, &cloud.Error{Code: cloud.CodeNotFound, Cloud: Name, Kind: s.noun.kind(), ID: id.Native, Doing: s.doing("read"), Message: "it does not exist"}
	}
	return s.noun.observe(have), nil
}

// List implements cloud.Store.
func (s *store[S, H, T]) List(ctx context.Context, filter cloud.Filter) ([]T, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fail(err, "", "list")
	}
	found, err := s.noun.list(ctx, filter)
	if err != nil {
		return nil, s.d.fail(err, s.noun.kind(), "", "list "+s.noun.kind().Noun()+"s")
	}
	var objects []T
	for _, have := range found {
		object := s.noun.observe(have)
		_, meta := s.noun.object(object)
		if matches(filter, labelsOf(s.noun.kind(), meta)) {
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// Update implements cloud.Store.
func (s *store[S, H, T]) Update(ctx context.Context, current T, want S) (T, error) {
	if err := s.checkPlace(s.noun.specMeta(want)); err != nil {
		return current, err
	}
	// The caller may know the object by its id alone.
	return s.bring(ctx, s.noun.at(current, s.noun.specMeta(want).Location), want, "update")
}

// maxPlans bounds how often bring looks at the object again.
const maxPlans = 3

// bring carries out the plan. When a step fails because the object is not as
// it was thought to be (an earlier, lost attempt of the same step included),
// it looks again and makes a new plan. The same step is not surprised twice;
// another may be, since a quicker run of the same configuration is ahead at
// every step.
func (s *store[S, H, T]) bring(ctx context.Context, current T, want S, verb string) (T, error) {
	id := s.idOf(current)
	if err := checkNative(id.Native, s.noun.kind()); err != nil {
		return current, err
	}
	var previous error
	for attempt := 1; ; attempt++ {
		steps, err := s.noun.plan(current, want)
		if err != nil {
			return current, s.fail(err, id.Native, verb)
		}
		again, err := s.carryOut(ctx, id, steps)
		if err != nil && (attempt > maxPlans || sameStep(previous, err) || ctx.Err() != nil || !surprising(err)) {
			return current, err
		}
		if err == nil && (!again || attempt >= maxPlans) {
			return s.noun.merge(current, want), nil
		}
		look := s.read
		if previous = err; err != nil {
			look = s.look
		}
		if current, err = look(ctx, current); err != nil {
			failed := s.fail(err, id.Native, verb)
			if previous != nil && !cloud.IsNotFound(failed) {
				failed = errors.Join(previous, failed)
			}
			return current, failed
		}
	}
}

// carryOut runs the steps; again tells that the object must be looked at
// before its state is known.
func (s *store[S, H, T]) carryOut(ctx context.Context, id cloud.ID, steps []step) (again bool, err error) {
	for _, step := range steps {
		operations, err := step.run(ctx, s.d, id)
		if err == nil {
			err = s.d.wait(ctx, operations)
		}
		if err != nil {
			return false, s.d.fail(err, s.noun.kind(), id.Native, step.String())
		}
		if follow, ok := step.(interface{ lookAfterwards() bool }); ok && follow.lookAfterwards() {
			again = true
		}
	}
	return again, nil
}

// sameStep tells whether two errors are of one step; nil is of none.
func sameStep(previous, err error) bool {
	var before, now *cloud.Error
	return previous != nil && (!errors.As(previous, &before) || !errors.As(err, &now) || before.Doing == now.Doing)
}

// surprising tells whether an error may come from an object that is not as it
// was thought to be.
func surprising(err error) bool {
	var waited waitedFor
	return !errors.As(err, &waited) && cloud.HasCode(err, cloud.CodeConflict, cloud.CodeNotFound, cloud.CodeNameTaken, cloud.CodeInvalid, cloud.CodeInUse,
		cloud.CodeUnavailable, cloud.CodeOperationFailed, cloud.CodeUnknown)
}

// Delete implements cloud.Store.
func (s *store[S, H, T]) Delete(ctx context.Context, native string) error {
	if err := ctx.Err(); err != nil {
		return s.fail(err, native, "delete")
	}
	if err := checkNative(native, s.noun.kind()); err != nil {
		return err
	}
	err := s.noun.remove(ctx, native)
	if failed := s.fail(err, native, "delete"); err != nil && !cloud.IsNotFound(failed) {
		return failed
	}
	return nil
}
