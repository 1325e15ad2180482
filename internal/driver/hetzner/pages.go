package hetzner

import (
	"context"
	"fmt"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"golang.org/x/sync/errgroup"
)

const (
	// perPage is the largest page that the API serves.
	perPage = 50
	// pagesAtOnce bounds how many pages are asked for at the same time.
	pagesAtOnce = 4
	// listAttempts bounds how often a list is read again whose size changed
	// between its pages.
	listAttempts = 3
)

// byID keeps the order of the pages stable while objects are made and renamed.
func byID() []string { return []string{"id:asc"} }

// pages reads a whole list: the first page tells how many there are, the
// others are read at the same time. When the number of entries changed in
// between, an object may have slipped from one page to another unseen, so the
// list is read again.
func pages[H any](ctx context.Context, fetch func(context.Context, hcloud.ListOpts) ([]H, *hcloud.Response, error)) ([]H, error) {
	for attempt := 1; ; attempt++ {
		all, consistent, err := readPages(ctx, fetch)
		if err != nil || consistent || attempt == listAttempts {
			return all, err
		}
	}
}

func readPages[H any](ctx context.Context, fetch func(context.Context, hcloud.ListOpts) ([]H, *hcloud.Response, error)) ([]H, bool, error) {
	first, resp, err := fetch(ctx, hcloud.ListOpts{Page: 1, PerPage: perPage})
	if err != nil {
		return nil, false, answered(resp, err)
	}
	if resp.Meta.Pagination == nil || resp.Meta.Pagination.LastPage <= 1 {
		return first, true, nil
	}
	last, total := resp.Meta.Pagination.LastPage, resp.Meta.Pagination.TotalEntries
	parts := make([][]H, last)
	totals := make([]int, last)
	parts[0], totals[0] = first, total
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pagesAtOnce)
	for page := 2; page <= last; page++ {
		group.Go(func() error {
			part, resp, err := fetch(ctx, hcloud.ListOpts{Page: page, PerPage: perPage})
			if err != nil {
				return answered(resp, err)
			}
			if resp.Meta.Pagination == nil {
				return fmt.Errorf("page %d of a list came without its pagination", page)
			}
			parts[page-1], totals[page-1] = part, resp.Meta.Pagination.TotalEntries
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	var all []H
	consistent := true
	for i, part := range parts {
		all = append(all, part...)
		consistent = consistent && totals[i] == total
	}
	return all, consistent && len(all) == total, nil
}
