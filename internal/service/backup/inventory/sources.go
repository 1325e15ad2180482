package inventory

import (
	"fmt"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/backup"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service"
)

// Grace is added to the objective before a backup is too old: a daily backup is
// as old as the objective when the next begins, takes its time, and on the day
// on which clocks go back is an hour later.
const Grace = 2 * time.Hour

// maxRPOHours is the longest objective that is taken: a year. What is longer is no
// objective, and would not fit a duration at some length.
const maxRPOHours = 8760

// Bucket is one to look into.
type Bucket struct {
	ID        cloud.ID
	Immutable bool
}

// Sources gives the buckets to package backup, each once. It contacts nobody;
// of a lost location not even a driver is made. An error says why there is no
// access to a bucket.
func Sources(env *service.Env, buckets []Bucket) ([]backup.Source, error) {
	var sources []backup.Source
	position := map[cloud.ID]int{}
	for _, b := range buckets {
		if i, twice := position[b.ID]; twice {
			sources[i].Immutable = sources[i].Immutable || b.Immutable
			continue
		}
		source := backup.Source{Name: b.ID.Native, Location: b.ID.Location, Immutable: b.Immutable, Lost: env.Lost.Contains(b.ID.Location)}
		if !source.Lost {
			if _, err := env.Catalog.Lookup(b.ID.Location); err != nil {
				return nil, fmt.Errorf("%s: %w", b.ID, err)
			}
			driver, err := env.Clouds.Driver(b.ID.Location.Cloud)
			if err != nil {
				return nil, err
			}
			stores, err := cloud.BucketsOf(driver)
			if err != nil {
				return nil, err
			}
			if source.Reader, err = stores.Open(b.ID); err != nil {
				return nil, err
			}
		}
		position[b.ID] = len(sources)
		sources = append(sources, source)
	}
	return sources, nil
}

// Options are those of an inventory of the environment's deployment: classes
// that no guest tells of are counted as the default retention keeps them.
func Options(env *service.Env, tenants []string, rpo time.Duration, now time.Time) backup.Options {
	return backup.Options{Deployment: env.Deployment, Tenants: tenants, RPO: rpo, Grace: Grace, Now: now,
		Policy: backup.Policy{Keep: cloud.DefaultRetention(), KeepOldest: true}}
}
