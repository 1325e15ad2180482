package policy

// Opt is a value that may not be known yet, as at plan time. Its zero value
// is unknown.
type Opt[T any] struct {
	value T
	known bool
}

// Known makes a known value.
func Known[T any](value T) Opt[T] { return Opt[T]{value: value, known: true} }

// Unknown makes an unknown value.
func Unknown[T any]() Opt[T] { return Opt[T]{} }

// Get gives the value and whether it is known.
func (o Opt[T]) Get() (T, bool) { return o.value, o.known }

// IsKnown tells whether the value is known.
func (o Opt[T]) IsKnown() bool { return o.known }
