package vnet

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	dhcpPort = 67
	dnsPort  = 53
	timePort = 123
	// leaseTime is a day, as at the vendors.
	leaseTime = 24 * time.Hour
)

// listen takes a UDP port of the router.
func (p *Port) listen(port uint16) (*gonet.UDPConn, error) {
	var queue waiter.Queue
	endpoint, err := p.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if err != nil {
		return nil, errors.New(err.String())
	}
	endpoint.SocketOptions().SetBroadcast(true)
	if err := endpoint.Bind(tcpip.FullAddress{NIC: nic, Port: port}); err != nil {
		endpoint.Close()
		return nil, errors.New(err.String())
	}
	return gonet.NewUDPConn(&queue, endpoint), nil
}

// packets calls answer for each packet, and sends back what it gives.
func packets(conn net.PacketConn, answer func(packet []byte, from net.Addr) ([]byte, net.Addr)) {
	for packet := make([]byte, 64<<10); ; {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if reply, to := answer(packet[:n], from); reply != nil {
			_, _ = conn.WriteTo(reply, to)
		}
	}
}

// serveDHCP gives the machine its one address (RFC 2131), the router as the only
// neighbour (a prefix of /32, as the vendors do), and the routes as RFC 3442 has
// them, which a client takes instead of the router option.
func (p *Port) serveDHCP(conn net.PacketConn) {
	packets(conn, func(packet []byte, _ net.Addr) ([]byte, net.Addr) {
		request, err := dhcpv4.FromBytes(packet)
		if err != nil {
			return nil, nil
		}
		var kind dhcpv4.MessageType
		switch request.MessageType() {
		case dhcpv4.MessageTypeDiscover:
			kind = dhcpv4.MessageTypeOffer
		case dhcpv4.MessageTypeRequest:
			kind = dhcpv4.MessageTypeAck
			if wanted := request.RequestedIPAddress(); wanted != nil && !wanted.IsUnspecified() && !wanted.Equal(p.config.Address.AsSlice()) {
				kind = dhcpv4.MessageTypeNak
			}
		default:
			return nil, nil
		}
		reply, err := dhcpv4.NewReplyFromRequest(request, append(p.lease(kind), dhcpv4.WithMessageType(kind))...)
		if err != nil {
			return nil, nil
		}
		return reply.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}
	})
}

func (p *Port) lease(kind dhcpv4.MessageType) []dhcpv4.Modifier {
	gateway := net.IP(p.config.Gateway.AsSlice())
	out := []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptServerIdentifier(gateway))}
	if kind == dhcpv4.MessageTypeNak {
		return out
	}
	route := func(to netip.Prefix, via net.IP) *dhcpv4.Route {
		return &dhcpv4.Route{Dest: &net.IPNet{IP: to.Addr().AsSlice(), Mask: net.CIDRMask(to.Bits(), 32)}, Router: via}
	}
	routes := []*dhcpv4.Route{route(netip.PrefixFrom(p.config.Gateway, 32), net.IPv4zero)}
	for _, to := range p.config.Routes {
		routes = append(routes, route(to.Masked(), gateway))
	}
	if p.config.Default {
		routes = append(routes, route(netip.PrefixFrom(netip.IPv4Unspecified(), 0), gateway))
		out = append(out, dhcpv4.WithRouter(gateway), dhcpv4.WithDNS(gateway), dhcpv4.WithOption(dhcpv4.OptNTPServers(gateway)))
	}
	if p.config.HostName != "" {
		out = append(out, dhcpv4.WithOption(dhcpv4.OptHostName(p.config.HostName)))
	}
	return append(out, dhcpv4.WithYourIP(p.config.Address.AsSlice()), dhcpv4.WithServerIP(gateway), dhcpv4.WithNetmask(net.CIDRMask(32, 32)),
		dhcpv4.WithLeaseTime(uint32(leaseTime/time.Second)), dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(routes...)),
		dhcpv4.WithOption(dhcpv4.Option{Code: dhcpv4.OptionInterfaceMTU, Value: dhcpv4.Uint16(uint16(p.config.MTU))}))
}

// serveTime tells the time (RFC 4330, section 5 and 6), as a server of stratum 2.
func (p *Port) serveTime(conn net.PacketConn) {
	packets(conn, func(request []byte, from net.Addr) ([]byte, net.Addr) {
		if len(request) < 48 || request[0]&7 != 3 { // clients only
			return nil, nil
		}
		reply := make([]byte, 48)
		reply[0] = request[0]&0x38 | 4 // the client's version, server
		reply[1], reply[2], reply[3] = 2, request[2], 0xe9
		now := ntpTime(p.config.Now())
		binary.BigEndian.PutUint32(reply[12:], 0x7f000001) // a server of the first stratum on this host
		for _, at := range []int{16, 32, 40} {
			binary.BigEndian.PutUint64(reply[at:], now)
		}
		copy(reply[24:32], request[40:48])
		return reply, from
	})
}

// ntpTime is a time as NTP writes it: seconds since 1900, with 32 bits of fraction.
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	return uint64(t.Unix()+from1900to1970)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
