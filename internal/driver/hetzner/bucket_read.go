package hetzner

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// bucketState is all that the store tells of a bucket: one request for each
// field, since S3 has no request for all of them.
type bucketState struct {
	name      string
	labels    map[string]string
	versioned bool
	// locked says that object lock was switched on when the bucket was made.
	locked bool
	// mode and days are the default retention; days is 0 where there is none.
	mode      minio.RetentionMode
	days      int
	policy    string
	owner     string // p<project>
	public    bool   // by its access control list
	lifecycle *lifecycle.Configuration
}

// readBucket reads everything, with six requests at once.
func (c *s3) readBucket(ctx context.Context, name string) (*bucketState, error) {
	state := &bucketState{name: name}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { state.labels, err = c.labelsOf(ctx, name); return err })
	group.Go(func() error {
		have, err := c.GetBucketVersioning(ctx, name)
		state.versioned = have.Enabled()
		return err
	})
	group.Go(func() error { return c.readLock(ctx, state) })
	group.Go(func() (err error) { state.policy, err = c.Client.GetBucketPolicy(ctx, name); return err })
	group.Go(func() (err error) { state.owner, state.public, err = c.grantsOf(ctx, name); return err })
	group.Go(func() (err error) {
		state.lifecycle, err = c.GetBucketLifecycle(ctx, name)
		if s3Code(err) == "NoSuchLifecycleConfiguration" {
			state.lifecycle, err = nil, nil
		}
		return err
	})
	return state, group.Wait()
}

// labelsOf reads a bucket's tags.
func (c *s3) labelsOf(ctx context.Context, name string) (map[string]string, error) {
	have, err := c.GetBucketTagging(ctx, name)
	if s3Code(err) == "NoSuchTagSet" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return have.ToMap(), nil
}

func (c *s3) readLock(ctx context.Context, state *bucketState) error {
	on, mode, validity, unit, err := c.GetObjectLockConfig(ctx, state.name)
	switch {
	// Amazon's code, and the gateway's.
	case s3Code(err) == "ObjectLockConfigurationNotFoundError", s3Code(err) == "NoSuchObjectLockConfiguration":
		return nil
	case err != nil:
		return err
	}
	state.locked = on == "Enabled"
	if mode != nil && validity != nil && unit != nil {
		state.mode, state.days = *mode, int(*validity) //nolint:gosec // the store takes at most 36,500 days
		if *unit == minio.Years {
			state.days *= 365
		}
	}
	return nil
}

// accessControl is a bucket's list of grants.
type accessControl struct {
	XMLName xml.Name `xml:"AccessControlPolicy"`
	Owner   struct{ ID string }
	Grants  []struct {
		Grantee struct{ ID, URI string }
	} `xml:"AccessControlList>Grant"`
}

// grantsOf reads the list: the user that owns the bucket (p<project>), and whether
// anything is granted to anybody else.
func (c *s3) grantsOf(ctx context.Context, name string) (owner string, public bool, err error) {
	var list accessControl
	if err := c.ask(ctx, http.MethodGet, name, url.Values{"acl": {""}}, nil, &list); err != nil {
		return "", false, err
	}
	for _, grant := range list.Grants {
		public = public || grant.Grantee.URI != "" || grant.Grantee.ID != list.Owner.ID
	}
	return list.Owner.ID, public, nil
}

// makePrivate takes all grants away but the owner's.
func (c *s3) makePrivate(ctx context.Context, name string) error {
	return c.ask(ctx, http.MethodPut, name, url.Values{"acl": {""}}, map[string]string{"X-Amz-Acl": "private"}, nil)
}

// immutableDays is for how long nobody can destroy what is written now: only
// the mode of compliance binds the account's owner, too.
func (s *bucketState) immutableDays() int {
	if s.locked && s.mode == minio.Compliance {
		return s.days
	}
	return 0
}

// observe translates a state. location is where it was found.
func (s *bucketState) observe(location, endpoint string) cloud.Bucket {
	b := cloud.Bucket{Endpoint: endpoint}
	b.Meta = cloud.MetaOf(Name, s.labels)
	b.Location.Name = location
	if b.Name == "" { // a bucket cannot be renamed: the label is right
		b.Name = s.name
	}
	b.Object = cloud.Object{ID: cloud.ID{Location: b.Location, Native: s.name}, NativeName: s.name}
	b.ImmutableDays = s.immutableDays()
	// A compliance retention is locked from the beginning.
	b.LockRetention = b.ImmutableDays > 0
	var broken [7]bool
	b.OldVersionDays, broken[5] = judgeLifecycle(s.lifecycle, b.ImmutableDays)
	policy := judgePolicy(s.name, s.policy)
	broken[0] = s.public || !policy.private
	broken[1] = !s.versioned
	broken[3] = !policy.tls
	broken[4] = b.ImmutableDays < wantedDays(s.labels, cloud.LabelImmutableDays, b.ImmutableDays) || s.mode == minio.Governance
	broken[5] = broken[5] || b.OldVersionDays != wantedDays(s.labels, cloud.LabelOldVersionDays, b.OldVersionDays)
	guests := judgeGuests(s.name, s.owner, b.Deployment, policy.others)
	b.Guests, broken[6] = guests.guests, !guests.intact
	// The third is encryption, of which the vendor has no switch: see the
	// package comment.
	guards := []cloud.BucketGuard{cloud.GuardPrivate, cloud.GuardVersioned, cloud.GuardEncrypted, cloud.GuardTLS, cloud.GuardRetention, cloud.GuardLifecycle, cloud.GuardGuests}
	for i, guard := range guards {
		if broken[i] {
			b.Broken = append(b.Broken, guard)
		}
	}
	return b
}

// unused tells whether a bucket holds nothing and was never set up: no labels,
// no policy, no rules, no versions, no uploads. It is what a create leaves whose
// answer was lost or whose run was killed.
func (c *s3) unused(ctx context.Context, s *bucketState) (bool, error) {
	if len(s.labels) > 0 || s.policy != "" || s.lifecycle != nil || s.days > 0 || s.public {
		return false, nil
	}
	for _, list := range []url.Values{{"versions": {""}, "max-keys": {"1"}}, {"uploads": {""}, "max-uploads": {"1"}}} {
		var found struct {
			Version      []struct{}
			DeleteMarker []struct{}
			Upload       []struct{}
		}
		if err := c.ask(ctx, http.MethodGet, s.name, list, nil, &found); err != nil {
			return false, err
		}
		if len(found.Version)+len(found.DeleteMarker)+len(found.Upload) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// has tells whether a guard is broken.
func has(b cloud.Bucket, guard cloud.BucketGuard) bool { return slices.Contains(b.Broken, guard) }
