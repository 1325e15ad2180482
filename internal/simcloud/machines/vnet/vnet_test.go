package vnet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet"
)

// What the machine wants to reach is what the dialer is asked for, with the
// machine's own address; bytes go both ways, and the end of each way is told.
func TestConnectionsOutward(t *testing.T) {
	t.Parallel()
	var from, to netip.AddrPort
	g := plug(t, func(c *vnet.Config) {
		c.Dial = func(_ context.Context, f, wanted netip.AddrPort) (net.Conn, error) {
			from, to = f, wanted
			near, far := net.Pipe()
			go func() {
				line := make([]byte, 5)
				_, _ = io.ReadFull(far, line)
				_, _ = far.Write(bytes.ToUpper(line))
				_ = far.Close()
			}()
			return near, nil
		}
	})
	conn, err := g.dial(t, "169.254.169.254:80")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || string(answer) != "HELLO" {
		t.Errorf("%q, %v", answer, err)
	}
	if to.String() != "169.254.169.254:80" || from.Addr() != guestAddress {
		t.Errorf("the dialer was asked for %v by %v", to, from)
	}
}

func TestAConnectionThatTheDialerRefusesIsReset(t *testing.T) {
	t.Parallel()
	_, err := plug(t, nil).dial(t, "198.51.100.7:443")
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v, want a refusal", err)
	}
}

// A connection to the machine comes from the address that it is said to come
// from, so that the machine's own firewall can tell; and where nothing listens it
// is refused.
func TestConnectionsInward(t *testing.T) {
	t.Parallel()
	g := plug(t, nil)
	listener, err := g.Listen(22)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(conn.RemoteAddr().String()))
		_ = conn.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := g.port.Dial(ctx, netip.MustParseAddrPort("203.0.113.9:4711"), 22)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := io.ReadAll(conn)
	if err != nil || string(seen) != "203.0.113.9:4711" {
		t.Errorf("%q, %v", seen, err)
	}
	if _, err := g.port.Dial(ctx, netip.MustParseAddrPort("203.0.113.9:0"), 23); err == nil {
		t.Error("something listens on 23")
	}
}

// A large transfer arrives whole.
func TestBulk(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	g := plug(t, func(c *vnet.Config) {
		c.Dial = func(context.Context, netip.AddrPort, netip.AddrPort) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { _, _ = far.Write(content); _ = far.Close() }()
			return near, nil
		}
	})
	conn, err := g.dial(t, "198.51.100.7:80")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	g := plug(t, func(c *vnet.Config) {
		c.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
			switch name {
			case "fsn1.example.com":
				return []netip.Addr{netip.MustParseAddr("198.18.0.1")}, nil
			case "broken.example.com":
				return nil, errors.New("no resolver")
			}
			return nil, nil
		}
	})
	for _, c := range []struct {
		name  string
		kind  dnsmessage.Type
		code  dnsmessage.RCode
		given []string
	}{
		{"FSN1.example.com.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"198.18.0.1"}},
		{"fsn1.example.com.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, nil},
		{"nowhere.example.com.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"broken.example.com.", dnsmessage.TypeA, dnsmessage.RCodeServerFailure, nil},
	} {
		question := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
			Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(c.name), Type: c.kind, Class: dnsmessage.ClassINET}}}
		packed, err := question.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var reply dnsmessage.Message
		if err := reply.Unpack(g.ask(t, "192.0.2.10:0", "172.31.1.1:53", packed)); err != nil {
			t.Fatal(err)
		}
		var given []string
		for _, r := range reply.Answers {
			given = append(given, netip.AddrFrom4(r.Body.(*dnsmessage.AResource).A).String())
		}
		if reply.ID != 7 || reply.RCode != c.code || strings.Join(given, " ") != strings.Join(c.given, " ") {
			t.Errorf("%s %v: %v %v, want %v %v", c.name, c.kind, reply.RCode, given, c.code, c.given)
		}
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	g := plug(t, func(c *vnet.Config) { c.MTU = 1450 })
	ask := func(packet *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
		t.Helper()
		reply, err := dhcpv4.FromBytes(g.ask(t, "0.0.0.0:68", "255.255.255.255:67", packet.ToBytes()))
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	discover, err := dhcpv4.NewDiscovery(net.HardwareAddr{2, 0, 0, 0, 0, 10})
	if err != nil {
		t.Fatal(err)
	}
	offer := ask(discover)
	if offer.MessageType() != dhcpv4.MessageTypeOffer || offer.YourIPAddr.String() != guestAddress.String() {
		t.Fatalf("%s", offer.Summary())
	}
	request, err := dhcpv4.NewRequestFromOffer(offer)
	if err != nil {
		t.Fatal(err)
	}
	lease := ask(request)
	if ones, _ := lease.SubnetMask().Size(); lease.MessageType() != dhcpv4.MessageTypeAck || ones != 32 || lease.HostName() != "acme" ||
		len(lease.DNS()) != 1 || lease.DNS()[0].String() != gateway.String() || binary.BigEndian.Uint16(lease.Options.Get(dhcpv4.OptionInterfaceMTU)) != 1450 {
		t.Errorf("%s", lease.Summary())
	}
	routes := map[string]string{}
	for _, r := range lease.ClasslessStaticRoute() {
		routes[r.Dest.String()] = r.Router.String()
	}
	if len(routes) != 2 || routes[gateway.String()+"/32"] != "0.0.0.0" || routes["0.0.0.0/0"] != gateway.String() {
		t.Errorf("routes %v", routes)
	}
	request.UpdateOption(dhcpv4.OptRequestedIPAddress(net.IPv4(192, 0, 2, 99)))
	if refused := ask(request); refused.MessageType() != dhcpv4.MessageTypeNak {
		t.Errorf("another machine's address: %s", refused.Summary())
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	g := plug(t, nil)
	request := make([]byte, 48)
	request[0] = 4<<3 | 3
	binary.BigEndian.PutUint64(request[40:], 0x1122334455667788)
	reply := g.ask(t, "192.0.2.10:0", "172.31.1.1:123", request)
	if len(reply) != 48 || reply[0] != 4<<3|4 || binary.BigEndian.Uint64(reply[24:]) != 0x1122334455667788 {
		t.Fatalf("% x", reply)
	}
	if seconds, fraction := binary.BigEndian.Uint32(reply[40:]), binary.BigEndian.Uint32(reply[44:]); int64(seconds)-2208988800 != now.Unix() || fraction>>31 != 1 {
		t.Errorf("%d seconds, fraction %d", seconds, fraction)
	}
}

// A machine that restarts has another process: the same port serves it.
func TestTheCardIsServedAgain(t *testing.T) {
	t.Parallel()
	g := plug(t, nil)
	g.Close()
	if err := <-g.ended; err == nil {
		t.Error("the end of the process was not told")
	}
	router, card := net.Pipe()
	go func() { g.ended <- g.port.Serve(router) }()
	_ = card.Close()
	if err := <-g.ended; err == nil {
		t.Error("the end of the second process was not told")
	}
}
