package servicetest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Store is one kind of a Cloud.
type Store[S, T any] struct {
	cloud   *Cloud
	kind    cloud.Kind
	objects map[string]T
	// prefix of the native ids, before their number.
	prefix string
	build  func(cloud.Object, S) T
	take   func(T) (cloud.Object, S, cloud.Meta)
	metaOf func(S) cloud.Meta
	// keyOf, if set, is the key of a spec where name and location do not make
	// it; then names are no obstacle either.
	keyOf func(S) string
	// hear, if set, is told what every create asks for.
	hear func(S)
}

func newStore[S, T any](c *Cloud, kind cloud.Kind, build func(cloud.Object, S) T, take func(T) (cloud.Object, S, cloud.Meta), metaOf func(S) cloud.Meta) *Store[S, T] {
	s := &Store[S, T]{cloud: c, kind: kind, objects: map[string]T{}, take: take, metaOf: metaOf}
	s.build = func(object cloud.Object, spec S) T {
		object.Key = s.key(metaOf(spec))
		return build(object, spec)
	}
	return s
}

// Hear lets somebody hear what every create asks for.
func (s *Store[S, T]) Hear(hear func(S)) { s.hear = hear }

// key is what makes an object unique, by which a create adopts it.
func (s *Store[S, T]) key(m cloud.Meta) string {
	location := m.Location
	if s.cloud.Caps.Global[s.kind] {
		location.Name = ""
	}
	return cloud.Key(m.Deployment, s.kind, m.Name, location)
}

// Create implements cloud.Store.
func (s *Store[S, T]) Create(ctx context.Context, spec S, saved func(T)) (T, error) {
	var zero T
	if err := s.cloud.enter(ctx, "create", s.kind, ""); err != nil {
		return zero, err
	}
	if s.hear != nil {
		s.hear(spec)
	}
	made, err := s.place(spec)
	if err != nil {
		return zero, err
	}
	saved(made)
	object, _, _ := s.take(made)
	if err := s.cloud.enter(ctx, "wait", s.kind, object.ID.Native); err != nil {
		return zero, err
	}
	return made, nil
}

// place creates or adopts.
func (s *Store[S, T]) place(spec S) (T, error) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	want := s.metaOf(spec)
	for native, existing := range s.objects {
		object, made, has := s.take(existing)
		switch {
		case s.keyOf != nil && s.keyOf(made) != s.keyOf(spec):
		case s.key(has) == s.key(want):
			s.objects[native] = s.build(object, spec)
			return s.objects[native], nil
		case has.Name == want.Name && has.Location == want.Location:
			var zero T
			return zero, &cloud.Error{Code: cloud.CodeNameTaken, Cloud: s.cloud.Name, Kind: s.kind, Doing: "create " + string(s.kind),
				VendorCode: "uniqueness_error", Message: fmt.Sprintf("name is taken by %s", native), Field: "name"}
		}
	}
	s.cloud.last++
	id := cloud.ID{Location: want.Location, Native: s.prefix + strconv.Itoa(s.cloud.last)}
	s.objects[id.Native] = s.build(cloud.Object{ID: id, NativeName: want.Name}, spec)
	return s.objects[id.Native], nil
}

// Get implements cloud.Store.
func (s *Store[S, T]) Get(ctx context.Context, native string) (T, error) {
	var zero T
	if err := s.cloud.enter(ctx, "get", s.kind, native); err != nil {
		return zero, err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	object, ok := s.objects[native]
	if !ok {
		return zero, s.missing(native)
	}
	return object, nil
}

func (s *Store[S, T]) missing(native string) error {
	return &cloud.Error{Code: cloud.CodeNotFound, Cloud: s.cloud.Name, Kind: s.kind, ID: native, VendorCode: "not_found", Message: "there is no such " + string(s.kind)}
}

// List implements cloud.Store, in the order of the native ids.
func (s *Store[S, T]) List(ctx context.Context, filter cloud.Filter) ([]T, error) {
	if err := s.cloud.enter(ctx, "list", s.kind, ""); err != nil {
		return nil, err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	var found []T
	for _, native := range slices.Sorted(maps.Keys(s.objects)) {
		_, _, has := s.take(s.objects[native])
		selected := (filter.Deployment == "" || has.Deployment == filter.Deployment) &&
			(len(filter.Keys) == 0 || slices.Contains(filter.Keys, s.key(has)))
		for key, value := range filter.Labels {
			selected = selected && has.Labels[key] == value
		}
		if selected {
			found = append(found, s.objects[native])
		}
	}
	return found, nil
}

// Update implements cloud.Store.
func (s *Store[S, T]) Update(ctx context.Context, current T, want S) (T, error) {
	var zero T
	object, _, _ := s.take(current)
	native := object.ID.Native
	if err := s.cloud.enter(ctx, "update", s.kind, native); err != nil {
		return zero, err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	existing, ok := s.objects[native]
	if !ok {
		return zero, s.missing(native)
	}
	object, _, _ = s.take(existing)
	s.objects[native] = s.build(object, want)
	return s.objects[native], nil
}

// Delete implements cloud.Store.
func (s *Store[S, T]) Delete(ctx context.Context, native string) error {
	if err := s.cloud.enter(ctx, "delete", s.kind, native); err != nil {
		return err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	if existing, ok := s.objects[native]; ok {
		if _, _, has := s.take(existing); has.Protected && s.cloud.Caps.Protectable[s.kind] {
			return &cloud.Error{Code: cloud.CodeProtected, Cloud: s.cloud.Name, Kind: s.kind, ID: native, VendorCode: "protected", Message: "deletion is protected"}
		}
	}
	delete(s.objects, native)
	return nil
}

// Put places an object, as somebody else would, under a new native id.
func (s *Store[S, T]) Put(spec S) cloud.ID {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	s.cloud.last++
	id := cloud.ID{Location: s.metaOf(spec).Location, Native: s.prefix + strconv.Itoa(s.cloud.last)}
	s.objects[id.Native] = s.build(cloud.Object{ID: id, NativeName: s.metaOf(spec).Name}, spec)
	return id
}

// Change alters an object behind Terraform's back.
func (s *Store[S, T]) Change(native string, change func(*T)) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	object := s.objects[native]
	change(&object)
	s.objects[native] = object
}

// Remove deletes an object behind Terraform's back.
func (s *Store[S, T]) Remove(native string) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	delete(s.objects, native)
}

// All gives what exists, by native id.
func (s *Store[S, T]) All() map[string]T {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	return maps.Clone(s.objects)
}

// addresses gives the public addresses of the nth machine, from the ranges
// for documentation (RFC 5737, RFC 3849).
func addresses(n int, v4, v6 bool) (netip.Addr, netip.Prefix) {
	var ip netip.Addr
	var network netip.Prefix
	if v4 {
		ip = netip.AddrFrom4([4]byte{198, 51, 100, byte(n)})
	}
	if v6 {
		network = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, byte(n)}), 64)
	}
	return ip, network
}

// privateAddress gives the address that the cloud picks for the nth machine.
func privateAddress(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n + 1)}) }
