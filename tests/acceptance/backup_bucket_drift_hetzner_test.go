package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/tags"
)

// setACL sets a canned access control list, which the client has no call for.
func setACL(ctx context.Context, store *minio.Client, name, list string) error {
	header := http.Header{"X-Amz-Acl": {list}}
	at, err := store.PresignHeader(ctx, http.MethodPut, name, "", time.Minute, url.Values{"acl": {""}}, header)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, at.String(), nil)
	if err != nil {
		return err
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return nil
}

// listable tells how a store answers somebody without keys who lists a bucket.
func listable(ctx context.Context, at string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return false, nil
	}
	return false, fmt.Errorf("%s: %s", at, response.Status)
}

// opensTo wants that strangers can list a bucket as long as the harm lasts, and
// not after.
func opensTo(at func(name string) string) func(context.Context, string, bool) error {
	return func(ctx context.Context, name string, repaired bool) error {
		open, err := listable(ctx, at(name))
		if err == nil && open == repaired {
			err = fmt.Errorf("repaired is %t, and strangers can list the bucket: %t", repaired, open)
		}
		return err
	}
}

// changePolicy rewrites a bucket's policy, statement by statement.
func changePolicy(ctx context.Context, store *minio.Client, name string, change func([]map[string]any) []map[string]any) error {
	text, err := store.GetBucketPolicy(ctx, name)
	if err != nil {
		return err
	}
	var policy struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return err
	}
	policy.Statement = change(policy.Statement)
	changed, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	return store.SetBucketPolicy(ctx, name, string(changed))
}

func without(sid string) func([]map[string]any) []map[string]any {
	return func(statements []map[string]any) []map[string]any {
		return slices.DeleteFunc(statements, func(s map[string]any) bool { return s["Sid"] == sid })
	}
}

// expiring is a rule that S3 carries out by itself.
func expiring(rule lifecycle.Rule) *lifecycle.Configuration {
	rule.ID, rule.Status = "somebody", "Enabled"
	config := lifecycle.NewConfiguration()
	config.Rules = []lifecycle.Rule{rule}
	return config
}

func TestBackupBucketDriftHetzner(t *testing.T) {
	const place = "hetzner/nbg1"
	v := newVaults(t)
	store := v.store(t, "nbg1")
	list := opensTo(func(name string) string { return v.S3Endpoint("nbg1") + "/" + name })
	drifts(t, v, v.config(bucket(place, `labels = { team = "db" }`)), intact(place, 0), []harm{
		{what: "the policy is removed", do: func(ctx context.Context, name string) error { return store.SetBucketPolicy(ctx, name, "") },
			shows: map[string]string{"protections.private": "false", "protections.tls_only": "false"}},
		{what: "requests without TLS are let in", do: func(ctx context.Context, name string) error {
			return changePolicy(ctx, store, name, without("HoldfastTLSOnly"))
		}, shows: map[string]string{"protections.tls_only": "false"}},
		{what: "public objects are let in", do: func(ctx context.Context, name string) error {
			return changePolicy(ctx, store, name, without("HoldfastNoPublicObjects"))
		}, shows: map[string]string{"protections.private": "false"}},
		{what: "the policy lets everybody in", do: func(ctx context.Context, name string) error {
			return changePolicy(ctx, store, name, func(statements []map[string]any) []map[string]any {
				// Without the denial of requests without TLS, as the test's are.
				return append(without("HoldfastTLSOnly")(statements), map[string]any{"Sid": "Public", "Effect": "Allow", "Principal": "*",
					"Action": []string{"s3:ListBucket"}, "Resource": []string{"arn:aws:s3:::" + name}})
			})
		}, shows: map[string]string{"protections.private": "false", "protections.tls_only": "false"}, proof: list},
		{what: "the access control list lets everybody in", do: func(ctx context.Context, name string) error {
			return setACL(ctx, store, name, "public-read")
		}, shows: map[string]string{"protections.private": "false"}},
		{what: "versioning is suspended", do: func(ctx context.Context, name string) error { return store.SuspendVersioning(ctx, name) },
			shows: map[string]string{"protections.versioned": "false"}},
		{what: "objects expire", do: func(ctx context.Context, name string) error {
			return store.SetBucketLifecycle(ctx, name, expiring(lifecycle.Rule{Expiration: lifecycle.Expiration{Days: 30}}))
		}, shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "0"}},
		{what: "old versions go after a day", do: func(ctx context.Context, name string) error {
			return store.SetBucketLifecycle(ctx, name, expiring(lifecycle.Rule{NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1}}))
		}, shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "1"}},
		{what: "the lifecycle is removed", do: func(ctx context.Context, name string) error { return store.SetBucketLifecycle(ctx, name, nil) },
			shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "0"}},
		{what: "a label is changed", do: func(ctx context.Context, name string) error {
			have, err := store.GetBucketTagging(ctx, name)
			if err != nil {
				return err
			}
			labels := have.ToMap()
			labels["team"] = "web"
			changed, err := tags.NewTags(labels, false)
			if err != nil {
				return err
			}
			return store.SetBucketTagging(ctx, name, changed)
		}, shows: map[string]string{"labels.team": "web"}},
	})
}

// The default retention of an immutable bucket is shortened, weakened and
// removed. All of it is repaired in place: the bucket still has object lock, and
// a replacement would delete what it is there to keep.
func TestBackupBucketDriftHetznerRetention(t *testing.T) {
	const place = "hetzner/nbg1"
	v := newVaults(t)
	store := v.store(t, "nbg1")
	retain := func(mode minio.RetentionMode, days uint) func(context.Context, string) error {
		return func(ctx context.Context, name string) error {
			unit := minio.Days
			return store.SetBucketObjectLockConfig(ctx, name, &mode, &days, &unit)
		}
	}
	drifts(t, v, v.config(bucket(place, `labels = { team = "db" }`+"\n  immutable_days = 93")), intact(place, 93), []harm{
		{what: "the retention is shortened", do: retain(minio.Compliance, 10), shows: map[string]string{"protections.retention": "false", "immutable_days": "10"}},
		{what: "the retention can be lifted", do: retain(minio.Governance, 93), shows: map[string]string{"protections.retention": "false", "immutable_days": "0"}},
		{what: "the retention is removed", do: func(ctx context.Context, name string) error {
			return store.SetBucketObjectLockConfig(ctx, name, nil, nil, nil)
		}, shows: map[string]string{"protections.retention": "false", "immutable_days": "0"},
			proof: func(ctx context.Context, name string, repaired bool) error {
				_, mode, days, _, err := store.GetObjectLockConfig(ctx, name)
				if err == nil && repaired && (mode == nil || *mode != minio.Compliance || days == nil || *days != 93) {
					err = fmt.Errorf("the retention is %v %v", mode, days)
				}
				return err
			}},
		{what: "old versions go within the retention", do: func(ctx context.Context, name string) error {
			return store.SetBucketLifecycle(ctx, name, expiring(lifecycle.Rule{NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 5}}))
		}, shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "5"}},
	})
}
