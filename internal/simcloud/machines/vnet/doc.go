// Package vnet is the network around one virtual network card of a simulated
// machine, as a vendor's data centre has it: the machine gets its address with a
// prefix of /32 by DHCP, everything it sends goes to a router, and what the router
// does with a connection is decided in Go. It needs no privileges on the host: the
// card's frames come over a stream from QEMU, and the router is gvisor's network
// stack in this process.
//
// Outward, TCP connections are accepted from the machine and handed to a [Dialer]
// with the address that the machine wanted: to a metadata service, to another
// machine, or to the world. Inward, [Port.Dial] opens a connection to the machine
// from any source address. Names are answered by a [Resolver]. UDP is DHCP, DNS and
// the time (SNTP), answered by the router itself; everything else is dropped, IPv6
// too.
package vnet
