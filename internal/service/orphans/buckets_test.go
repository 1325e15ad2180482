package orphans

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

// bucket makes a bucket, as an apply that nobody remembers did.
func (w world) bucket(t *testing.T, deployment, where string, immutableDays int) cloud.ID {
	t.Helper()
	location := at(t, where)
	return w[location.Cloud].BucketStore.Put(cloud.BucketSpec{Meta: cloud.Meta{Name: "backups", Location: location, Deployment: deployment}, ImmutableDays: immutableDays})
}

func TestFindBuckets(t *testing.T) {
	w := newWorld()
	left := w.bucket(t, "test", "hetzner/fsn1", 0)
	living := w.bucket(t, "test", "hetzner/hel1", 0)
	known := w.bucket(t, "test", "hetzner/nbg1", 0)
	w.bucket(t, "somebody-else", "hetzner/fsn1", 0)
	w.bucket(t, "", "hetzner/fsn1", 0)
	far := w.bucket(t, "test", "google/us-central1-a", 93)
	request := Request{Known: func(kind cloud.Kind, id cloud.ID) bool { return kind == cloud.KindBucket && id == known }}
	request.Owned.Add(cloud.KindBucket, living)

	answer := w.find(t, request)
	if got, want := names(answer.Orphans), "backup_bucket "+far.String()+", backup_bucket "+left.String(); got != want {
		t.Errorf("orphans: %s\nwant %s", got, want)
	}
	if got := answer.Orphans[1].String(); got != `backup bucket "backups" (`+left.String()+")" {
		t.Errorf("it is called %s", got)
	}
	if got := names(w.find(t, request, "google/us-central1-a").Orphans); got != "backup_bucket "+left.String() {
		t.Errorf("with a lost location: %s", got)
	}
	if len(answer.NoBuckets) > 0 {
		t.Errorf("not asked for buckets: %v", answer.NoBuckets)
	}
}

// Without access to the object storage the rest is found all the same, and it is
// told.
func TestFindWithoutBuckets(t *testing.T) {
	closed := &cloud.Error{Code: cloud.CodeUnauthorized, Cloud: "hetzner", Message: "no access key"}
	for name, test := range map[string]struct {
		change func(*servicetest.Cloud)
		why    string
	}{
		"no keys":    {func(c *servicetest.Cloud) { c.BucketsErr = closed }, "no access key"},
		"no buckets": {func(c *servicetest.Cloud) { c.NoBuckets = true }, "no buckets for backups"},
		"refused": {func(c *servicetest.Cloud) {
			c.Fault = func(call string, kind cloud.Kind, _ string) error {
				if call == "list" && kind == cloud.KindBucket {
					return closed
				}
				return nil
			}
		}, "no access key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.bucket(t, "test", "hetzner/fsn1", 0)
			key, far := w.key(t, "test", "hetzner/fsn1"), w.bucket(t, "test", "google/us-central1-a", 0)
			test.change(w["hetzner"])
			answer := w.find(t, Request{})
			if got, want := names(answer.Orphans), "backup_bucket "+far.String()+", ssh_key "+key.String(); got != want {
				t.Errorf("orphans: %s\nwant %s", got, want)
			}
			if !slices.Equal(answer.NoBuckets, []string{"hetzner"}) || len(answer.BucketRefusals) != 1 || !strings.Contains(answer.BucketRefusals[0].Error(), test.why) ||
				len(answer.NoAccess) != 0 {
				t.Errorf("no buckets of %v (%v), no access to %v", answer.NoBuckets, answer.BucketRefusals, answer.NoAccess)
			}
		})
	}
}

// A store that does not answer is an error: its buckets would be missed.
func TestFindBucketsUnknown(t *testing.T) {
	for name, err := range map[string]*cloud.Error{
		"does not answer":           {Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "no route"},
		"credentials not known yet": {Code: cloud.CodeUnauthorized, Cloud: "hetzner", Message: "not known", Err: service.ErrNotYetKnown},
	} {
		w := newWorld()
		if err.Err == nil {
			w["hetzner"].Fault = func(call string, kind cloud.Kind, _ string) error {
				if kind == cloud.KindBucket {
					return err
				}
				return nil
			}
		} else {
			w["hetzner"].BucketsErr = err
		}
		_, diags := servicetest.ReadDataSource(t, servicetest.NewEnv(t, w), NewDataSource, servicetest.Config{"known_ids": []any{}})
		if problems := diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], err.Message) {
			t.Errorf("%s: %q", name, problems)
		}
	}
}

// An empty bucket goes; one that holds anything or is immutable stays, whatever
// was asked, and that is no failure.
func TestRemoveBuckets(t *testing.T) {
	w := newWorld()
	empty, full, immutable := w.bucket(t, "test", "hetzner/fsn1", 0), w.bucket(t, "test", "hetzner/hel1", 0), w.bucket(t, "test", "hetzner/nbg1", 93)
	w["hetzner"].BucketStore.Write(full.Native, "test/acme/restic/config", []byte("x"), time.Time{})
	outcomes := Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{Protected: true})
	kept := map[string]string{}
	for _, o := range outcomes {
		kept[o.ID.String()] = o.Kept
	}
	if len(kept) != 3 || kept[empty.String()] != "" || !strings.Contains(kept[full.String()], "it is not empty, and backups are never deleted here") ||
		!strings.Contains(kept[immutable.String()], "it is immutable for 93 days (BAK-6)") {
		t.Errorf("kept %v", kept)
	}
	if err := Failed(outcomes); err != nil {
		t.Errorf("keeping is no failure: %v", err)
	}
	if n := len(w["hetzner"].BucketStore.All()); n != 2 || w["hetzner"].Count("empty", cloud.KindBucket) != 0 || w["hetzner"].Count("list", cloud.KindVM) != 1 {
		t.Errorf("%d buckets are left", n)
	}

	w["hetzner"].Fault = func(call string, _ cloud.Kind, _ string) error {
		if call == "delete" {
			return &cloud.Error{Code: cloud.CodeUnavailable, Cloud: "hetzner", Message: "no answer"}
		}
		return nil
	}
	w.bucket(t, "test", "hetzner/fsn1", 0)
	if err := Failed(Remove(t.Context(), w, w.find(t, Request{}).Orphans, RemoveOptions{})); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("a failure: %v", err)
	}
}
