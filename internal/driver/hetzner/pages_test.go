package hetzner

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// book serves n numbers in pages.
func book(n int, calls, atOnce, most *atomic.Int64) func(context.Context, hcloud.ListOpts) ([]int, *hcloud.Response, error) {
	return func(_ context.Context, options hcloud.ListOpts) ([]int, *hcloud.Response, error) {
		calls.Add(1)
		if now := atOnce.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer atOnce.Add(-1)
		last := (n + options.PerPage - 1) / options.PerPage
		var page []int
		for i := (options.Page - 1) * options.PerPage; i < min(options.Page*options.PerPage, n); i++ {
			page = append(page, i)
		}
		return page, &hcloud.Response{Meta: hcloud.Meta{Pagination: &hcloud.Pagination{Page: options.Page, LastPage: last, TotalEntries: n}}}, nil
	}
}

func TestPages(t *testing.T) {
	for n, requests := range map[int]int64{0: 1, 1: 1, 50: 1, 51: 2, 1000: 20} {
		var calls, atOnce, most atomic.Int64
		got, err := pages(t.Context(), book(n, &calls, &atOnce, &most))
		if err != nil || len(got) != n {
			t.Fatalf("%d of %d entries, %v", len(got), n, err)
		}
		for i, e := range got {
			if e != i {
				t.Fatalf("entry %d of %d is %d", i, n, e)
			}
		}
		if calls.Load() != requests {
			t.Errorf("%d entries took %d requests, want %d", n, calls.Load(), requests)
		}
		if most.Load() > pagesAtOnce {
			t.Errorf("%d pages at once", most.Load())
		}
	}
}

func TestPagesAreReadAgainWhenTheListChanged(t *testing.T) {
	var calls, atOnce, most atomic.Int64
	before, after := book(101, &calls, &atOnce, &most), book(100, &calls, &atOnce, &most)
	got, err := pages(t.Context(), func(ctx context.Context, options hcloud.ListOpts) ([]int, *hcloud.Response, error) {
		if calls.Load() == 0 {
			return before(ctx, options)
		}
		// An object of the first page disappears after it was read.
		return after(ctx, options)
	})
	if err != nil || len(got) != 100 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	if calls.Load() != 3+2 {
		t.Errorf("%d requests, want 3 for the list that changed and 2 for the next", calls.Load())
	}
}

func TestPagesReportErrors(t *testing.T) {
	refused := errors.New("refused")
	var calls, atOnce, most atomic.Int64
	serve := book(500, &calls, &atOnce, &most)
	_, err := pages(t.Context(), func(ctx context.Context, options hcloud.ListOpts) ([]int, *hcloud.Response, error) {
		if options.Page == 7 {
			return nil, nil, refused
		}
		return serve(ctx, options)
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
