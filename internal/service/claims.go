package service

import (
	"fmt"
	"sync"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Address is what makes an object unique within a deployment. It is what
// cloud.Key is derived from: a create that finds an object under its address
// adopts it, so no two blocks may have the same.
type Address struct {
	Kind cloud.Kind
	Name string
	// Location has no name where the cloud keeps one object of the kind for
	// all its locations.
	Location cloud.Location
}

// place says where the address is.
func (a Address) place() string {
	if a.Location.Name == "" {
		return a.Location.Cloud + " (which keeps one for all its locations)"
	}
	return a.Location.String()
}

// Claims refuses, within one plan, what would let a create adopt an object
// that another block owns: the same address planned twice, or a new object
// under the address of one that the same plan renames, moves or deletes
// (Terraform orders neither). The zero value is not usable; see NewClaims.
type Claims struct {
	mu sync.Mutex
	// planned maps an address to the object that will have it; the empty id
	// is an object to be created.
	planned map[Address]string
	// held maps an address to the object that has it now.
	held map[Address]string
	// staying and going hold the objects that some block keeps or deletes.
	staying, going map[object]bool
	// protected maps an address to the protected object that was read there.
	protected map[Address]string
	// made holds the objects that creates of this run answered with.
	made map[object]bool
}

// object names one object. An id alone does not: where the vendor's ids are
// names, a network and a firewall may have the same.
type object struct {
	kind cloud.Kind
	id   string
}

// NewClaims makes an empty set.
func NewClaims() *Claims {
	return &Claims{
		planned: map[Address]string{}, held: map[Address]string{},
		staying: map[object]bool{}, going: map[object]bool{},
		protected: map[Address]string{}, made: map[object]bool{},
	}
}

// Claim records that a block plans to own the address. claimant is the id of
// the object that the block has, also when it replaces it, or empty for a new
// one. The error says who has claimed it before.
func (c *Claims) Claim(address Address, claimant string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, taken := c.planned[address]; taken && (other != claimant || claimant == "") {
		return fmt.Errorf("another %s block of this configuration claims the name %q in %s too: Holdfast finds its objects by these, so both blocks would end up with one object. Give one of them another name",
			address.Kind, address.Name, address.place())
	}
	c.planned[address] = claimant
	return c.overtaken(address)
}

// Hold records that a block has the object id under the address now.
// staying tells whether the block keeps the object, as opposed to deleting
// it.
func (c *Claims) Hold(address Address, id string, staying bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[address] = id
	held := object{address.Kind, id}
	if staying {
		c.staying[held] = true
	} else {
		c.going[held] = true
	}
	if c.staying[held] && c.going[held] {
		return fmt.Errorf("one block of this configuration keeps %s and another deletes it: it is in the state twice. Take it out of the state with terraform state rm, and apply: Holdfast finds the object again by its name", id)
	}
	return c.overtaken(address)
}

// overtaken tells whether a new object is planned under an address that
// another still has.
func (c *Claims) overtaken(address Address) error {
	claimant, planned := c.planned[address]
	holder, held := c.held[address]
	if !planned || !held || claimant != "" {
		return nil
	}
	return fmt.Errorf("a new %s is planned with the name %q in %s while %s still has it, and Terraform does not order the two. "+
		"If it is the same object under a new resource address, say so with a moved block; otherwise apply the renaming or removal first",
		address.Kind, address.Name, address.place(), holder)
}

// Protect records that a protected object was read at the address.
func (c *Claims) Protect(address Address, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.protected[address] = id
}

// Protected gives the protected object that was read at the address, or
// nothing.
func (c *Claims) Protected(address Address) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protected[address]
}

// Made records that a create of this run answered with the object.
func (c *Claims) Made(kind cloud.Kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[object{kind, id}] = true
}

// Settle records that the object which was claimed as a new one under the
// address is there. Whoever is about to be deleted under the same address, as
// what create_before_destroy replaces is, no longer stands in its way.
func (c *Claims) Settle(address Address, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if claimant, planned := c.planned[address]; planned && claimant == "" {
		c.planned[address] = id
	}
}

// IsMade tells whether a create of this run answered with the object.
func (c *Claims) IsMade(kind cloud.Kind, id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[object{kind, id}]
}

// Free forgets a deleted object, so that its replacement may have the
// address.
func (c *Claims) Free(kind cloud.Kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for address, holder := range c.held {
		if holder == id && address.Kind == kind {
			delete(c.held, address)
		}
	}
	for address, holder := range c.planned {
		if holder == id && address.Kind == kind {
			delete(c.planned, address)
		}
	}
	delete(c.staying, object{kind, id})
	delete(c.going, object{kind, id})
}
