package google

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/catalog"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

const (
	day = 24 * time.Hour
	// maxBucketName is the longest name of a bucket without dots.
	maxBucketName = 63
	// shortBucketHash is how many characters of a digest stand for what was cut
	// off a long name: 40 bits.
	shortBucketHash = 8
	// uploadDays is for how long an upload in parts may stay unfinished.
	uploadDays = 7
)

// bucketName is the vendor-side name of a bucket: <deployment>-<name>-<zone>.
func bucketName(meta cloud.Meta) string {
	name, suffix := meta.Name, "-"+meta.Location.Name
	if meta.Deployment != "" {
		name = meta.Deployment + "-" + name
	}
	if len(name)+len(suffix) <= maxBucketName {
		return name + suffix
	}
	keep := max(maxBucketName-len(suffix)-shortBucketHash-1, 1)
	return strings.TrimRight(name[:keep], "-") + "-" + digest(shortBucketHash, meta.Deployment, meta.Name) + suffix
}

// bucketRegion is where a bucket of a zone stands, as the vendor writes it.
func bucketRegion(zone string) string { return strings.ToUpper(regionOf(zone)) }

// deleteRules are the rules by which objects go: old versions after a while, or
// never.
func deleteRules(oldVersionDays int) []storage.LifecycleRule {
	if oldVersionDays == 0 {
		return nil
	}
	return []storage.LifecycleRule{{Action: storage.LifecycleAction{Type: storage.DeleteAction},
		Condition: storage.LifecycleCondition{DaysSinceNoncurrentTime: int64(oldVersionDays), Liveness: storage.Archived}}}
}

// uploadRule ends what was never finished.
func uploadRule() storage.LifecycleRule {
	return storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.AbortIncompleteMPUAction}, Condition: storage.LifecycleCondition{AgeInDays: uploadDays}}
}

// judgeRules gives the age at which old versions go (0: never) and whether the
// rules keep what they should: nothing else is deleted, and nothing within the
// retention.
func judgeRules(rules []storage.LifecycleRule, immutableDays int) (oldVersionDays int, broken bool) {
	var deletes []storage.LifecycleRule
	uploads := false
	for _, rule := range rules {
		switch rule.Action.Type {
		case storage.DeleteAction:
			deletes = append(deletes, rule)
			if days := int(rule.Condition.DaysSinceNoncurrentTime); days > 0 && (oldVersionDays == 0 || days < oldVersionDays) {
				oldVersionDays = days
			}
		case storage.AbortIncompleteMPUAction:
			uploads = true
		}
	}
	same := len(deletes) == len(deleteRules(oldVersionDays)) && (len(deletes) == 0 || reflect.DeepEqual(plainRule(deletes[0]), plainRule(deleteRules(oldVersionDays)[0])))
	return oldVersionDays, !same || !uploads || oldVersionDays > 0 && oldVersionDays < immutableDays
}

// plainRule makes empty lists and no lists the same.
func plainRule(rule storage.LifecycleRule) storage.LifecycleRule {
	for _, list := range []*[]string{&rule.Condition.MatchesPrefix, &rule.Condition.MatchesStorageClasses, &rule.Condition.MatchesSuffix} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return rule
}

// repairedRules are the rules that a bucket should have: this driver's, and those
// of others that delete nothing, such as changes of the storage class.
func repairedRules(have []storage.LifecycleRule, oldVersionDays int) []storage.LifecycleRule {
	rules := append(deleteRules(oldVersionDays), uploadRule())
	for _, rule := range have {
		if rule.Action.Type != storage.DeleteAction && rule.Action.Type != storage.AbortIncompleteMPUAction {
			rules = append(rules, rule)
		}
	}
	return rules
}

// bucketAttrs is a new bucket with all that one request can say.
func bucketAttrs(spec cloud.BucketSpec) *storage.BucketAttrs {
	attrs := &storage.BucketAttrs{
		Location: bucketRegion(spec.Location.Name), StorageClass: "STANDARD", Labels: cloud.BucketLabels(spec), VersioningEnabled: true,
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: true}, PublicAccessPrevention: storage.PublicAccessPreventionEnforced,
		Lifecycle: storage.Lifecycle{Rules: repairedRules(nil, spec.OldVersionDays)},
	}
	if spec.ImmutableDays > 0 {
		attrs.RetentionPolicy = &storage.RetentionPolicy{RetentionPeriod: time.Duration(spec.ImmutableDays) * day}
	}
	if key := spec.Options[optionKMSKey]; key != "" {
		attrs.Encryption = &storage.BucketEncryption{DefaultKMSKeyName: key}
	}
	return attrs
}

