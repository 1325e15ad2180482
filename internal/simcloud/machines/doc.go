// Package machines puts real machines behind the simulated clouds: each server that
// the simulation says is running is a process of QEMU that boots an image with the
// user data of the API call, its volumes as disks, and a network card behind which
// a vendor's network is played (package vnet).
//
// It is driven by state, not by events: [Hypervisor.Apply] is given what there should
// be, as often as somebody likes, and makes it so. A machine whose owner cut its power
// is killed, one that was asked to shut down is asked, and one that switched itself
// off is told to the simulation. What cannot be had of the host (QEMU, an image) is an
// error of that one machine, in its state and in the log.
//
// # What reaches a machine
//
// The machine with the public address 198.b.c.d is found on the host at 127.b.c.d: at
// the ports, and only those, that its firewall lets in, from the sources that it lets
// in. A client at 127.b.c.d of the host appears as 198.b.c.d to the firewall and to
// the machine; so to be somebody else, a client binds another address of 127.0.0.0/8.
// Of a rule for very many ports the first [MaxPorts] are opened. UDP and ICMP do not
// reach machines. [Hypervisor.Dial] goes past the cloud's firewall, to whatever port,
// to see what the machine's own does.
//
// What a machine reaches: its metadata service, at 169.254.169.254; other machines,
// by their public addresses and in private networks; the names that the simulation
// serves; and, unless that is switched off, the world, through the host.
//
// # Acceleration
//
// KVM under another hypervisor may start a firmware and then hang in the kernel. So
// the first machine is watched: if its console says nothing for [KVMLimit], it is
// started again without, and so are all later ones.
//
// It may import vnet and the standard library; it knows no vendor.
package machines
