package gcs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/engine"
)

func TestObjects(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{})
	o := b.Object("ü b/k?#.txt")
	w := o.If(storage.Conditions{DoesNotExist: true}).NewWriter(c.ctx)
	w.ContentType, w.CacheControl, w.Metadata = "text/plain", "no-store", map[string]string{"tenant": "ada"}
	_, err := io.WriteString(w, "0123456789")
	c.ok(err)
	c.ok(w.Close())
	a, err := o.Attrs(c.ctx)
	c.ok(err)
	if a.Size != 10 || a.ContentType != "text/plain" || a.CacheControl != "no-store" || a.Metadata["tenant"] != "ada" || fmt.Sprintf("%x", a.MD5) != "781e5e245d69b566979b86e28d23f2c7" ||
		a.CRC32C != 0x280c069e || a.Generation != w.Attrs().Generation || a.Metageneration != 1 || a.StorageClass != "STANDARD" {
		t.Errorf("the object is %+v", a)
	}
	for _, client := range []*storage.Client{c.client("owner"), c.client("owner", storage.WithJSONReads())} {
		o := client.Bucket("acme-backups").Object("ü b/k?#.txt")
		for spec, want := range map[[2]int64]string{{0, -1}: "0123456789", {2, 3}: "234", {-3, -1}: "789", {8, 10}: "89"} {
			r, err := o.NewRangeReader(c.ctx, spec[0], spec[1])
			c.ok(err)
			got, err := io.ReadAll(r)
			c.ok(err)
			if string(got) != want || r.Attrs.Generation != a.Generation || r.Attrs.ContentType != "text/plain" {
				t.Errorf("the range %v is %q, %+v", spec, got, r.Attrs)
			}
			c.ok(r.Close())
		}
		if _, err := client.Bucket("acme-backups").Object("nothing").NewReader(c.ctx); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("an object that is not there: %v", err)
		}
		if _, err := o.Generation(a.Generation + 1).NewReader(c.ctx); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("a generation that is not there: %v", err)
		}
	}
	_, err = c.put(o.If(storage.Conditions{DoesNotExist: true}), "x")
	c.refused(err, 412, "conditionNotMet")
	_, err = c.put(o.If(storage.Conditions{GenerationMatch: a.Generation + 1}), "x")
	c.refused(err, 412, "conditionNotMet")
	a, err = o.Update(c.ctx, storage.ObjectAttrsToUpdate{ContentType: "text/html", Metadata: map[string]string{"tenant": "bob"}})
	c.ok(err)
	if a.ContentType != "text/html" || a.CacheControl != "no-store" || a.Metadata["tenant"] != "bob" || a.Metageneration != 2 {
		t.Errorf("after a patch the object is %+v", a)
	}
	copied, err := b.Object("copy").CopierFrom(o).Run(c.ctx)
	c.ok(err)
	if copied.ContentType != "text/html" || c.text(b.Object("copy")) != "0123456789" {
		t.Errorf("the copy is %+v", copied)
	}
	joined, err := b.Object("joined").ComposerFrom(o, b.Object("copy")).Run(c.ctx)
	c.ok(err)
	if joined.ComponentCount != 2 || c.text(b.Object("joined")) != "01234567890123456789" {
		t.Errorf("joined to %+v", joined)
	}
	w = b.Object("wrong").NewWriter(c.ctx)
	w.CRC32C, w.SendCRC32C = 1, true
	_, _ = io.WriteString(w, "x")
	if err := w.Close(); err == nil {
		t.Error("a wrong sum was accepted")
	}
	c.ok(o.Delete(c.ctx))
	if err := o.Delete(c.ctx); !errors.Is(err, storage.ErrObjectNotExist) {
		t.Errorf("deleted twice: %v", err)
	}
	if got := c.text(b.Object("copy")); got != "0123456789" {
		t.Errorf("without its source the copy is %q", got)
	}
}

