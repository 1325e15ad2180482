package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// patience is after how many failures in a row no more status objects are read
// from a bucket: each costs the store's own time limit.
const patience = 3

// reader is a source that is being read.
type reader struct {
	Source
	// listings come in the order of their keys; closed at the end.
	listings chan listing
	// err is known when listings is closed.
	err          error
	lists, reads atomic.Int64
	failures     atomic.Int64
	// next is the listing that waits to be reported, with ok while there is one.
	next listing
	ok   bool
}

// ListObjects counts.
func (r *reader) ListObjects(ctx context.Context, prefix, after string) ([]cloud.ObjectInfo, bool, error) {
	r.lists.Add(1)
	return r.Reader.ListObjects(ctx, prefix, after)
}

func (r *reader) advance() { r.next, r.ok = <-r.listings }

// Read takes the inventory and hands over the tenants one by one, in the order
// in which their keys are listed ("a-b" before "a"). It keeps in memory no more
// than a page of each bucket's listing and what is read for Options.Parallel
// tenants. The buckets are listed at the same time, each with at most one
// request for every 1,000 objects; a status object costs one request more.
//
// A bucket that cannot be read makes its copies unreachable and is told in the
// summary. The error is emit's or the context's, or that no bucket could be
// read at all.
func Read(ctx context.Context, sources []Source, o Options, emit func(Report) error) (Summary, error) {
	if err := cloud.CheckName(o.Deployment); err != nil {
		return Summary{}, fmt.Errorf("deployment: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()

	readers := make([]*reader, len(sources))
	for i, source := range sources {
		// A page holds some 66 tenants of 14 backups and a status.
		r := &reader{Source: source, listings: make(chan listing, 64)}
		readers[i] = r
		if source.Lost {
			close(r.listings)
			continue
		}
		all.Go(func() {
			defer close(r.listings)
			r.err = o.scan(ctx, r)
		})
	}

	var summary Summary
	// The order of pending is that of the tenants; its length bounds the work.
	pending := make(chan chan Report, o.parallel())
	var emitErr error
	var emitting sync.WaitGroup
	emitting.Go(func() {
		for result := range pending {
			r, ok := <-result
			if !ok || emitErr != nil {
				continue
			}
			summary.add(r)
			if emitErr = emit(r); emitErr != nil {
				cancel()
			}
		}
	})
	o.merge(ctx, readers, func(tenant string, found []sight) {
		result := make(chan Report, 1)
		pending <- result
		all.Go(func() {
			defer close(result)
			if r, ok := o.tenant(ctx, readers, tenant, found); ok {
				result <- r
			}
		})
	})
	close(pending)
	emitting.Wait()
	if emitErr != nil {
		return summary, emitErr
	}
	if err := ctx.Err(); err != nil {
		return summary, err
	}
	return o.conclude(summary, readers)
}

func (o Options) parallel() int {
	if o.Parallel > 0 {
		return o.Parallel
	}
	return DefaultParallel
}

func (o Options) scan(ctx context.Context, r *reader) error {
	tenant := ""
	if len(o.Tenants) == 1 {
		tenant = o.Tenants[0]
	}
	return scan(ctx, r, o.Deployment+"/", tenant, func(l listing) error {
		select {
		case r.listings <- l:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// merge goes through the listings of all buckets at once and calls start for
// each tenant to report, with what was seen of it in each bucket.
func (o Options) merge(ctx context.Context, readers []*reader, start func(string, []sight)) {
	wanted := slices.Clone(o.Tenants)
	slices.SortFunc(wanted, func(a, b string) int { return compareTenants(a, b) })
	wanted = slices.Compact(wanted)
	for _, r := range readers {
		r.advance()
	}
	for ctx.Err() == nil {
		first := ""
		for _, r := range readers {
			if r.ok && (first == "" || compareTenants(r.next.tenant, first) < 0) {
				first = r.next.tenant
			}
		}
		// Those that are wanted and that no bucket knows go where they belong.
		for len(wanted) > 0 && (first == "" || compareTenants(wanted[0], first) < 0) {
			start(wanted[0], look(readers, wanted[0]))
			wanted = wanted[1:]
		}
		if first == "" {
			return
		}
		found := look(readers, first)
		if len(wanted) > 0 && wanted[0] == first {
			wanted = wanted[1:]
		} else if len(o.Tenants) > 0 {
			continue
		}
		start(first, found)
	}
}

// sight is what a bucket's listing showed of a tenant.
type sight struct {
	listing listing
	found   bool
	// broken: the listing broke off before it came to the tenant.
	broken bool
}

// look takes a tenant's listings from those that are next.
func look(readers []*reader, tenant string) []sight {
	found := make([]sight, len(readers))
	for i, r := range readers {
		switch {
		case r.ok && r.next.tenant == tenant:
			found[i] = sight{listing: r.next, found: true}
			r.advance()
		case r.ok: // it is past the tenant
			found[i].listing.tenant = tenant
		default:
			found[i] = sight{listing: listing{tenant: tenant}, broken: r.err != nil}
		}
	}
	return found
}

// tenant reports one; ok is false if the context ended.
func (o Options) tenant(ctx context.Context, readers []*reader, tenant string, found []sight) (Report, bool) {
	copies := make([]Copy, len(readers))
	for i, r := range readers {
		switch {
		case r.Lost:
			copies[i] = absent(r.Source, CopyLost)
		case found[i].broken:
			copies[i] = absent(r.Source, CopyUnreachable)
		case found[i].found:
			copies[i] = judge(r.Source, o.gather(ctx, r, found[i].listing), o)
		default:
			copies[i] = judge(r.Source, evidence{listing: found[i].listing}, o)
		}
	}
	return report(tenant, copies, o), ctx.Err() == nil
}

// gather reads what the guest tells of a tenant in one bucket.
func (o Options) gather(ctx context.Context, r *reader, l listing) evidence {
	e := evidence{listing: l}
	if !l.status {
		e.problem = "The guest has written no status there."
		return e
	}
	if r.failures.Load() >= patience {
		e.problem = "The guest's status was not read, since others of this bucket could not be."
		return e
	}
	r.reads.Add(1)
	data, err := r.Reader.ReadObject(ctx, status.Key(o.Deployment, l.tenant), status.MaxBytes)
	if err == nil || cloud.IsNotFound(err) || cloud.HasCode(err, cloud.CodeInvalid) {
		r.failures.Store(0) // it answers, whatever a tenant has left there
	} else {
		r.failures.Add(1)
	}
	if err != nil {
		e.problem = fmt.Sprintf("The guest's status could not be read: %v", err)
		return e
	}
	told, err := status.Parse(data)
	switch {
	case err != nil:
		// It can be many errors; a problem is one line.
		e.problem = "The guest's status is of no use: " + strings.ReplaceAll(err.Error(), "\n", "; ")
		return e
	case told.Deployment != o.Deployment || told.Tenant != l.tenant:
		e.problem = fmt.Sprintf("The status there is that of the tenant %s of %s.", told.Tenant, told.Deployment)
		return e
	}
	if e.told = bucketOf(told, r.Source); e.told == nil {
		e.problem = "The guest's status does not tell of this bucket."
		return e
	}
	e.written = told.WrittenAt
	if vanished, forgotten := e.gone(o.Policy); len(vanished)+len(forgotten) > 0 {
		// The status may be newer than the listing: look again.
		if again, err := o.again(ctx, r, l.tenant); err == nil {
			e.listing = again
		}
	}
	return e
}

// again lists one tenant's backups once more.
func (o Options) again(ctx context.Context, r *reader, tenant string) (listing, error) {
	found := listing{tenant: tenant, status: true}
	prefix := status.Prefix(o.Deployment, tenant) + resticSnapshots
	after := ""
	for {
		page, more, err := r.ListObjects(ctx, prefix, after)
		if err != nil {
			return listing{}, err
		}
		for _, object := range page {
			after = object.Key
			if id := object.Key[len(prefix):]; snapshotID.MatchString(id) {
				found.add(id, object)
			}
		}
		if !more || len(page) == 0 {
			found.trim()
			return found, nil
		}
	}
}

// conclude adds how each bucket was read.
func (o Options) conclude(summary Summary, readers []*reader) (Summary, error) {
	var errs []error
	for _, r := range readers {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("bucket %s in %s: %w", r.Name, r.Location, r.err))
		}
		summary.Sources = append(summary.Sources, SourceState{Name: r.Name, Location: r.Location, Lost: r.Lost, Err: r.err,
			Lists: int(r.lists.Load()), Reads: int(r.reads.Load())})
	}
	lost := 0
	for _, r := range readers {
		if r.Lost {
			lost++
		}
	}
	if len(errs)+lost == len(readers) {
		return summary, errors.Join(append([]error{errors.New("no bucket could be read")}, errs...)...)
	}
	return summary, nil
}

// compareTenants orders names as keys are listed.
func compareTenants(a, b string) int {
	switch ka, kb := sortKey(a), sortKey(b); {
	case ka < kb:
		return -1
	case ka > kb:
		return 1
	}
	return 0
}
