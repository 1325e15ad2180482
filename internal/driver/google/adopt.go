package google

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// What happens when a create does not simply succeed: it is found out what
// there is, and taken over where it is this deployment's own.

// inspect looks at an object of whose creation an operation failed: the
// failure may have been of a part, or the operation be forgotten.
func (s *store[S, H, T]) inspect(ctx context.Context, made T, spec S, cause error) (T, error) {
	if ctx.Err() != nil || cloud.HasCode(cause, cloud.CodeRateLimited, cloud.CodeUnavailable) {
		return made, cause
	}
	have, err := s.look(ctx, made)
	switch {
	case cloud.IsNotFound(err):
		return made, nothing(cause)
	case err != nil:
		// Nobody knows whether the object is in order.
		return made, cloud.Unfinished(cause)
	case !s.noun.healthy(have, spec):
		return made, nothing(cause)
	}
	s.d.log.WarnContext(ctx, "an operation of a creation failed, but the object is there", "id", s.nativeOf(made), "error", cause)
	return s.finish(ctx, have, spec, "create")
}

// nothing says of a failed create that it made no object. What the caller may
// act upon (no capacity, no quota, no permission) stays what it is.
func nothing(cause error) error {
	var failed *cloud.Error
	if !errors.As(cause, &failed) || cloud.HasCode(cause, cloud.CodeCapacity, cloud.CodeQuota, cloud.CodeUnauthorized, cloud.CodeInvalid, cloud.CodeOperationFailed) {
		return cause
	}
	ended := *failed
	ended.Code, ended.Err = cloud.CodeOperationFailed, cause
	return &ended
}

// finish brings an object that a create has made, or found, to the spec.
func (s *store[S, H, T]) finish(ctx context.Context, current T, spec S, verb string) (T, error) {
	made, err := s.bring(ctx, current, spec, verb)
	return made, cloud.Unfinished(err)
}

// recover finds out whether a create that failed made the object after all,
// now (its answer was lost) or in an earlier run.
func (s *store[S, H, T]) recover(ctx context.Context, spec S, saved func(T), cause error) (T, error) {
	var none T
	// Any other refusal may stem from the object that a lost first attempt
	// made: its name is taken, its disks are attached, the quota is reached.
	if ctx.Err() != nil || cloud.HasCode(cause, cloud.CodeUnauthorized, cloud.CodeRateLimited, cloud.CodeCapacity) {
		return none, cause
	}
	// Names are derived and never change, so the object has this one.
	meta := s.noun.specMeta(spec)
	have, exists, err := s.noun.read(ctx, cloud.ID{Location: meta.Location, Native: s.expected(spec)})
	switch {
	case err != nil && !isNotFound(err):
		return none, errors.Join(cause, s.fail(err, "", "find"))
	case err != nil || !exists:
		return none, cause
	}
	current := s.noun.at(s.noun.observe(have), meta.Location)
	found := s.observedMeta(current)
	if meta.Deployment != "" && found.Deployment == meta.Deployment && found.Name == meta.Name {
		return s.adopt(ctx, have, spec, saved)
	}
	if cloud.CodeOf(cause) == cloud.CodeNameTaken {
		return none, s.nameTaken(spec, current, cause)
	}
	return none, cause
}

// ownName is a noun whose native names are not made of kind, name and location
// alone.
type ownName[S any] interface{ native(S) string }

// expected is the native name that a spec's object has.
func (s *store[S, H, T]) expected(spec S) string {
	if noun, ok := s.noun.(ownName[S]); ok {
		return noun.native(spec)
	}
	return nativeName(s.noun.kind(), s.noun.specMeta(spec))
}

// adopt takes over an object that an earlier attempt of the same deployment
// made, and brings it to its spec.
func (s *store[S, H, T]) adopt(ctx context.Context, have H, spec S, saved func(T)) (T, error) {
	current := s.noun.at(s.noun.observe(have), s.noun.specMeta(spec).Location)
	id := s.nativeOf(current)
	s.d.log.InfoContext(ctx, "adopting an object that carries this deployment's key", "kind", s.noun.kind(), "id", id)
	saved(current)
	current, err := s.look(ctx, current)
	if err == nil {
		err = cloud.CheckTenant(Name, s.noun.kind(), id, s.observedMeta(current), s.noun.specMeta(spec))
	}
	if err == nil {
		err = s.noun.adoptable(have, spec)
	}
	if err != nil {
		return current, s.fail(err, id, "adopt")
	}
	return s.finish(ctx, current, spec, "adopt")
}

func (s *store[S, H, T]) observedMeta(object T) cloud.Meta {
	_, meta := s.noun.object(object)
	return meta
}

// settle waits until nothing is running on an object. Failed operations do not
// matter, what they left will be read; but a Waiter returns at the first
// failure, so that others may still be at work.
func (s *store[S, H, T]) settle(ctx context.Context, native string) error {
	for {
		operations, err := s.d.running(ctx, native)
		if err != nil || len(operations) == 0 {
			return err
		}
		err = s.d.wait(ctx, operations)
		if err == nil || ctx.Err() != nil || cloud.HasCode(err, cloud.CodeUnavailable, cloud.CodeRateLimited) {
			if err != nil {
				return err
			}
		}
	}
}

// look reads an object afresh when nothing is running on it any more: in this
// order, since what was read before an operation ended is stale.
func (s *store[S, H, T]) look(ctx context.Context, current T) (T, error) {
	if err := s.settle(ctx, s.nativeOf(current)); err != nil {
		return current, s.fail(err, s.nativeOf(current), "read")
	}
	return s.read(ctx, current)
}

// read reads an object again.
func (s *store[S, H, T]) read(ctx context.Context, current T) (T, error) {
	id := s.idOf(current)
	have, err := s.get(ctx, id)
	if err != nil {
		return current, err
	}
	return s.noun.at(have, id.Location), nil
}

// nameTaken names what stands in the way.
func (s *store[S, H, T]) nameTaken(spec S, rival T, cause error) error {
	var known *cloud.Error
	if !errors.As(cause, &known) {
		return cause
	}
	taken := *known
	taken.Doing = s.doing("create")
	base, meta := s.noun.object(rival)
	owner := "no Holdfast deployment owns it"
	switch meta.Deployment {
	case "":
	case s.noun.specMeta(spec).Deployment:
		owner = fmt.Sprintf("it is this deployment's own %q", meta.Name)
	default:
		owner = fmt.Sprintf("the deployment %q owns it", meta.Deployment)
	}
	taken.Message = fmt.Sprintf("%s: %s %s is in the way; %s", taken.Message, s.noun.kind().Noun(), base.ID.Native, owner)
	id := cloud.ID{Location: s.noun.specMeta(spec).Location, Native: base.ID.Native}
	taken.Remedy = fmt.Sprintf("Rename one of the two, import it (terraform import <address> %s), or use another Google Cloud project.", id)
	return &taken
}