// TestResumable sends in pieces, one of which fails at first.
func TestResumable(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 50_000) // 800 kB in pieces of 256 KiB
	for _, fault := range []*engine.Fault{nil, {Kind: engine.FaultError, Status: 503, Path: "^/upload/", After: 2, Count: 1}} {
		c.eng.Faults.Clear()
		if fault != nil {
			_, err := c.eng.Faults.Add(*fault)
			c.ok(err)
		}
		client := c.client("owner")
		client.SetRetry(storage.WithPolicy(storage.RetryAlways))
		w := client.Bucket("acme-backups").Object("large").NewWriter(c.ctx)
		w.ChunkSize = 256 << 10
		_, err := w.Write(content)
		c.ok(err)
		c.ok(w.Close())
		if got := c.text(b.Object("large")); got != string(content) {
			t.Errorf("%d bytes came back", len(got))
		}
	}
}

// TestSession speaks the protocol of sessions by hand: a piece that is sent twice,
// a question how far it is, and an end that is asked for twice.
func TestSession(t *testing.T) {
	c := newCloud(t)
	c.bucket("acme-backups", storage.BucketAttrs{})
	send := func(method, url, span, body string) *http.Response {
		r, err := http.NewRequestWithContext(c.ctx, method, url, strings.NewReader(body))
		c.ok(err)
		r.Header.Set("Content-Range", span)
		resp, err := (&http.Client{Transport: bearer{"owner"}}).Do(r)
		c.ok(err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	begun := send("POST", c.url+"/upload/storage/v1/b/acme-backups/o?uploadType=resumable&name=k", "", "")
	at := begun.Header.Get("Location")
	if begun.StatusCode != 200 || at == "" {
		t.Fatalf("begun with %d at %q", begun.StatusCode, at)
	}
	for i, step := range []struct {
		span, body string
		status     int
		have       string
	}{
		{"bytes */*", "", 308, ""},
		{"bytes 0-3/*", "0123", 308, "bytes=0-3"},
		{"bytes 0-3/*", "0123", 308, "bytes=0-3"},
		{"bytes */*", "", 308, "bytes=0-3"},
		{"bytes 9-9/10", "9", 503, ""},
		{"bytes 4-9/10", "456789", 200, ""},
		{"bytes 4-9/10", "456789", 200, ""},
	} {
		resp := send("PUT", at, step.span, step.body)
		if resp.StatusCode != step.status || resp.Header.Get("Range") != step.have {
			t.Errorf("step %d: %d with the range %q, want %d with %q", i, resp.StatusCode, resp.Header.Get("Range"), step.status, step.have)
		}
	}
	if got := c.text(c.client("owner").Bucket("acme-backups").Object("k")); got != "0123456789" {
		t.Errorf("the object is %q", got)
	}
}

// names lists a query's objects and folded beginnings.
func (c *cloud) names(b *storage.BucketHandle, q *storage.Query, page int) []string {
	c.t.Helper()
	var out []string
	pager := iterator.NewPager(b.Objects(c.ctx, q), page, "")
	for {
		var items []*storage.ObjectAttrs
		token, err := pager.NextPage(&items)
		c.ok(err)
		for _, o := range items {
			out = append(out, o.Prefix+o.Name)
		}
		if token == "" {
			return out
		}
	}
}

func TestListings(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{VersioningEnabled: true})
	for _, name := range []string{"a", "a/1", "a/2", "a/b/3", "b", "c/1"} {
		c.mustPut(b.Object(name), name)
	}
	c.mustPut(b.Object("b"), "again")
	for name, test := range map[string]struct {
		query storage.Query
		want  string
	}{
		"all":         {storage.Query{}, "a a/1 a/2 a/b/3 b c/1"},
		"prefix":      {storage.Query{Prefix: "a/"}, "a/1 a/2 a/b/3"},
		"folded":      {storage.Query{Delimiter: "/"}, "a a/ b c/"},
		"both":        {storage.Query{Prefix: "a/", Delimiter: "/"}, "a/1 a/2 a/b/"},
		"from and to": {storage.Query{StartOffset: "a/2", EndOffset: "c"}, "a/2 a/b/3 b"},
		"versions":    {storage.Query{Versions: true, Prefix: "b"}, "b b"},
		"nothing":     {storage.Query{Prefix: "z"}, ""},
	} {
		for _, page := range []int{1, 2, 1000} {
			got := c.names(b, &test.query, page)
			slices.Sort(got)
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s, %d a page: %q, want %q", name, page, got, test.want)
			}
		}
	}
}

