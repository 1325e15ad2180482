package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// gcs asks Cloud Storage's JSON API as the account's owner: what somebody does
// behind Terraform's back. path is below the API's base, or begins with a slash.
func (v vaults) gcs(ctx context.Context, method, path, body string) ([]byte, error) {
	at := v.StorageEndpoint() + path
	if strings.HasPrefix(path, "/") {
		at = strings.TrimSuffix(v.StorageEndpoint(), "/storage/v1/") + path
	}
	request, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return text, err
}

// patched is a harm's deed that changes settings of a bucket.
func (v vaults) patched(body string) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		_, err := v.gcs(ctx, http.MethodPatch, "b/"+name, body)
		return err
	}
}

// admits adds a member to a bucket's policy.
func (v vaults) admits(ctx context.Context, name, role, member string) error {
	text, err := v.gcs(ctx, http.MethodGet, "b/"+name+"/iam", "")
	if err != nil {
		return err
	}
	policy := map[string]any{}
	if err := json.Unmarshal(text, &policy); err != nil {
		return err
	}
	bindings, _ := policy["bindings"].([]any)
	policy["bindings"] = append(slices.Clone(bindings), map[string]any{"role": role, "members": []string{member}})
	changed, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	_, err = v.gcs(ctx, http.MethodPut, "b/"+name+"/iam", string(changed))
	return err
}

const (
	rightKey = "projects/acme-prod/locations/us-central1/keyRings/backups/cryptoKeys/all"
	wrongKey = "projects/somebody/locations/us-central1/keyRings/theirs/cryptoKeys/theirs"
)

func TestBackupBucketDriftGoogle(t *testing.T) {
	const place = "google/us-central1-a"
	v := newVaults(t)
	holds := intact(place, 0)
	holds["google.kms_key"], holds["soft_delete_days"] = rightKey, "7"
	list := opensTo(func(name string) string { return v.StorageEndpoint() + "b/" + name + "/o" })
	broken := func(guard string) map[string]string { return map[string]string{"protections." + guard: "false"} }
	drifts(t, v, v.config(bucket(place, `labels = { team = "db" }`+"\n  google { kms_key = \""+rightKey+"\" }")), holds, []harm{
		{what: "public access prevention is removed", do: v.patched(`{"iamConfiguration": {"publicAccessPrevention": "inherited"}}`), shows: broken("private")},
		{what: "everybody is let in", do: func(ctx context.Context, name string) error {
			const reader, everybody = "roles/storage.objectViewer", "allUsers"
			if err := v.admits(ctx, name, reader, everybody); err == nil {
				return fmt.Errorf("%s was let in although that is prevented", everybody)
			}
			if err := v.patched(`{"iamConfiguration": {"publicAccessPrevention": "inherited"}}`)(ctx, name); err != nil {
				return err
			}
			return v.admits(ctx, name, reader, everybody)
		}, shows: broken("private"), proof: list},
		{what: "objects get access control lists of their own", do: v.patched(`{"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}}`), shows: broken("private")},
		{what: "versioning is suspended", do: v.patched(`{"versioning": {"enabled": false}}`), shows: broken("versioned")},
		{what: "objects expire", do: v.patched(`{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}}`),
			shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "0"}},
		{what: "old versions go after a day", do: v.patched(`{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 1, "isLive": false}}]}}`),
			shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "1"}},
		{what: "one rule more deletes", do: v.patched(`{"lifecycle": {"rule": [{"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}},` +
			`{"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 93, "isLive": false}}, {"action": {"type": "Delete"}, "condition": {"numNewerVersions": 3}}]}}`),
			shows: broken("lifecycle")},
		{what: "the lifecycle is removed", do: v.patched(`{"lifecycle": null}`), shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "0"}},
		{what: "the key is another", do: v.patched(`{"encryption": {"defaultKmsKeyName": "` + wrongKey + `"}}`), shows: map[string]string{"google.kms_key": wrongKey}},
		{what: "the key is removed", do: v.patched(`{"encryption": null}`), shows: map[string]string{"google.kms_key": ""}},
		{what: "a label is changed", do: v.patched(`{"labels": {"team": "web"}}`), shows: map[string]string{"labels.team": "web"}},
	})
}

// As long as a retention is not locked, the account's owner can shorten and
// remove it. Both are repaired in place.
func TestBackupBucketDriftGoogleRetention(t *testing.T) {
	const place = "google/us-central1-a"
	v := newVaults(t)
	retains := func(ctx context.Context, name string, repaired bool) error {
		text, err := v.gcs(ctx, http.MethodGet, "b/"+name, "")
		if err == nil && repaired && !strings.Contains(string(text), fmt.Sprintf(`"retentionPeriod":"%d"`, 93*24*60*60)) {
			err = fmt.Errorf("the bucket is %s", text)
		}
		return err
	}
	drifts(t, v, v.config(bucket(place, `labels = { team = "db" }`+"\n  immutable_days = 93")), intact(place, 93), []harm{
		{what: "the retention is shortened", do: v.patched(`{"retentionPolicy": {"retentionPeriod": "864000"}}`),
			shows: map[string]string{"protections.retention": "false", "immutable_days": "10"}, proof: retains},
		{what: "the retention is removed", do: v.patched(`{"retentionPolicy": null}`),
			shows: map[string]string{"protections.retention": "false", "immutable_days": "0"}, proof: retains},
		{what: "old versions go within the retention", do: v.patched(`{"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 5, "isLive": false}}]}}`),
			shows: map[string]string{"protections.lifecycle": "false", "old_version_days": "5"}},
	})
}
