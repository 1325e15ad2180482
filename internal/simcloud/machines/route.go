package machines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// metadataAddress is where the vendors' metadata services are.
var metadataAddress = netip.AddrPortFrom(netip.AddrFrom4([4]byte{169, 254, 169, 254}), 80)

// Name opens a connection to a port of a name that the simulation serves.
type Name func(ctx context.Context, port uint16) (net.Conn, error)

// names are those that machines have asked for: each has an address of its own, of a
// network that is nobody's (100.64.0.0/10, RFC 6598), so that the router knows which
// name was meant.
type names struct {
	mu     sync.Mutex
	byName map[string]netip.Addr
	leadTo map[netip.Addr]Name
	last   netip.Addr
}

func newNames() *names {
	return &names{byName: map[string]netip.Addr{}, leadTo: map[netip.Addr]Name{}, last: netip.AddrFrom4([4]byte{100, 64, 0, 0})}
}

// address gives a name its address.
func (n *names) address(name string, lead Name) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, ok := n.byName[name]
	if !ok {
		n.last = n.last.Next()
		a = n.last
		n.byName[name], n.leadTo[a] = a, lead
	}
	return a
}

func (n *names) at(a netip.Addr) (Name, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lead, ok := n.leadTo[a]
	return lead, ok
}

// resolve answers a machine's question for a name.
func (h *Hypervisor) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if name == h.options.MetadataName {
		return []netip.Addr{metadataAddress.Addr()}, nil
	}
	if h.options.Name != nil {
		if lead := h.options.Name(name); lead != nil {
			return []netip.Addr{h.names.address(name, lead)}, nil
		}
	}
	if h.options.Isolated {
		return nil, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
	var failed *net.DNSError
	if errors.As(err, &failed) && failed.IsNotFound {
		return nil, nil
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, err
}

// route is the routers: where a machine's connection goes.
func (h *Hypervisor) route(ctx context.Context, from *guest, card int, source, to netip.AddrPort) (net.Conn, error) {
	if to == metadataAddress {
		return from.service.dial(ctx)
	}
	if lead, ok := h.names.at(to.Addr()); ok {
		return lead(ctx, to.Port())
	}
	own := from.machine().Cards
	if card >= len(own) {
		return nil, fmt.Errorf("machine %s has no such card any more", from.key)
	}
	if conn, known, err := h.neighbour(ctx, own[card], source, to); known {
		return conn, err
	}
	switch a := to.Addr(); {
	case !own[card].Public.IsValid(), h.options.Isolated:
		return nil, fmt.Errorf("there is no way from machine %s to %s", from.key, to)
	case a.IsLoopback(), a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified():
		return nil, fmt.Errorf("%s is nowhere", to)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
}

// neighbour finds another machine: by its address in the same network, or by its
// public one.
func (h *Hypervisor) neighbour(ctx context.Context, own Card, source, to netip.AddrPort) (conn net.Conn, known bool, err error) {
	h.mu.Lock()
	var (
		found *guest
		match func(Card) bool
	)
	for _, g := range h.guests {
		for _, c := range g.machine().Cards {
			switch {
			case own.Network != "" && c.Network == own.Network && c.Address == to.Addr():
				found, match = g, func(x Card) bool { return x.Network == own.Network && x.Address == to.Addr() }
			case c.Public.IsValid() && c.Public == to.Addr():
				found, match = g, func(x Card) bool { return x.Public == to.Addr() }
				source = netip.AddrPortFrom(own.Public, source.Port())
			}
		}
	}
	h.mu.Unlock()
	if found == nil {
		return nil, false, nil
	}
	if !source.Addr().IsValid() {
		return nil, true, errors.New("a machine without a public address does not reach the Internet")
	}
	m := found.machine()
	filtered := slices.ContainsFunc(m.Cards, func(c Card) bool { return match(c) && c.Filtered })
	if filtered && !m.admits(source.Addr(), to.Port()) {
		return nil, true, fmt.Errorf("the firewall of machine %s refuses %s at %d", found.key, source.Addr(), to.Port())
	}
	conn, err = found.dial(ctx, source, to.Port(), match)
	return conn, true, err
}
