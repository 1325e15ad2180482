package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
)

// store is a bucket in memory. It lists as object stores do: sorted by bytes,
// page by page.
type store struct {
	mu      sync.Mutex
	objects []cloud.ObjectInfo // sorted when sealed
	bodies  map[string][]byte
	sealed  bool
	// page is the size of a page, 0 for the stores' own.
	page int
	// lists and reads count the requests.
	lists, reads int
	// failList fails the listing that begins after a key at or behind it.
	failList string
	// failReads fails every read.
	failReads error
	// onList is called before each listing.
	onList func(s *store, prefix string)
}

func (s *store) put(key string, modified time.Time, body []byte) {
	if s.bodies == nil {
		s.bodies = map[string][]byte{}
	}
	if body != nil {
		s.bodies[key] = body
	}
	s.objects = append(s.objects, cloud.ObjectInfo{Key: key, Bytes: int64(len(body)), Modified: modified})
	s.sealed = false
}

func (s *store) remove(key string) {
	s.objects = slices.DeleteFunc(s.objects, func(o cloud.ObjectInfo) bool { return o.Key == key })
}

func (s *store) ListObjects(ctx context.Context, prefix, after string) ([]cloud.ObjectInfo, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if s.onList != nil {
		s.onList(s, prefix)
	}
	if s.failList != "" && after >= s.failList {
		return nil, false, &cloud.Error{Code: cloud.CodeUnavailable, Doing: "list objects", Message: "connection refused"}
	}
	if !s.sealed {
		slices.SortFunc(s.objects, func(a, b cloud.ObjectInfo) int { return strings.Compare(a.Key, b.Key) })
		s.sealed = true
	}
	from, found := slices.BinarySearchFunc(s.objects, max(prefix, after), func(o cloud.ObjectInfo, key string) int { return strings.Compare(o.Key, key) })
	if found && s.objects[from].Key == after {
		from++
	}
	size := s.page
	if size == 0 {
		size = cloud.MaxListedObjects
	}
	to := from
	for to < len(s.objects) && strings.HasPrefix(s.objects[to].Key, prefix) && to-from < size {
		to++
	}
	more := to < len(s.objects) && strings.HasPrefix(s.objects[to].Key, prefix)
	return slices.Clone(s.objects[from:to]), more, nil
}

func (s *store) ReadObject(ctx context.Context, key string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.failReads != nil {
		return nil, s.failReads
	}
	body, ok := s.bodies[key]
	if !ok {
		return nil, &cloud.Error{Code: cloud.CodeNotFound, Doing: "read object", ID: key}
	}
	if int64(len(body)) > limit {
		return nil, &cloud.Error{Code: cloud.CodeInvalid, Doing: "read object", ID: key, Message: "it is too large"}
	}
	return body, nil
}

var _ cloud.ObjectReader = (*store)(nil)

// asked is the time that the inventories of these tests are taken.
var asked = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func snapshotOf(parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return hex.EncodeToString(sum[:])
}

// tenantIn fills a bucket with a tenant's repository of some backups, one a
// day, the newest of the given age, with packs data objects between, and
// answers what the guest would tell of them.
func tenantIn(s *store, source Source, tenant string, backups, packs int, age time.Duration) status.Bucket {
	root := status.Prefix("acme-eu", tenant)
	newest := asked.Add(-age)
	s.put(root+"restic/config", newest, nil)
	for i := range packs {
		s.put(fmt.Sprintf("%srestic/data/%02x/%s", root, i%256, snapshotOf(tenant, "pack", i)), newest, nil)
	}
	s.put(root+"restic/index/"+snapshotOf(tenant, "index"), newest, nil)
	s.put(root+"restic/keys/"+snapshotOf(tenant, "key"), newest, nil)
	told := status.Bucket{Name: source.Name, Location: source.Location.String(), Snapshots: []status.Snapshot{}}
	var snapshots []Snapshot
	for i := range backups {
		snapshots = append(snapshots, Snapshot{ID: snapshotOf(tenant, source.Name, i), Time: newest.AddDate(0, 0, -i)})
	}
	for _, d := range (Policy{Keep: cloud.DefaultRetention()}).Apply(snapshots) {
		s.put(root+resticSnapshots+d.ID, d.Time.Add(time.Minute), nil)
		if !d.Keep && len(told.Snapshots) >= 20 {
			told.Others++
			continue
		}
		snapshot := status.Snapshot{ID: d.ID, Time: d.Time, Bytes: 1 << 30, Classes: []cloud.BackupClass{}}
		for _, r := range d.Reasons {
			snapshot.Classes = append(snapshot.Classes, r.Class)
		}
		told.Snapshots = append(told.Snapshots, snapshot)
	}
	return told
}