func TestVersionsAndSoftDeletion(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{VersioningEnabled: true, SoftDeletePolicy: &storage.SoftDeletePolicy{RetentionDuration: 7 * day}})
	o := b.Object("k")
	one, two := c.mustPut(o, "1"), c.mustPut(o, "2")
	if one >= two || c.text(o.Generation(one)) != "1" || c.text(o) != "2" {
		t.Errorf("generations %d, %d: %q, %q", one, two, c.text(o.Generation(one)), c.text(o))
	}
	c.ok(o.Delete(c.ctx))
	if _, err := o.Attrs(c.ctx); !errors.Is(err, storage.ErrObjectNotExist) || c.text(o.Generation(two)) != "2" {
		t.Errorf("after a deletion: %v", err)
	}
	c.ok(o.Generation(two).Delete(c.ctx))
	if got := c.names(b, &storage.Query{Versions: true}, 10); len(got) != 1 {
		t.Errorf("versions left: %q", got)
	}
	if got := c.names(b, &storage.Query{SoftDeleted: true}, 10); len(got) != 1 {
		t.Errorf("softly deleted: %q", got)
	}
	a, err := o.Generation(two).SoftDeleted().Attrs(c.ctx)
	c.ok(err)
	if a.HardDeleteTime.Sub(a.SoftDeleteTime) != 7*day {
		t.Errorf("deleted softly at %s until %s", a.SoftDeleteTime, a.HardDeleteTime)
	}
	restored, err := o.Generation(two).Restore(c.ctx, &storage.RestoreOptions{})
	c.ok(err)
	if restored.Generation <= two || c.text(o) != "2" {
		t.Errorf("restored as %d: %q", restored.Generation, c.text(o))
	}
	c.advance(8 * day)
	if got := c.names(b, &storage.Query{SoftDeleted: true}, 10); len(got) != 0 {
		t.Errorf("softly deleted for ever: %q", got)
	}
	_, err = o.Generation(two).Restore(c.ctx, &storage.RestoreOptions{})
	if err == nil {
		t.Error("restored after its time")
	}
}

func TestRetentionWithVersions(t *testing.T) {
	c := newCloud(t)
	b := c.bucket("acme-backups", storage.BucketAttrs{VersioningEnabled: true, SoftDeletePolicy: &storage.SoftDeletePolicy{},
		RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 10 * day},
		Lifecycle: storage.Lifecycle{Rules: []storage.LifecycleRule{{Action: storage.LifecycleAction{Type: "Delete"},
			Condition: storage.LifecycleCondition{DaysSinceNoncurrentTime: 1}}}}})
	o := b.Object("k")
	one := c.mustPut(o, "1")
	c.mustPut(o, "2") // what is retained can be made noncurrent
	c.refused(o.Generation(one).Delete(c.ctx), 403, "retentionPolicyNotMet")
	c.advance(9 * day)
	if got := c.text(o.Generation(one)); got != "1" {
		t.Errorf("a rule destroyed what is retained: %q", got)
	}
	c.advance(2 * day)
	if got := c.names(b, &storage.Query{Versions: true}, 10); len(got) != 1 || c.text(o) != "2" {
		t.Errorf("after its time: %q", got)
	}
}

