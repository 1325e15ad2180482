package hetzner

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

func (s *store[S, H, T]) doing(verb string) string { return verb + " " + kindName(s.noun.kind()) }

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
	return s.bring(ctx, made, spec, "create")
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

// inspect looks at an object of whose creation an action failed: the failure
// may have been of a part that does not matter, or have healed.
func (s *store[S, H, T]) inspect(ctx context.Context, made T, spec S, cause error) (T, error) {
	if cloud.CodeOf(cause) != cloud.CodeOperationFailed {
		return made, cause
	}
	have, err := s.read(ctx, made)
	if err != nil || !s.noun.healthy(have, spec) {
		return made, cause
	}
	s.d.log.WarnContext(ctx, "an action of a creation failed, but the object is in order", "id", s.nativeOf(made), "error", cause)
	return s.bring(ctx, have, spec, "create")
}

// recover finds out whether a create that failed made the object after all,
// now (its answer was lost) or in an earlier run.
func (s *store[S, H, T]) recover(ctx context.Context, spec S, saved func(T), cause error) (T, error) {
	var none T
	// Any other refusal may stem from the object that a lost first attempt
	// made: its name is taken, its volumes are attached, the limit is reached.
	if ctx.Err() != nil || anyCode(cause, cloud.CodeUnauthorized, cloud.CodeRateLimited, cloud.CodeCapacity) {
		return none, cause
	}
	meta := s.noun.specMeta(spec)
	if meta.Deployment != "" {
		found, err := s.find(ctx, cloud.Filter{Deployment: meta.Deployment, Keys: []string{keyOf(s.noun.kind(), meta)}})
		switch {
		case err != nil:
			return none, errors.Join(cause, err)
		case len(found) == 1:
			return s.adopt(ctx, found[0], spec, saved)
		case len(found) > 1:
			return none, s.ambiguous(found)
		}
	}
	if cloud.CodeOf(cause) == cloud.CodeNameTaken {
		return none, s.nameTaken(ctx, spec, cause)
	}
	return none, cause
}

// adopt takes over an object that an earlier attempt of the same deployment
// made, and brings it to the spec.
func (s *store[S, H, T]) adopt(ctx context.Context, have H, spec S, saved func(T)) (T, error) {
	current := s.noun.at(s.noun.observe(have), s.noun.specMeta(spec).Location)
	id := s.nativeOf(current)
	if !cloud.MayAdopt(ctx, id) {
		return current, &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: s.noun.kind(), Doing: s.doing("create"), Field: "name",
			Message: fmt.Sprintf("the %s %s that is to be replaced still has the name, and names are unique in a Hetzner Cloud project", kindName(s.noun.kind()), id),
			Remedy:  "Remove create_before_destroy from the resource, or give the new one another name."}
	}
	s.d.log.InfoContext(ctx, "adopting an object that carries this deployment's key", "kind", s.noun.kind(), "id", id)
	saved(current)
	current, _, err := s.settle(ctx, current)
	if err != nil {
		return current, s.fail(err, id, "adopt")
	}
	if err := s.noun.adoptable(have, spec); err != nil {
		return current, s.fail(err, id, "adopt")
	}
	return s.bring(ctx, current, spec, "adopt")
}

// settle waits for what is running on an object, and reads it again if there
// was anything. Failed actions do not matter here: what they left is read.
func (s *store[S, H, T]) settle(ctx context.Context, current T) (now T, read bool, err error) {
	id, err := parseNative(s.nativeOf(current), s.noun.kind(), "id")
	if err != nil {
		return current, false, err
	}
	actions, err := s.noun.running(ctx, id)
	if err != nil || len(actions) == 0 {
		return current, false, err
	}
	if err := s.d.wait(ctx, actions); err != nil && !anyCode(err, cloud.CodeOperationFailed, cloud.CodeNotFound) {
		return current, false, err
	}
	now, err = s.read(ctx, current)
	return now, err == nil, err
}

// read reads an object again.
func (s *store[S, H, T]) read(ctx context.Context, current T) (T, error) {
	have, err := s.Get(ctx, s.nativeOf(current))
	if err != nil {
		return current, err
	}
	base, _ := s.noun.object(current)
	return s.noun.at(have, base.ID.Location), nil
}

func (s *store[S, H, T]) ambiguous(found []H) error {
	ids := make([]string, len(found))
	for i, have := range found {
		ids[i] = s.nativeOf(s.noun.observe(have))
	}
	return &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: s.noun.kind(), Doing: s.doing("adopt"), Field: "name",
		Message: fmt.Sprintf("several objects carry this one's key: %s", strings.Join(ids, ", ")),
		Remedy:  "Find out which is the right one, delete the others or take the label " + cloud.LabelKey + " off them, then apply again."}
}

// nameTaken names what stands in the way.
func (s *store[S, H, T]) nameTaken(ctx context.Context, spec S, cause error) error {
	var known *cloud.Error
	if !errors.As(cause, &known) {
		return cause
	}
	taken := *known
	taken.Doing = s.doing("create")
	taken.Remedy = "Rename one of the two, or use another Hetzner Cloud project."
	rivals, err := s.noun.rivals(ctx, spec)
	if err != nil || len(rivals) == 0 {
		return &taken
	}
	base, meta := s.noun.object(s.noun.observe(rivals[0]))
	owner := "no Holdfast deployment owns it"
	switch meta.Deployment {
	case "":
	case s.noun.specMeta(spec).Deployment:
		owner = fmt.Sprintf("it is this deployment's own %q", meta.Name)
	default:
		owner = fmt.Sprintf("the deployment %q owns it", meta.Deployment)
	}
	taken.Message = fmt.Sprintf("%s: %s %s, named %q, is in the way; %s", taken.Message, kindName(s.noun.kind()), base.ID.Native, base.NativeName, owner)
	location := s.noun.specMeta(spec).Location
	taken.Remedy = fmt.Sprintf("Rename one of the two, import it (terraform import <address> %s), or use another Hetzner Cloud project.",
		cloud.ID{Location: location, Native: base.ID.Native})
	return &taken
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
		return nil, fail(err, s.noun.kind(), "", "list "+kindName(s.noun.kind())+"s")
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

// look reads an object afresh, when nothing is running on it any more.
func (s *store[S, H, T]) look(ctx context.Context, current T) (T, error) {
	now, read, err := s.settle(ctx, current)
	if err != nil || read {
		return now, err
	}
	return s.read(ctx, current)
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
	return anyCode(err, cloud.CodeConflict, cloud.CodeNotFound, cloud.CodeInvalid, cloud.CodeUnavailable, cloud.CodeOperationFailed, cloud.CodeUnknown)
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
