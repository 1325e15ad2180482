package machines

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet"
)

const (
	// askedLimit is how long a machine may take to shut down when it is asked to,
	// before its power is cut: without acceleration a minute is usual.
	askedLimit = 3 * time.Minute
	// retryAfter is how long a machine that could not be started is left alone.
	retryAfter = 10 * time.Second
)

// The phases of a machine.
const (
	phaseOff      = "off"
	phaseStarting = "starting"
	phaseRunning  = "running"
	phaseStopping = "stopping"
	phaseFailed   = "failed"
)

// guest keeps one machine as it should be.
type guest struct {
	h      *Hypervisor
	key    string
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	wanted Machine
	phase  string
	failed string
	accel  string
	opened []uint16
	// gone tells that its disk is to be deleted as it ends.
	gone bool
	// plugged are the cards that ports stand for; both are replaced together.
	plugged []Card
	live    []*vnet.Port

	// What follows is the keeper's own.
	ports   []*vnet.Port
	process *process
	front   *front
	service *metadataService
	// told is the boot of which the simulation was told that it ended by itself.
	told string
}

func newGuest(h *Hypervisor, key string) *guest {
	g := &guest{h: h, key: key, wake: make(chan struct{}, 1), done: make(chan struct{}), phase: phaseOff}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.service = newMetadataService(g)
	g.front = newFront(g)
	go g.keep()
	return g
}

// want says what the machine should be.
func (g *guest) want(m Machine) {
	g.mu.Lock()
	g.wanted = m
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *guest) machine() Machine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wanted
}

func (g *guest) enter(phase, failed string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase, g.failed = phase, failed
}

func (g *guest) state() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := State{Key: g.key, Name: g.wanted.Name, Phase: g.phase, Error: g.failed, Ports: g.opened, Console: g.h.ConsolePath(g.key), Accel: g.accel}
	if a := g.wanted.public(); a.IsValid() {
		s.Outside = Outside(a).String()
	}
	return s
}

// remove ends the machine and deletes its disk; it does not wait.
func (g *guest) remove() {
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	g.cancel()
}

// end cuts the power and waits until everything is put away.
func (g *guest) end() {
	g.cancel()
	<-g.done
}

// keep is the keeper: it looks when it is woken, when the machine ends, and again
// after a failure.
func (g *guest) keep() {
	defer close(g.done)
	defer g.putAway()
	for {
		var ended <-chan struct{}
		if g.process != nil {
			ended = g.process.ended
		}
		again := time.NewTimer(retryAfter)
		if g.state().Phase != phaseFailed {
			again.Stop()
		}
		select {
		case <-g.ctx.Done():
			again.Stop()
			return
		case <-ended:
			g.hasEnded()
		case <-g.wake:
		case <-again.C:
		}
		again.Stop()
		if g.ctx.Err() == nil {
			g.tend(g.machine())
		}
	}
}

// hasEnded is for a machine that switched itself off.
func (g *guest) hasEnded() {
	g.process.monitor.close()
	boots := g.process.boots
	g.process = nil
	g.enter(phaseOff, "")
	g.told = boots
	g.h.options.Log.Info("machine switched itself off", "machine", g.key)
	if g.h.options.Stopped != nil {
		g.h.options.Stopped(g.key, boots)
	}
}

// tend takes the next step to what is wanted.
func (g *guest) tend(m Machine) {
	if g.process != nil && (!m.On || m.Boots != g.process.boots) {
		g.stop(m.Asked)
	}
	if g.process == nil && m.On && m.Boots != g.told {
		g.told = ""
		g.powerOn(m)
	}
	if g.process != nil {
		g.matchDisks(m)
	}
	opened := g.front.match(m, g.process != nil)
	g.mu.Lock()
	g.opened = opened
	g.mu.Unlock()
}

