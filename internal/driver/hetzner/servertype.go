package hetzner

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"golang.org/x/sync/singleflight"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// typeCache keeps the list of server types for the driver's life: it is the
// same for all locations and changes a few times a year. Errors are not kept.
// What changes by the hour is availability: a type that a location has refused
// counts as sold out there from then on, so that the next VM is not refused
// too.
type typeCache struct {
	flight  singleflight.Group
	mu      sync.Mutex
	types   []*hcloud.ServerType
	refused map[placed]bool
}

// placed is a server type in a location.
type placed struct{ serverType, location string }

func (c *typeCache) refuse(serverType, location string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[placed]bool{}
	}
	c.refused[placed{serverType, location}] = true
}

func (c *typeCache) isRefused(serverType, location string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused[placed{serverType, location}]
}

func (c *typeCache) get() []*hcloud.ServerType {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.types
}

// ServerTypes implements cloud.Driver: one list of GET /server_types for all
// callers and locations.
func (d *Driver) ServerTypes(ctx context.Context, location cloud.Location) ([]cloud.ServerType, error) {
	all := d.types.get()
	if all == nil {
		// The first caller's end must not fail the others who wait with it.
		result := d.types.flight.DoChan("", func() (any, error) { return nil, d.loadTypes(context.WithoutCancel(ctx)) })
		select {
		case <-ctx.Done():
			return nil, fail(ctx.Err(), cloud.KindVM, "", "list server types")
		case outcome := <-result:
			if outcome.Err != nil {
				return nil, fail(outcome.Err, cloud.KindVM, "", "list server types")
			}
		}
		all = d.types.get()
	}
	var types []cloud.ServerType
	for _, have := range all {
		t, sold, err := serverTypeAt(have, location.Name)
		if err != nil {
			return nil, fail(err, cloud.KindVM, "", "list server types")
		}
		if sold {
			t.Available = t.Available && !d.types.isRefused(t.Name, location.Name)
			types = append(types, t)
		}
	}
	return types, nil
}

func (d *Driver) loadTypes(ctx context.Context) error {
	if d.types.get() != nil {
		return nil
	}
	types, err := pages(ctx, func(ctx context.Context, options hcloud.ListOpts) ([]*hcloud.ServerType, *hcloud.Response, error) {
		return d.client.ServerType.List(ctx, hcloud.ServerTypeListOpts{ListOpts: options})
	})
	if err != nil {
		return err
	}
	d.types.mu.Lock()
	defer d.types.mu.Unlock()
	d.types.types = types
	return nil
}

// serverTypeAt translates a server type as one location sells it; false if it
// has no price there.
func serverTypeAt(have *hcloud.ServerType, location string) (cloud.ServerType, bool, error) {
	t := cloud.ServerType{
		Name:         have.Name,
		CPUs:         int64(have.Cores),
		MemoryGB:     float64(have.Memory),
		DiskGB:       int64(have.Disk),
		Architecture: cloud.Architecture(have.Architecture),
		Dedicated:    have.CPUType == hcloud.CPUTypeDedicated,
		Deprecated:   have.IsDeprecated(),
	}
	sold := false
	for _, pricing := range have.Pricings {
		if pricing.Location == nil || pricing.Location.Name != location {
			continue
		}
		price, err := strconv.ParseFloat(pricing.Monthly.Net, 64)
		if err != nil {
			return t, false, fmt.Errorf("the price of %s in %s is %q: %w", have.Name, location, pricing.Monthly.Net, err)
		}
		t.PriceMonthly, sold = price, true
	}
	for _, at := range have.Locations {
		if at.Location != nil && at.Location.Name == location {
			t.Available = at.Available
			t.Deprecated = t.Deprecated || at.IsDeprecated()
		}
	}
	return t, sold, nil
}
