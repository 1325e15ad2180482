package service

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/seal"
)

// Clouds gives the drivers.
type Clouds interface {
	// Driver gives the driver of a cloud, made at its first use, so that a
	// cloud that nothing needs is never contacted. The error says which block
	// of the provider's configuration is missing; it is ErrNotYetKnown while
	// that block depends on what an apply has yet to make.
	Driver(cloudName string) (cloud.Driver, error)
}

// ErrNotYetKnown tells that a cloud's credentials are unknown at plan: what
// needs no answer from the cloud can be planned all the same.
var ErrNotYetKnown = errors.New("the provider's configuration for this cloud depends on values that are known only after apply")

// Timeouts bound one operation on one object, waiting for the account's
// request limit included.
type Timeouts struct {
	Create, Read, Update, Delete time.Duration
}

// DefaultTimeouts end what hangs, not what queues: with a limit of one
// request a second, a deployment of 5,000 tenants (4 requests each) waits up
// to 5.6 hours, and the free tenants among them for all of that.
func DefaultTimeouts() Timeouts {
	return Timeouts{Create: 6 * time.Hour, Read: 30 * time.Minute, Update: 6 * time.Hour, Delete: 6 * time.Hour}
}

// Env is what the configured provider hands to every resource and data
// source. One Env serves one walk of Terraform (a plan or an apply): its
// claims and known objects are forgotten with it.
type Env struct {
	// Deployment owns what is created.
	Deployment string
	// Lost holds the locations that the operator declared dead.
	Lost    cloud.LostSet
	Catalog *catalog.Catalog
	Clouds  Clouds
	Claims  *Claims
	// Tang asks Tang servers for their keys; nil where nobody can be asked.
	Tang seal.Doer
	// Timeouts hold where a resource does not set its own.
	Timeouts Timeouts

	// known maps object to cloud.Meta: what this run created or read.
	known sync.Map
	// subnets maps the cloud.ID of a network to its []netip.Prefix.
	subnets sync.Map
}

// Known gives what this run already learned about an object, so that checks
// between objects need no request.
func (e *Env) Known(kind cloud.Kind, id cloud.ID) (cloud.Meta, bool) {
	value, _ := e.known.Load(object{kind, id.String()})
	meta, ok := value.(cloud.Meta)
	return meta, ok
}

// Learn records what was created, read or changed.
func (e *Env) Learn(kind cloud.Kind, id cloud.ID, meta cloud.Meta) {
	e.known.Store(object{kind, id.String()}, meta)
}

// Forget drops a deleted object.
func (e *Env) Forget(kind cloud.Kind, id cloud.ID) {
	e.known.Delete(object{kind, id.String()})
	if kind == cloud.KindNetwork {
		e.subnets.Delete(id)
	}
}

// Subnets gives the ranges that a network's machines take addresses from,
// false where this run does not know them: as they are, or as the plan has
// them.
func (e *Env) Subnets(network cloud.ID) ([]netip.Prefix, bool) {
	value, _ := e.subnets.Load(network)
	subnets, ok := value.([]netip.Prefix)
	return subnets, ok
}

// LearnSubnets records a network's ranges; known false tells that the plan
// leaves them open.
func (e *Env) LearnSubnets(network cloud.ID, subnets []netip.Prefix, known bool) {
	if known {
		e.subnets.Store(network, subnets)
	} else {
		e.subnets.Delete(network)
	}
}
