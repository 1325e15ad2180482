package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest/status"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// What a repository of restic holds besides packs: the backups that BAK-1
// keeps, and as many of the rest as a repository that is pruned daily has.
const (
	backupsOfTenant = 14
	indexesOfTenant = 3
	// packsOfTenant of restic's default size (16 MiB) hold 800 MiB.
	packsOfTenant = 50
)

// filled are buckets with what is in them.
type filled struct {
	buckets []cloud.ID
	// objects are those of all buckets together; largest is the most in one.
	objects, largest int
}

// bound is what an inventory of n tenants may take at most: in each bucket one
// list for every 1,000 objects, and one small read a tenant.
func (f filled) bound(n int) (lists, reads int) {
	return len(f.buckets) * ((f.largest + cloud.MaxListedObjects - 1) / cloud.MaxListedObjects), len(f.buckets) * n
}

// split counts lists of objects, reads of one, and questions whether a bucket is
// immutable.
func (f filled) split(counts harness.Requests) (lists, reads, locks int) {
	for route, count := range counts.Routes {
		switch {
		case !strings.HasPrefix(route, "GET "):
		case strings.HasSuffix(route, "/{key}"), strings.HasSuffix(route, "/{object}"):
			reads += count
		case strings.HasSuffix(route, "/{bucket}?list-type"), strings.HasSuffix(route, "/{bucket}/o"):
			lists += count
		case strings.HasSuffix(route, "/{bucket}?object-lock"), strings.HasSuffix(route, "/b/{bucket}"):
			locks += count
		}
	}
	return lists, reads, locks
}

// fillBuckets puts the repositories and the status objects of n tenants into
// the buckets of a state. The objects have restic's names, and next to nothing
// in them: an inventory reads none of restic's.
func fillBuckets(ctx context.Context, sim *harness.Sim, state []byte, n, packs int) (filled, error) {
	var f filled
	ids, err := bucketsOfState(state)
	if err != nil {
		return f, err
	}
	f.buckets = ids
	now := sim.Clock().Now()
	group, ctx := errgroup.WithContext(ctx)
	counts := make([]int, len(ids))
	for i, id := range ids {
		put := putS3(sim, id)
		if id.Location.Cloud == simcloud.Google {
			put = putGCS(sim, id)
		}
		group.Go(func() error {
			for tenant := range n {
				objects, err := tenantObjects(ids, id, fmt.Sprintf("t%04d", tenant), packs, now)
				if err != nil {
					return err
				}
				for _, one := range objects {
					if err := errors.Join(put(one.key, one.content), ctx.Err()); err != nil {
						return fmt.Errorf("%s in %s: %w", one.key, id, err)
					}
				}
				counts[i] += len(objects)
			}
			return nil
		})
	}
	err = group.Wait()
	for _, count := range counts {
		f.objects, f.largest = f.objects+count, max(f.largest, count)
	}
	return f, err
}

func bucketsOfState(state []byte) ([]cloud.ID, error) {
	var pulled struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes struct{ ID string } }
		}
	}
	if err := json.Unmarshal(state, &pulled); err != nil {
		return nil, err
	}
	var ids []cloud.ID
	for _, resource := range pulled.Resources {
		for _, instance := range resource.Instances {
			if resource.Type != "holdfast_backup_bucket" {
				continue
			}
			id, err := cloud.ParseID(instance.Attributes.ID)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	if len(ids) != 3 {
		return nil, fmt.Errorf("the state has %d buckets, want 3", len(ids))
	}
	return ids, nil
}

type object struct {
	key     string
	content []byte
}

// tenantObjects are those of a tenant in one bucket, in the order of their keys.
func tenantObjects(ids []cloud.ID, id cloud.ID, tenant string, packs int, now time.Time) ([]object, error) {
	prefix := status.Prefix(benchDeployment, tenant)
	var objects []object
	add := func(key string) { objects = append(objects, object{prefix + "restic/" + key, []byte(key)}) }
	hash := func(bucket cloud.ID, kind string, i int) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d", bucket, tenant, kind, i))
		return hex.EncodeToString(sum[:])
	}
	add("config")
	for i := range packs {
		name := hash(id, "pack", i)
		add("data/" + name[:2] + "/" + name)
	}
	for i := range indexesOfTenant {
		add("index/" + hash(id, "index", i))
	}
	add("keys/" + hash(id, "key", 0))
	told := status.Status{Version: status.Version, Deployment: benchDeployment, Tenant: tenant, Machine: tenant, WrittenAt: now,
		BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13", System: status.System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48", BootedAt: now, PatchedAt: now}}
	for _, bucket := range ids { // each status tells of all buckets
		held := status.Bucket{Name: bucket.Native, Location: bucket.Location.String(), Check: &status.Check{At: now, Result: status.OK},
			LastRun: &status.Run{StartedAt: now.Add(-ageOfNewest), FinishedAt: now.Add(-ageOfNewest), Result: status.OK}}
		for i := range backupsOfTenant {
			class, days := cloud.BackupDaily, i
			if i >= 11 {
				class, days = cloud.BackupMonthly, 30*(i-9)
			} else if i >= 7 {
				class, days = cloud.BackupWeekly, 7*(i-5)
			}
			held.Snapshots = append(held.Snapshots, status.Snapshot{ID: hash(bucket, "snapshot", i), Time: now.Add(-ageOfNewest).AddDate(0, 0, -days), Bytes: 1 << 30, Classes: []cloud.BackupClass{class}})
		}
		told.Backups = append(told.Backups, held)
	}
	for i := range backupsOfTenant {
		add("snapshots/" + hash(id, "snapshot", i))
	}
	text, err := told.Encode()
	return append(objects, object{status.Key(benchDeployment, tenant), text}), err
}

// putS3 and putGCS hand requests to the embedded stores without a network
// between: there are hundreds of thousands.
func putS3(sim *harness.Sim, id cloud.ID) func(string, []byte) error {
	handler := sim.S3Handler(id.Location.Name)
	return func(key string, content []byte) error {
		r, err := http.NewRequest(http.MethodPut, "http://s3.local/"+id.Native+"/"+key, strings.NewReader(string(content))) //nolint:noctx // it goes to no network
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		return serve(handler, signer.SignV4(*r, simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey, "", id.Location.Name))
	}
}

func putGCS(sim *harness.Sim, id cloud.ID) func(string, []byte) error {
	handler := sim.GCSHandler()
	return func(key string, content []byte) error {
		r, err := http.NewRequest(http.MethodPost, "http://gcs.local/upload/storage/v1/b/"+id.Native+"/o?uploadType=media&name="+url.QueryEscape(key), strings.NewReader(string(content))) //nolint:noctx // it goes to no network
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return serve(handler, r)
	}
}

func serve(handler http.Handler, r *http.Request) error {
	answer := &answer{header: http.Header{}}
	handler.ServeHTTP(answer, r)
	if answer.status != http.StatusOK {
		return fmt.Errorf("%d %s", answer.status, answer.body.String())
	}
	return nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   strings.Builder
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(text []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.body.Write(text)
}
