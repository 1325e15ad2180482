package vnet

import (
	"context"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// nameTTL is short: what a name means may change with the simulation.
	nameTTL = 30
	// nameLimit is how long the resolver may take: what glibc waits for.
	nameLimit = 5 * time.Second
)

// serveNames answers questions for A records by the resolver, and every other
// question with no records, so that clients do not wait.
func (p *Port) serveNames(conn net.PacketConn) {
	packets(conn, func(request []byte, from net.Addr) ([]byte, net.Addr) {
		return p.answer(request), from
	})
}

func (p *Port) answer(request []byte) []byte {
	var parser dnsmessage.Parser
	head, err := parser.Start(request)
	if err != nil || head.Response {
		return nil
	}
	question, err := parser.Question()
	if err != nil {
		return nil
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, OpCode: head.OpCode, RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	switch {
	case head.OpCode != 0:
		reply.RCode = dnsmessage.RCodeNotImplemented
	case question.Class == dnsmessage.ClassINET:
		p.resolve(&reply, question)
	}
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func (p *Port) resolve(reply *dnsmessage.Message, question dnsmessage.Question) {
	ctx, cancel := context.WithTimeout(p.ctx, nameLimit)
	defer cancel()
	addresses, err := p.config.Resolve(ctx, strings.ToLower(strings.TrimSuffix(question.Name.String(), ".")))
	switch {
	case err != nil:
		reply.RCode = dnsmessage.RCodeServerFailure
	case len(addresses) == 0:
		reply.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		for _, a := range addresses {
			reply.Answers = append(reply.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: nameTTL},
				Body:   &dnsmessage.AResource{A: a.As4()}})
		}
	}
}