// observeBucket translates what the vendor tells. A bucket stands in a region:
// the zone is its label's as long as it is one of that region.
func (b *buckets) observeBucket(attrs *storage.BucketAttrs) cloud.Bucket {
	have := cloud.Bucket{}
	have.Meta = cloud.MetaOf(Name, attrs.Labels)
	if region := strings.ToLower(attrs.Location); have.Location.Name == "" || regionOf(have.Location.Name) != region {
		have.Location.Name = b.zoneOf(region)
	}
	if have.Name == "" { // a bucket cannot be renamed: the label is right
		have.Name = attrs.Name
	}
	have.Object = cloud.Object{ID: cloud.ID{Location: have.Location, Native: attrs.Name}, NativeName: attrs.Name, Created: attrs.Created, Key: cloud.KeyIn(attrs.Labels, have.Meta)}
	if policy := attrs.RetentionPolicy; policy != nil {
		have.ImmutableDays, have.LockRetention = int(policy.RetentionPeriod/day), policy.IsLocked
	}
	if attrs.Encryption != nil && attrs.Encryption.DefaultKMSKeyName != "" {
		have.Options = map[string]string{optionKMSKey: attrs.Encryption.DefaultKMSKeyName}
	}
	if attrs.SoftDeletePolicy != nil {
		have.SoftDeleteDays = int(attrs.SoftDeletePolicy.RetentionDuration / day)
	}
	lifecycle := false
	have.OldVersionDays, lifecycle = judgeRules(attrs.Lifecycle.Rules, have.ImmutableDays)
	broken := func(is bool, guard cloud.BucketGuard) {
		if is {
			have.Broken = append(have.Broken, guard)
		}
	}
	wanted, known := cloud.BucketLabelDays(attrs.Labels, cloud.LabelImmutableDays)
	old, oldKnown := cloud.BucketLabelDays(attrs.Labels, cloud.LabelOldVersionDays)
	broken(!private(attrs), cloud.GuardPrivate)
	broken(!attrs.VersioningEnabled, cloud.GuardVersioned)
	broken(known && have.ImmutableDays < wanted, cloud.GuardRetention)
	broken(lifecycle || oldKnown && old != have.OldVersionDays, cloud.GuardLifecycle)
	return have
}

// private tells that nobody can be let in but by a policy, and by none all.
func private(attrs *storage.BucketAttrs) bool {
	return attrs.UniformBucketLevelAccess.Enabled && attrs.PublicAccessPrevention == storage.PublicAccessPreventionEnforced
}

// zoneOf is the first zone of a region that is known, or the region.
func (b *buckets) zoneOf(region string) string {
	var zones []string
	known, _ := b.d.catalog.Select(catalog.Filter{Cloud: Name}) // an error says that there are none
	for _, entry := range known {
		if regionOf(entry.Location.Name) == region {
			zones = append(zones, entry.Location.Name)
		}
	}
	if len(zones) == 0 {
		return region
	}
	return slices.Min(zones)
}

// planBucket gives the change from what the vendor tells to what is wanted; nil
// for none. The lock of a retention is no part of it.
func planBucket(attrs *storage.BucketAttrs, have cloud.Bucket, want cloud.BucketSpec) (*storage.BucketAttrsToUpdate, error) {
	if err := cloud.CheckBucketChange(Name, have, want); err != nil {
		return nil, err
	}
	if have.Deployment != "" && have.Deployment != want.Deployment {
		return nil, &cloud.Error{Code: cloud.CodeNameTaken, Cloud: Name, Kind: cloud.KindBucket, ID: attrs.Name,
			Message: fmt.Sprintf("it belongs to the deployment %q now, which nothing may be written over", have.Deployment)}
	}
	if have.LockRetention && !want.LockRetention {
		return nil, unsupported(cloud.KindBucket, attrs.Name, "lock_retention", "the retention is locked, which nobody can undo")
	}
	if bucketRegion(want.Location.Name) != attrs.Location {
		return nil, unsupported(cloud.KindBucket, attrs.Name, "location", "a bucket stays in the region where it was made: "+strings.ToLower(attrs.Location))
	}
	var update storage.BucketAttrsToUpdate
	changed := false
	set := func(differs bool, change func()) {
		if differs {
			change()
			changed = true
		}
	}
	labels := cloud.BucketLabels(want)
	set(!maps.Equal(labels, attrs.Labels), func() {
		for name, value := range labels {
			update.SetLabel(name, value)
		}
		for name := range attrs.Labels {
			if _, keep := labels[name]; !keep {
				update.DeleteLabel(name)
			}
		}
	})
	set(!private(attrs), func() {
		update.UniformBucketLevelAccess = &storage.UniformBucketLevelAccess{Enabled: true}
		update.PublicAccessPrevention = storage.PublicAccessPreventionEnforced
	})
	set(!attrs.VersioningEnabled, func() { update.VersioningEnabled = true })
	set(have.ImmutableDays != want.ImmutableDays, func() {
		update.RetentionPolicy = &storage.RetentionPolicy{RetentionPeriod: time.Duration(want.ImmutableDays) * day}
	})
	_, broken := judgeRules(attrs.Lifecycle.Rules, want.ImmutableDays)
	set(broken || have.OldVersionDays != want.OldVersionDays, func() {
		update.Lifecycle = &storage.Lifecycle{Rules: repairedRules(attrs.Lifecycle.Rules, want.OldVersionDays)}
	})
	set(have.Options[optionKMSKey] != want.Options[optionKMSKey], func() {
		update.Encryption = &storage.BucketEncryption{DefaultKMSKeyName: want.Options[optionKMSKey]}
	})
	if !changed {
		return nil, nil
	}
	return &update, nil
}
