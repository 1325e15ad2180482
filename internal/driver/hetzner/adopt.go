package hetzner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// What happens when a create does not simply succeed: it is found out what
// there is, and taken over where it is this deployment's own.

// inspect looks at an object of whose creation an action failed: the failure
// may have been of a part that does not matter, or have healed.
func (s *store[S, H, T]) inspect(ctx context.Context, made T, spec S, cause error) (T, error) {
	switch cloud.CodeOf(cause) {
	case cloud.CodeOperationFailed:
	case cloud.CodeNotFound:
		// It is the action that is not found: to the caller that means failure.
		cause = &cloud.Error{Code: cloud.CodeOperationFailed, Cloud: Name, Kind: s.noun.kind(), ID: s.nativeOf(made), Doing: s.doing("create"),
			Message: "the vendor has forgotten the action that makes it", Err: cause}
	default:
		return made, cause
	}
	have, err := s.look(ctx, made)
	switch {
	case err != nil && !spoils(cause):
		// Nobody knows yet whether the object is in order.
		return made, cloud.Unfinished(cause)
	case err != nil || !s.noun.healthy(have, spec):
		return made, cause
	}
	s.d.log.WarnContext(ctx, "an action of a creation failed, but the object is in order", "id", s.nativeOf(made), "error", cause)
	return s.finish(ctx, have, spec, "create")
}

// spoils tells whether the action that failed is one without which there is no
// object to speak of. All others can be done again.
func spoils(cause error) bool {
	var failed hcloud.ActionError
	return !errors.As(cause, &failed) || failed.Action() == nil ||
		slices.Contains([]string{"create_server", "start_server", "create_volume", "create_image"}, failed.Action().Command)
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
	// made: its name is taken, its volumes are attached, the limit is reached.
	if ctx.Err() != nil || cloud.HasCode(cause, cloud.CodeUnauthorized, cloud.CodeRateLimited, cloud.CodeCapacity) {
		return none, cause
	}
	meta := s.noun.specMeta(spec)
	if meta.Deployment != "" {
		found, err := s.find(ctx, cloud.Filter{Deployment: meta.Deployment, Keys: []string{s.keyOf(spec)}})
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

// keyed is a noun whose key is not made of kind, name and location alone.
type keyed[S any] interface{ key(S) string }

func (s *store[S, H, T]) keyOf(spec S) string {
	if noun, ok := s.noun.(keyed[S]); ok {
		return noun.key(spec)
	}
	return keyOf(s.noun.kind(), s.noun.specMeta(spec))
}

// adopt takes over an object that an earlier attempt of the same deployment
// made, and brings it to the spec.
func (s *store[S, H, T]) adopt(ctx context.Context, have H, spec S, saved func(T)) (T, error) {
	current := s.noun.at(s.noun.observe(have), s.noun.specMeta(spec).Location)
	id := s.nativeOf(current)
	s.d.log.InfoContext(ctx, "adopting an object that carries this deployment's key", "kind", s.noun.kind(), "id", id)
	saved(current)
	if !s.noun.quiet(have) {
		var err error
		if current, err = s.look(ctx, current); err != nil {
			return current, s.fail(err, id, "adopt")
		}
	}
	err := cloud.CheckTenant(Name, s.noun.kind(), id, s.observedMeta(current), s.noun.specMeta(spec))
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

// settle waits until nothing is running on an object. Failed actions do not
// matter, what they left will be read; but a Waiter returns at the first
// failure, so that others may still be at work.
func (s *store[S, H, T]) settle(ctx context.Context, id int64) error {
	for {
		actions, err := s.noun.running(ctx, id)
		if err != nil || len(actions) == 0 {
			return err
		}
		err = s.d.wait(ctx, actions)
		if err == nil || !cloud.HasCode(err, cloud.CodeOperationFailed, cloud.CodeNotFound) {
			return err
		}
	}
}

// look reads an object afresh when nothing is running on it any more: in this
// order, since what was read before an action ended is stale.
func (s *store[S, H, T]) look(ctx context.Context, current T) (T, error) {
	id, err := parseNative(s.nativeOf(current), s.noun.kind(), "id")
	if err != nil {
		return current, err
	}
	if err := s.settle(ctx, id); err != nil {
		return current, err
	}
	return s.read(ctx, current)
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
	taken.Message = fmt.Sprintf("%s: %s %s, named %q, is in the way; %s", taken.Message, s.noun.kind().Noun(), base.ID.Native, base.NativeName, owner)
	id := cloud.ID{Location: s.noun.specMeta(spec).Location, Native: base.ID.Native}
	taken.Remedy = fmt.Sprintf("Rename one of the two, import it (terraform import <address> %s), or use another Hetzner Cloud project.", id)
	if s.noun.kind() == cloud.KindSSHKey && base.NativeName != nativeName(cloud.KindSSHKey, s.noun.specMeta(spec)) {
		// Not the name but the key itself is there already.
		taken.Field = "public_key"
		taken.Remedy = fmt.Sprintf("A project holds a public key once: import it (terraform import <address> %s), delete it there, or use another Hetzner Cloud project.", id)
	}
	return &taken
}
