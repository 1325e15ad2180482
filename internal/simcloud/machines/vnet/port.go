package vnet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
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
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Dialer opens what a machine wanted: a connection to the address, on behalf of
// the machine's own. An error is a reset to the machine.
type Dialer func(ctx context.Context, from, to netip.AddrPort) (net.Conn, error)

// Resolver gives the IPv4 addresses of a name; none if there is no such name. An
// error is a failure of the server (SERVFAIL).
type Resolver func(ctx context.Context, name string) ([]netip.Addr, error)

// Config is one card and the router that it is plugged into.
type Config struct {
	// Address is the machine's, IPv4.
	Address netip.Addr
	// Gateway is the router's: also of DHCP, names and time.
	Gateway netip.Addr
	// Default tells the machine to send everything to this router; otherwise it
	// is told of Routes alone.
	Default bool
	// Routes are networks that lie behind this router.
	Routes []netip.Prefix
	// MTU in bytes, of IP packets; 0 is 1500.
	MTU int
	// HostName is told by DHCP, if it is not empty.
	HostName string
	Dial     Dialer
	Resolve  Resolver
	// Now is the time that the router tells; nil is time.Now.
	Now func() time.Time
}

const (
	nic       = 1
	queueSize = 1024
	// inFlight is how many connections of a machine may wait for the dialer.
	inFlight = 128
	// routerMAC is locally administered.
	routerMAC = "\x02\x00\x5e\x00\x00\x01"
)

// Port is the router's end of a card. It outlives the machine's process: each one
// is served in turn.
type Port struct {
	config Config
	stack  *stack.Stack
	link   *channel.Endpoint
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// New plugs a router in. Close it when the card is gone.
func New(c Config) (*Port, error) {
	if c.MTU == 0 {
		c.MTU = 1500
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if !c.Address.Is4() || !c.Gateway.Is4() || c.Dial == nil || c.Resolve == nil {
		return nil, fmt.Errorf("a card needs an IPv4 address (%v), a gateway (%v), a dialer and a resolver", c.Address, c.Gateway)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Port{config: c, ctx: ctx, cancel: cancel,
		link: channel.New(queueSize, uint32(c.MTU+header.EthernetMinimumSize), tcpip.LinkAddress(routerMAC)),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4},
		})}
	if err := p.plug(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Port) plug() error {
	if err := p.stack.CreateNIC(nic, ethernet.New(p.link)); err != nil {
		return errors.New(err.String())
	}
	// Everything the machine sends is for this router, and it speaks to the
	// machine as whoever does.
	p.stack.SetSpoofing(nic, true)
	p.stack.SetPromiscuousMode(nic, true)
	own := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: addr(p.config.Gateway).WithPrefix()}
	if err := p.stack.AddProtocolAddress(nic, own, stack.AddressProperties{}); err != nil {
		return errors.New(err.String())
	}
	p.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	p.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(p.stack, 0, inFlight, p.outward).HandlePacket)
	for port, serve := range map[uint16]func(net.PacketConn){dhcpPort: p.serveDHCP, dnsPort: p.serveNames, timePort: p.serveTime} {
		conn, err := p.listen(port)
		if err != nil {
			return err
		}
		p.wait.Go(func() { serve(conn) })
		context.AfterFunc(p.ctx, func() { _ = conn.Close() })
	}
	return nil
}

// Close unplugs the router: its connections end.
func (p *Port) Close() {
	p.cancel()
	p.link.Close()
	p.stack.Close()
	p.wait.Wait()
}

// Serve carries the frames of a card until the stream ends, the machine's process
// that is, or the port is closed. It closes the stream.
func (p *Port) Serve(stream net.Conn) error {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = stream.Close() })()
	var sending sync.WaitGroup
	defer sending.Wait()
	defer stream.Close()
	defer cancel()
	sending.Go(func() {
		for {
			packet := p.link.ReadContext(ctx)
			if packet == nil {
				return
			}
			view := packet.ToView()
			err := writeFrame(stream, view.AsSlice())
			view.Release()
			packet.DecRef()
			if err != nil {
				_ = stream.Close()
				return
			}
		}
	})
	from, frame := bufio.NewReaderSize(stream, maxFrame), make([]byte, maxFrame)
	for {
		got, err := readFrame(from, frame)
		if err != nil {
			return err
		}
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(got)})
		p.link.InjectInbound(0, packet)
		packet.DecRef()
	}
}

// Dial opens a TCP connection to the machine that comes from the given address;
// its port is chosen if it is 0.
func (p *Port) Dial(ctx context.Context, from netip.AddrPort, port uint16) (net.Conn, error) {
	local := tcpip.FullAddress{NIC: nic, Addr: addr(from.Addr()), Port: from.Port()}
	remote := tcpip.FullAddress{NIC: nic, Addr: addr(p.config.Address), Port: port}
	return gonet.DialTCPWithBind(ctx, p.stack, local, remote, ipv4.ProtocolNumber)
}

func addr(a netip.Addr) tcpip.Address { return tcpip.AddrFrom4(a.As4()) }

func addrPort(a tcpip.Address, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(a.As4()), port)
}
