package machines

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
)

// front is a machine's ports on the host.
type front struct {
	g *guest

	mu        sync.Mutex
	address   netip.Addr
	listeners map[uint16]net.Listener
}

func newFront(g *guest) *front { return &front{g: g, listeners: map[uint16]net.Listener{}} }

// match opens what should be open and closes the rest; it tells what is open. A port
// that cannot be had on the host is left out, and told in the log.
func (f *front) match(m Machine, on bool) []uint16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	address := Outside(m.public())
	var want []uint16
	if on && address.IsLoopback() {
		want = m.ports(f.g.h.options.OpenPorts)
	}
	for port, l := range f.listeners {
		if address != f.address || !slices.Contains(want, port) {
			_ = l.Close()
			delete(f.listeners, port)
		}
	}
	f.address = address
	var opened []uint16
	for _, port := range want {
		if f.listeners[port] == nil {
			l, err := net.Listen("tcp", netip.AddrPortFrom(address, port).String())
			if err != nil {
				f.g.h.options.Log.Warn("a port of a machine cannot be opened on the host", "machine", f.g.key, "port", strconv.Itoa(int(port)), "error", err)
				continue
			}
			f.listeners[port] = l
			go f.serve(l, port)
		}
		opened = append(opened, port)
	}
	return opened
}

func (f *front) close() { f.match(Machine{}, false) }

func (f *front) serve(l net.Listener, port uint16) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go f.carry(conn.(*net.TCPConn), port)
	}
}

// carry takes one client to the machine. One that the firewall refuses, or for whom
// nothing listens, is reset.
func (f *front) carry(client *net.TCPConn, port uint16) {
	remote, err := netip.ParseAddrPort(client.RemoteAddr().String())
	if err != nil {
		_ = client.Close()
		return
	}
	from := netip.AddrPortFrom(inside(remote.Addr()), remote.Port())
	var machine net.Conn
	err = errors.New("the firewall refuses it")
	if f.g.machine().admits(from.Addr(), port) {
		ctx, cancel := context.WithTimeout(f.g.ctx, connectLimit)
		machine, err = f.g.dial(ctx, from, port, func(c Card) bool { return c.Public.IsValid() })
		cancel()
	}
	if machine == nil || err != nil {
		f.g.h.options.Log.Info("a client did not reach a machine", "machine", f.g.key, "from", from, "port", strconv.Itoa(int(port)), "error", err)
		_ = client.SetLinger(0)
		_ = client.Close()
		return
	}
	f.g.join(client, machine)
}

// join carries bytes between a client and the machine until both are done.
func (g *guest) join(client, machine net.Conn) {
	g.mu.Lock()
	if len(g.live) == 0 {
		g.mu.Unlock()
		_ = client.Close()
		_ = machine.Close()
		return
	}
	port := g.live[0]
	g.mu.Unlock()
	port.Join(client, machine)
}