func (g *guest) powerOn(m Machine) {
	g.enter(phaseStarting, "")
	err := m.check()
	if err == nil {
		err = g.plug(m)
	}
	if err != nil {
		g.fail("starting", err)
		return
	}
	accel, trial := g.h.accelerator()
	if g.process, err = g.start(g.ctx, m, accel); err != nil && trial {
		g.h.proved(false)
		accel, trial = g.h.accelerator()
		g.process, err = g.start(g.ctx, m, accel)
	}
	if err == nil && trial && !g.works() {
		g.process.cut()
		g.h.proved(false)
		g.h.options.Log.Warn("KVM does not carry machines here; they run without, and slowly", "machine", g.key)
		accel, _ = g.h.accelerator()
		g.process, err = g.start(g.ctx, m, accel)
	}
	if err != nil {
		g.process = nil
		g.fail("starting", err)
		return
	}
	g.mu.Lock()
	g.accel = accel
	g.mu.Unlock()
	g.enter(phaseRunning, "")
	g.h.options.Log.Info("machine started", "machine", g.key, "name", m.Name, "accel", accel, "outside", g.state().Outside, "console", g.h.ConsolePath(g.key))
}

// works waits for the first word of a machine on trial.
func (g *guest) works() bool {
	select {
	case <-g.process.spoke:
		g.h.proved(true)
		return true
	case <-g.process.ended:
		return false
	case <-g.ctx.Done():
		return true
	case <-time.After(KVMLimit):
		return false
	}
}

func (g *guest) fail(doing string, err error) {
	g.enter(phaseFailed, fmt.Sprintf("%s: %v", doing, err))
	if g.ctx.Err() == nil {
		g.h.options.Log.Error("machine failed", "machine", g.key, "doing", doing, "error", err)
	}
}

// stop powers off: by the button, or by pulling the plug.
func (g *guest) stop(asked bool) {
	g.enter(phaseStopping, "")
	if asked && g.process.ask() == nil {
		select {
		case <-g.process.ended:
		case <-g.ctx.Done():
		case <-time.After(askedLimit):
			g.h.options.Log.Warn("machine does not shut down; its power is cut", "machine", g.key)
		}
	}
	g.process.cut()
	g.process = nil
	g.enter(phaseOff, "")
}

func (g *guest) matchDisks(m Machine) {
	there := map[string]bool{}
	for _, d := range m.Disks {
		there[d.Key] = true
		if err := g.process.attach(g.h, d); err != nil {
			g.h.options.Log.Error("volume not attached", "machine", g.key, "volume", d.Key, "error", err)
		}
	}
	for key := range g.process.disks {
		if !there[key] {
			if err := g.process.detach(key); err != nil {
				g.h.options.Log.Error("volume not detached", "machine", g.key, "volume", key, "error", err)
			}
		}
	}
}

// plug makes the routers of the cards, if they are others than before.
func (g *guest) plug(m Machine) error {
	if reflect.DeepEqual(g.plugged, m.Cards) {
		return nil
	}
	g.unplug()
	for i, c := range m.Cards {
		port, err := vnet.New(vnet.Config{Address: c.Address, Gateway: c.Gateway, Default: c.Default, Routes: c.Routes, MTU: c.MTU, HostName: m.Name,
			Resolve: g.h.resolve,
			Dial: func(ctx context.Context, from, to netip.AddrPort) (net.Conn, error) {
				return g.h.route(ctx, g, i, from, to)
			}})
		if err != nil {
			g.unplug()
			return err
		}
		g.ports = append(g.ports, port)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plugged, g.live = m.Cards, g.ports
	return nil
}

func (g *guest) unplug() {
	g.mu.Lock()
	g.plugged, g.live = nil, nil
	g.mu.Unlock()
	for _, p := range g.ports {
		p.Close()
	}
	g.ports = nil
}

// dial opens a connection to the machine by the first card that is chosen.
func (g *guest) dial(ctx context.Context, from netip.AddrPort, port uint16, choose func(Card) bool) (net.Conn, error) {
	g.mu.Lock()
	i := slices.IndexFunc(g.plugged, choose)
	if i < 0 {
		g.mu.Unlock()
		return nil, fmt.Errorf("machine %s has no such card, or is off", g.key)
	}
	live := g.live[i]
	g.mu.Unlock()
	return live.Dial(ctx, from, port)
}

func (g *guest) putAway() {
	g.front.close()
	if g.process != nil {
		g.process.cut()
		g.process = nil
	}
	g.unplug()
	g.service.close()
	g.mu.Lock()
	gone, root := g.gone, g.wanted.Root
	g.mu.Unlock()
	if !gone {
		return
	}
	if root == "" {
		root = g.key
	}
	_ = os.Remove(g.h.place("roots", root, ".qcow2"))
}
