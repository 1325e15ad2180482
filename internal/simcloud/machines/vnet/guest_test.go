package vnet_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet"
)

var (
	guestAddress = netip.MustParseAddr("192.0.2.10")
	gateway      = netip.MustParseAddr("172.31.1.1")
	now          = time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)
)

// guest is a machine: a network stack of its own behind the frames of its card.
type guest struct {
	stack *stack.Stack
	port  *vnet.Port
	// ended gives what Serve returned.
	ended chan error
	card  net.Conn
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
	g := &guest{port: port, card: card, ended: make(chan error, 1), stack: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol}})}
	go func() { g.ended <- port.Serve(router) }()
	link := channel.New(64, 1500+header.EthernetMinimumSize, "\x02\x00\x00\x00\x00\x0a")
	if err := g.stack.CreateNIC(1, ethernet.New(link)); err != nil {
		t.Fatal(err)
	}
	own := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddrFrom4(guestAddress.As4()).WithPrefix()}
	if err := g.stack.AddProtocolAddress(1, own, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	g.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, Gateway: tcpip.AddrFrom4(gateway.As4()), NIC: 1}})
	ctx, cancel := context.WithCancel(context.Background())
	go g.send(ctx, link)
	go g.receive(link)
	t.Cleanup(func() {
		cancel()
		port.Close()
		_ = card.Close()
		g.stack.Close()
	})
	return g
}

func (g *guest) send(ctx context.Context, link *channel.Endpoint) {
	for {
		packet := link.ReadContext(ctx)
		if packet == nil {
			return
		}
		view := packet.ToView()
		out := append(binary.BigEndian.AppendUint32(nil, uint32(view.Size())), view.AsSlice()...)
		packet.DecRef()
		if _, err := g.card.Write(out); err != nil {
			return
		}
	}
}

func (g *guest) receive(link *channel.Endpoint) {
	from := bufio.NewReader(g.card)
	for {
		var head [4]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(from, frame); err != nil {
			return
		}
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame)})
		link.InjectInbound(0, packet)
		packet.DecRef()
	}
}

func full(a netip.Addr, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFrom4(a.As4()), Port: port}
}

// dial opens a connection from the machine.
func (g *guest) dial(t *testing.T, to string) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	target := netip.MustParseAddrPort(to)
	return gonet.DialContextTCP(ctx, g.stack, full(target.Addr(), target.Port()), ipv4.ProtocolNumber)
}

// ask sends a packet to the router and gives the answer; nil if there is none.
func (g *guest) ask(t *testing.T, from, to *tcpip.FullAddress, packet []byte) []byte {
	t.Helper()
	var queue waiter.Queue
	endpoint, failed := g.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if failed != nil {
		t.Fatal(failed)
	}
	endpoint.SocketOptions().SetBroadcast(true)
	if failed := endpoint.Bind(*from); failed != nil {
		t.Fatal(failed)
	}
	conn := gonet.NewUDPConn(&queue, endpoint)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.WriteTo(packet, &net.UDPAddr{IP: net.IP(to.Addr.AsSlice()), Port: int(to.Port)}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, _, err := conn.ReadFrom(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
}
