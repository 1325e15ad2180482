package machines

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Resolve answers a machine's question for a name.
func (h *Hypervisor) Resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	return h.resolve(ctx, name)
}

// From opens what a machine wants to reach by its first card.
func (h *Hypervisor) From(ctx context.Context, key string, to netip.AddrPort) (net.Conn, error) {
	h.mu.Lock()
	g := h.guests[key]
	h.mu.Unlock()
	if g == nil {
		return nil, fmt.Errorf("there is no machine %s", key)
	}
	return h.route(ctx, g, 0, netip.AddrPortFrom(g.machine().Cards[0].Address, 1024), to)
}
