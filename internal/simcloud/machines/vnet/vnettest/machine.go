// Package vnettest is a machine for tests of networks: a network stack behind the
// frames of a card, with no system around it.
package vnettest

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"

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
)

// Machine is a machine with one card and a fixed address.
type Machine struct {
	address netip.Addr
	stack   *stack.Stack
	card    net.Conn
	cancel  context.CancelFunc
	// Ended is closed when the card's stream has ended.
	Ended chan struct{}
}

// New starts a machine whose card speaks over a stream, as QEMU's do.
func New(card net.Conn, address, gateway netip.Addr) (*Machine, error) {
	m := &Machine{address: address, card: card, Ended: make(chan struct{}), stack: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol}})}
	link := channel.New(64, 1500+header.EthernetMinimumSize, "\x02\x00\x00\x00\x00\x0a")
	if err := m.stack.CreateNIC(1, ethernet.New(link)); err != nil {
		return nil, &net.OpError{Op: "plug", Err: net.UnknownNetworkError(err.String())}
	}
	own := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddrFrom4(address.As4()).WithPrefix()}
	if err := m.stack.AddProtocolAddress(1, own, stack.AddressProperties{}); err != nil {
		return nil, &net.OpError{Op: "address", Err: net.UnknownNetworkError(err.String())}
	}
	m.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, Gateway: tcpip.AddrFrom4(gateway.As4()), NIC: 1}})
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	go m.send(ctx, link)
	go m.receive(link)
	return m, nil
}

// Close unplugs the machine.
func (m *Machine) Close() {
	m.cancel()
	_ = m.card.Close()
	m.stack.Close()
}

func (m *Machine) send(ctx context.Context, link *channel.Endpoint) {
	for {
		packet := link.ReadContext(ctx)
		if packet == nil {
			return
		}
		view := packet.ToView()
		out := append(binary.BigEndian.AppendUint32(nil, uint32(view.Size())), view.AsSlice()...)
		packet.DecRef()
		if _, err := m.card.Write(out); err != nil {
			return
		}
	}
}

func (m *Machine) receive(link *channel.Endpoint) {
	defer close(m.Ended)
	from := bufio.NewReader(m.card)
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

func full(a netip.AddrPort) tcpip.FullAddress {
	out := tcpip.FullAddress{NIC: 1, Port: a.Port()}
	if a.Addr().IsValid() && !a.Addr().IsUnspecified() {
		out.Addr = tcpip.AddrFrom4(a.Addr().As4())
	}
	return out
}

// Listen takes a TCP port of the machine.
func (m *Machine) Listen(port uint16) (net.Listener, error) {
	return gonet.ListenTCP(m.stack, full(netip.AddrPortFrom(m.address, port)), ipv4.ProtocolNumber)
}

// Dial opens a TCP connection from the machine.
func (m *Machine) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return gonet.DialContextTCP(ctx, m.stack, full(to), ipv4.ProtocolNumber)
}

// Packets opens a UDP socket of the machine; the unspecified address is none yet, as
// a machine has that asks for one.
func (m *Machine) Packets(from netip.AddrPort) (net.PacketConn, error) {
	var queue waiter.Queue
	endpoint, err := m.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Err: net.UnknownNetworkError(err.String())}
	}
	endpoint.SocketOptions().SetBroadcast(true)
	if err := endpoint.Bind(full(from)); err != nil {
		endpoint.Close()
		return nil, &net.OpError{Op: "bind", Err: net.UnknownNetworkError(err.String())}
	}
	return gonet.NewUDPConn(&queue, endpoint), nil
}
