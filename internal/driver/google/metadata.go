package google

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// projectMetadata writes items of the project's metadata. The API replaces all
// of them at once, guarded by a fingerprint: so the changes that callers want
// at the same time go out as one write, and one that came too late is made
// anew from what is there now.
type projectMetadata struct {
	d *Driver
	// turn is held by the caller who writes for all that wait.
	turn chan struct{}

	mu    sync.Mutex
	queue []*metadataChange
	// latest is what was last read or written, nil before that.
	latest map[string]string
	// defaultAccount is the project's default service account, as last read.
	defaultAccount string
}

// metadataChange is what one caller wants.
type metadataChange struct {
	// apply changes the items, or says why it does not.
	apply func(items map[string]string) error

	done       chan struct{}
	operations []cloud.Operation
	err        error
	// abandoned: nobody waits for it any more. Guarded by the queue's mutex.
	abandoned bool
}

func newProjectMetadata(d *Driver) *projectMetadata {
	return &projectMetadata{d: d, turn: make(chan struct{}, 1)}
}

// change makes a change together with those of others, and gives the
// operation to wait for.
func (m *projectMetadata) change(ctx context.Context, apply func(items map[string]string) error) ([]cloud.Operation, error) {
	c := &metadataChange{apply: apply, done: make(chan struct{})}
	m.enqueue(c)
	for {
		select {
		case <-c.done:
			return c.operations, c.err
		case <-ctx.Done():
			m.withdraw(c)
			return nil, ctx.Err()
		case m.turn <- struct{}{}:
			m.commit(ctx, m.takeAll(), c)
			<-m.turn
		}
	}
}

func (m *projectMetadata) enqueue(changes ...*metadataChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		if !c.abandoned {
			m.queue = append(m.queue, c)
		}
	}
}

func (m *projectMetadata) withdraw(c *metadataChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.abandoned = true
	m.queue = slices.DeleteFunc(m.queue, func(other *metadataChange) bool { return other == c })
}

func (m *projectMetadata) takeAll() []*metadataChange {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.queue
	m.queue = nil
	return taken
}

// commit writes the changes; own is the writer's. If the writer is
// interrupted, the others' changes go back into the queue.
func (m *projectMetadata) commit(ctx context.Context, changes []*metadataChange, own *metadataChange) {
	if len(changes) == 0 {
		return
	}
	var (
		operations []cloud.Operation
		refused    map[*metadataChange]error
	)
	err := m.d.fresh(ctx, func() error {
		var err error
		operations, refused, err = m.attempt(ctx, changes)
		return err
	})
	if err != nil && ctx.Err() != nil {
		m.enqueue(slices.DeleteFunc(slices.Clone(changes), func(c *metadataChange) bool { return c == own })...)
		changes = slices.DeleteFunc(changes, func(c *metadataChange) bool { return c != own })
	}
	for _, c := range changes {
		c.operations, c.err = operations, errors.Join(err, refused[c])
		if c.err != nil {
			c.operations = nil
		}
		close(c.done)
	}
}

// attempt reads, changes and writes once. It writes nothing if no change
// makes a difference.
func (m *projectMetadata) attempt(ctx context.Context, changes []*metadataChange) ([]cloud.Operation, map[*metadataChange]error, error) {
	items, fingerprint, err := m.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	before, refused := maps.Clone(items), map[*metadataChange]error{}
	for _, c := range changes {
		if err := c.apply(items); err != nil {
			refused[c] = err
		}
	}
	if maps.Equal(before, items) {
		return nil, refused, nil
	}
	metadata := &computepb.Metadata{Fingerprint: &fingerprint}
	for _, key := range slices.Sorted(maps.Keys(items)) {
		metadata.Items = append(metadata.Items, &computepb.Items{Key: &key, Value: new(items[key])})
	}
	operations, err := m.d.write(ctx, func(requestID *string) (*compute.Operation, error) {
		return m.d.api.projects.SetCommonInstanceMetadata(ctx, &computepb.SetCommonInstanceMetadataProjectRequest{
			Project: m.d.project, MetadataResource: metadata, RequestId: requestID})
	})
	if err == nil {
		m.keep(items)
	}
	return operations, refused, err
}

// read reads all items and the fingerprint that a write of them needs.
func (m *projectMetadata) read(ctx context.Context) (map[string]string, string, error) {
	project, err := m.d.api.projects.Get(ctx, &computepb.GetProjectRequest{Project: m.d.project})
	if err != nil {
		return nil, "", err
	}
	items := map[string]string{}
	for _, item := range project.GetCommonInstanceMetadata().GetItems() {
		items[item.GetKey()] = item.GetValue()
	}
	m.keep(items)
	m.mu.Lock()
	m.defaultAccount = project.GetDefaultServiceAccount()
	m.mu.Unlock()
	return items, project.GetCommonInstanceMetadata().GetFingerprint(), nil
}

func (m *projectMetadata) keep(items map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = maps.Clone(items)
}

// account gives the project's default service account as this run knows it.
func (m *projectMetadata) account() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.defaultAccount
}

// known gives an item as this run knows it.
func (m *projectMetadata) known(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.latest[key]
	return value, ok
}
