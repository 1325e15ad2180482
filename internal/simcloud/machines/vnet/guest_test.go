package vnet_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet/vnettest"
)

var (
	guestAddress = netip.MustParseAddr("192.0.2.10")
	gateway      = netip.MustParseAddr("172.31.1.1")
	now          = time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)
)

// guest is a machine and the port that it is plugged into.
type guest struct {
	*vnettest.Machine
	port *vnet.Port
	// ended gives what Serve returned.
	ended chan error
}

func plug(t *testing.T, change func(*vnet.Config)) *guest {
	t.Helper()
	config := vnet.Config{Address: guestAddress, Gateway: gateway, Default: true, HostName: "acme", Now: func() time.Time { return now },
		Dial: func(context.Context, netip.AddrPort, netip.AddrPort) (net.Conn, error) {
			return nil, errors.New("refused")
		},
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }}
	if change != nil {
		change(&config)
	}
	port, err := vnet.New(config)
	if err != nil {
		t.Fatal(err)
	}
	router, card := net.Pipe()
	g := &guest{port: port, ended: make(chan error, 1)}
	go func() { g.ended <- port.Serve(router) }()
	if g.Machine, err = vnettest.New(card, guestAddress, gateway); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		port.Close()
		g.Close()
	})
	return g
}

// dial opens a connection from the machine.
func (g *guest) dial(t *testing.T, to string) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return g.Dial(ctx, netip.MustParseAddrPort(to))
}

// ask sends a packet and gives the answer.
func (g *guest) ask(t *testing.T, from, to string, packet []byte) []byte {
	t.Helper()
	conn, err := g.Packets(netip.MustParseAddrPort(from))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.WriteTo(packet, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, _, err := conn.ReadFrom(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
}