func TestHoldsAndObjectRetention(t *testing.T) {
	c := newCloud(t)
	plain := c.bucket("acme-plain", storage.BucketAttrs{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: day}, SoftDeletePolicy: &storage.SoftDeletePolicy{}})
	o := plain.Object("k")
	c.mustPut(o, "x")
	_, err := o.Update(c.ctx, storage.ObjectAttrsToUpdate{TemporaryHold: true})
	c.ok(err)
	c.advance(2 * day)
	if message := c.refused(o.Delete(c.ctx), 403, "forbidden"); !strings.Contains(message, "under active Temporary hold") {
		t.Errorf("it says %q", message)
	}
	_, err = o.Update(c.ctx, storage.ObjectAttrsToUpdate{TemporaryHold: false, EventBasedHold: true})
	c.ok(err)
	c.refused(o.Delete(c.ctx), 403, "forbidden")
	a, err := o.Update(c.ctx, storage.ObjectAttrsToUpdate{EventBasedHold: false})
	c.ok(err)
	if want := c.eng.Clock.Now().Add(day); !a.RetentionExpirationTime.Equal(want) {
		t.Errorf("after the event the object is kept until %s, want %s", a.RetentionExpirationTime, want)
	}
	c.refused(o.Delete(c.ctx), 403, "retentionPolicyNotMet")
	c.advance(day)
	c.ok(o.Delete(c.ctx))
	until := c.eng.Clock.Now().Add(10 * day)
	c.mustPut(o, "x")
	_, err = o.Update(c.ctx, storage.ObjectAttrsToUpdate{Retention: &storage.ObjectRetention{Mode: "Locked", RetainUntil: until}})
	c.refused(err, 400, "invalid") // the bucket was not made for it

	b := c.client("owner").Bucket("acme-locked").SetObjectRetention(true)
	c.ok(b.Create(c.ctx, project, &storage.BucketAttrs{Location: "EU", SoftDeletePolicy: &storage.SoftDeletePolicy{}}))
	o = b.Object("k")
	c.mustPut(o, "x")
	retain := func(o *storage.ObjectHandle, mode string, until time.Time) error {
		_, err := o.Update(c.ctx, storage.ObjectAttrsToUpdate{Retention: &storage.ObjectRetention{Mode: mode, RetainUntil: until}})
		return err
	}
	c.ok(retain(o, "Unlocked", until))
	c.refused(o.Delete(c.ctx), 403, "retentionPolicyNotMet")
	c.refused(retain(o, "Unlocked", until.Add(-day)), 403, "forbidden")
	c.ok(retain(o.OverrideUnlockedRetention(true), "Unlocked", until.Add(-day)))
	c.ok(retain(o.OverrideUnlockedRetention(true), "Locked", until))
	c.refused(retain(o.OverrideUnlockedRetention(true), "Locked", until.Add(-day)), 403, "forbidden")
	c.refused(retain(o.OverrideUnlockedRetention(true), "Unlocked", until.Add(day)), 403, "forbidden")
	c.ok(retain(o, "Locked", until.Add(day)))
	_, err = c.put(o, "y")
	c.refused(err, 403, "retentionPolicyNotMet")
	c.advance(11 * day)
	c.ok(o.Delete(c.ctx))
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	c := openCloud(t, dir)
	b := c.bucket("acme-immutable", storage.BucketAttrs{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: 30 * day}})
	g := c.mustPut(b.Object("k"), "precious")
	c.stop()
	c = openCloud(t, dir)
	o := c.client("owner").Bucket("acme-immutable").Object("k")
	if got := c.text(o.Generation(g)); got != "precious" {
		t.Errorf("got %q", got)
	}
	c.refused(o.Delete(c.ctx), 403, "retentionPolicyNotMet")
}

func TestLostRegion(t *testing.T) {
	c := newCloud(t)
	c.bucket("acme-frankfurt", storage.BucketAttrs{Location: "europe-west3"})
	c.bucket("acme-finland", storage.BucketAttrs{Location: "europe-north1"})
	_, err := c.eng.Faults.Add(engine.Fault{Kind: engine.FaultLocationLost, Cloud: "google", Location: "europe-west3"})
	c.ok(err)
	_, err = c.client("owner").Bucket("acme-frankfurt").Attrs(c.ctx)
	c.refused(err, 503, "backendError")
	_, err = c.client("owner").Bucket("acme-finland").Attrs(c.ctx)
	c.ok(err)
	c.eng.Faults.Clear()
	_, err = c.eng.Faults.Add(engine.Fault{Kind: engine.FaultRateLimit, Cloud: "gcs"})
	c.ok(err)
	_, err = c.client("owner").Bucket("acme-finland").Attrs(c.ctx)
	c.refused(err, 429, "rateLimitExceeded")
	if n := c.api.Recorder().Snapshot().Routes["GET /storage/v1/b/{bucket}"]; n != 3 {
		t.Errorf("counted %d", n)
	}
}