func statusOf(tenant string, buckets ...status.Bucket) status.Status {
	return status.Status{
		Version: status.Version, Deployment: "acme-eu", Tenant: tenant, Machine: tenant, WrittenAt: asked.Add(-time.Hour),
		BootID:  "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System:  status.System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12", BootedAt: asked.AddDate(0, 0, -9), PatchedAt: asked.AddDate(0, 0, -1)},
		Backups: buckets,
	}
}

func (s *store) putStatus(t testing.TB, tenant string, st status.Status) {
	t.Helper()
	text, err := st.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.put(status.Key("acme-eu", tenant), st.WrittenAt, text)
}

// estate is three buckets in which tenants keep their backups.
type estate struct {
	stores  []*store
	sources []Source
}

func newEstate(t testing.TB) *estate {
	t.Helper()
	e := &estate{}
	for _, name := range []string{"hetzner/nbg1", "hetzner/hel1", "google/us-central1-a"} {
		location, err := cloud.ParseLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &store{}
		e.stores = append(e.stores, s)
		e.sources = append(e.sources, Source{Name: "acme-" + location.Name, Location: location, Immutable: location.Cloud == "google", Reader: s})
	}
	return e
}

// add puts a healthy tenant into every bucket; change may spoil what the guest
// tells.
func (e *estate) add(t testing.TB, tenant string, backups, packs int, age time.Duration, change func(bucket int, st *status.Status)) {
	t.Helper()
	var told []status.Bucket
	for i, source := range e.sources {
		told = append(told, tenantIn(e.stores[i], source, tenant, backups, packs, age))
	}
	if change == nil { // the same for every bucket
		st := statusOf(tenant, told...)
		text, err := st.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range e.stores {
			s.put(status.Key("acme-eu", tenant), st.WrittenAt, text)
		}
		return
	}
	for i, s := range e.stores {
		st := statusOf(tenant, slices.Clone(told)...)
		change(i, &st)
		s.putStatus(t, tenant, st)
	}
}

func options() Options {
	return Options{Deployment: "acme-eu", RPO: 24 * time.Hour, Grace: 2 * time.Hour, Policy: Policy{Keep: cloud.DefaultRetention()}, Now: asked}
}

func inventory(t testing.TB, e *estate, o Options) ([]Report, Summary) {
	t.Helper()
	var reports []Report
	summary, err := Read(t.Context(), e.sources, o, func(r Report) error { reports = append(reports, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return reports, summary
}

// line writes a report for comparison: "acme degraded 2/3 10h0m0s: ok(14) …".
func line(r Report) string {
	var copies []string
	for _, c := range r.Copies {
		text := fmt.Sprintf("%s(%d)", c.State, c.Snapshots)
		for _, p := range c.Problems {
			text += "+" + string(p.Code)
		}
		copies = append(copies, text)
	}
	return fmt.Sprintf("%s %s %d/%d %s: %s", r.Tenant, r.State, r.Fresh, r.Fresh+r.Missing, r.Age, strings.Join(copies, " "))
}
