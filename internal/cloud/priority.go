package cloud

import "context"

// Priority orders API requests when the account's request limit is scarce:
// higher goes first (promise DR-4: paid tenants are restored first).
type Priority int

// The priorities, from the least.
const (
	// PriorityRefresh: reading what exists.
	PriorityRefresh Priority = iota
	// PriorityFree: changes for free tenants.
	PriorityFree
	// PriorityPaid: changes for paid tenants, and for what all tenants share.
	PriorityPaid
	// PriorityWait: polling running operations; few, and they free others.
	PriorityWait
)

type priorityKey struct{}

// WithPriority marks all API requests made with the context.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// PriorityOf reads the mark; without one it is PriorityRefresh.
func PriorityOf(ctx context.Context) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return p
	}
	return PriorityRefresh
}

// Tier is what a tenant pays for.
type Tier string

// The tiers. An object without a tier counts as paid: it is shared, or its
// owner did not say.
const (
	TierPaid Tier = "paid"
	TierFree Tier = "free"
)

// Priority gives the rank of a tier's changes.
func (t Tier) Priority() Priority {
	if t == TierFree {
		return PriorityFree
	}
	return PriorityPaid
}
