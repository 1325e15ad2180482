package cloud

import "context"

type replacesKey struct{}

// WithReplaced marks a create as the replacement of an object that still
// stands (create_before_destroy): it must not be adopted, since the next step
// deletes it.
func WithReplaced(ctx context.Context, native string) context.Context {
	return context.WithValue(ctx, replacesKey{}, native)
}

// MayAdopt tells whether a create may adopt the object with this native id.
func MayAdopt(ctx context.Context, native string) bool {
	replaced, ok := ctx.Value(replacesKey{}).(string)
	return !ok || replaced != native
}
