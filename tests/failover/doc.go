// Package failover loses data centres and vendors with a real Terraform or
// OpenTofu: a region of 20 tenants stands, its location stops answering or
// answers nothing, one word in lost_locations brings it up in the next one, and
// when the location is back, what it left behind is found and deleted.
package failover
