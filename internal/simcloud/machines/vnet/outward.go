package vnet

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// dialLimit is how long the dialer may take: less than the two minutes for which
// Linux tries to connect.
const dialLimit = 30 * time.Second

// outward answers a machine's request for a connection: it is accepted if the
// dialer has one to what the machine wanted, and reset otherwise.
func (p *Port) outward(r *tcp.ForwarderRequest) {
	id := r.ID()
	ctx, cancel := context.WithTimeout(p.ctx, dialLimit)
	defer cancel()
	far, err := p.config.Dial(ctx, addrPort(id.RemoteAddress, id.RemotePort), addrPort(id.LocalAddress, id.LocalPort))
	if err != nil {
		r.Complete(true)
		return
	}
	var queue waiter.Queue
	endpoint, failed := r.CreateEndpoint(&queue)
	r.Complete(failed != nil)
	if failed != nil {
		_ = far.Close()
		return
	}
	p.wait.Go(func() { p.Join(gonet.NewTCPConn(&queue, endpoint), far) })
}

// Join carries bytes both ways until both sides are done, and closes both. The end
// of one direction is passed on; the other goes on.
func (p *Port) Join(near, far net.Conn) {
	defer context.AfterFunc(p.ctx, func() { _ = near.Close(); _ = far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { carry(near, far) })
	both.Go(func() { carry(far, near) })
	both.Wait()
	_ = near.Close()
	_ = far.Close()
}

// carry copies one direction, and tells the end of it to the other side.
func carry(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok {
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = half.CloseWrite()
}
