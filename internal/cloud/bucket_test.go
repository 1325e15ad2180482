package cloud_test

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestABucketIsCheckedAgainstItself(t *testing.T) {
	for _, test := range []struct {
		name  string
		spec  cloud.BucketSpec
		field string
	}{
		{"plain", cloud.BucketSpec{OldVersionDays: 30}, ""},
		{"immutable, old versions for ever", cloud.BucketSpec{ImmutableDays: 93}, ""},
		{"immutable, old versions for as long", cloud.BucketSpec{ImmutableDays: 93, OldVersionDays: 93}, ""},
		{"old versions go too early", cloud.BucketSpec{ImmutableDays: 93, OldVersionDays: 92}, "old_version_days"},
		{"negative retention", cloud.BucketSpec{ImmutableDays: -1}, "immutable_days"},
		{"negative age", cloud.BucketSpec{OldVersionDays: -1}, "old_version_days"},
		{"nothing to lock", cloud.BucketSpec{LockRetention: true}, "lock_retention"},
	} {
		t.Run(test.name, func(t *testing.T) { wantField(t, cloud.CheckBucket("acme", test.spec), test.field) })
	}
}

func TestARetentionOnlyGrows(t *testing.T) {
	have := cloud.Bucket{BucketSpec: cloud.BucketSpec{ImmutableDays: 93}}
	for days, field := range map[int]string{92: "immutable_days", 0: "immutable_days", 93: "", 365: ""} {
		err := cloud.CheckBucketChange("acme", have, cloud.BucketSpec{ImmutableDays: days})
		wantField(t, err, field)
		if field != "" && (cloud.CodeOf(err) != cloud.CodeUnsupported || !strings.Contains(err.Error(), "93 days")) {
			t.Errorf("%d days: %v (%s)", days, err, cloud.CodeOf(err))
		}
	}
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	got, _ := err.(*cloud.Error)
	if (got == nil) != (field == "") || got != nil && got.Field != field {
		t.Errorf("got %v, want an error of %q", err, field)
	}
}

func TestBucketLabelsTellWhatWasWanted(t *testing.T) {
	labels := cloud.BucketLabels(cloud.BucketSpec{Meta: cloud.Meta{Name: "b", Deployment: "acme", Location: cloud.Location{Cloud: "x1", Name: "here"}}, ImmutableDays: 93})
	if days, ok := cloud.BucketLabelDays(labels, cloud.LabelImmutableDays); !ok || days != 93 {
		t.Errorf("immutable for %d, %v", days, ok)
	}
	if days, ok := cloud.BucketLabelDays(labels, cloud.LabelOldVersionDays); !ok || days != 0 {
		t.Errorf("old versions for %d, %v", days, ok)
	}
	if _, ok := cloud.BucketLabelDays(nil, cloud.LabelImmutableDays); ok {
		t.Error("a label that is not there was read")
	}
	if meta := cloud.MetaOf("x1", labels); len(meta.Labels) != 0 {
		t.Errorf("taken for the user's: %v", meta.Labels)
	}
}
