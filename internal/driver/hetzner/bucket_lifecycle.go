package hetzner

import (
	"maps"

	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// uploadDays is for how long an upload in parts may stay unfinished. The longest
// backup takes hours; what a killed one left is paid for until then.
const uploadDays = 7

// The names of this driver's rules.
const (
	ruleUploads     = "holdfast-uploads"
	ruleOldVersions = "holdfast-old-versions"
)

const enabled = "Enabled"

// lifecycleOf is what a bucket's lifecycle should be: unfinished uploads go, old
// versions go after a while or never, and what is current stays.
func lifecycleOf(oldVersionDays int) *lifecycle.Configuration {
	rules := []lifecycle.Rule{{ID: ruleUploads, Status: enabled,
		AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: uploadDays}}}
	if oldVersionDays > 0 {
		rules = append(rules, lifecycle.Rule{ID: ruleOldVersions, Status: enabled,
			NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: lifecycle.ExpirationDays(oldVersionDays)},
			// A marker of deletion that no version is left behind hides nothing.
			Expiration: lifecycle.Expiration{DeleteMarker: true}})
	}
	return &lifecycle.Configuration{Rules: rules}
}

// ruleFacts are what a rule does, in a form that can be compared.
type ruleFacts struct {
	uploadDays, oldDays, newer, days int
	dated, markers, all              bool
	// part is of a rule that is not for the whole bucket.
	part bool
}

func factsOf(r lifecycle.Rule) ruleFacts {
	return ruleFacts{
		uploadDays: int(r.AbortIncompleteMultipartUpload.DaysAfterInitiation),
		oldDays:    int(r.NoncurrentVersionExpiration.NoncurrentDays), newer: r.NoncurrentVersionExpiration.NewerNoncurrentVersions,
		days: int(r.Expiration.Days), dated: !r.Expiration.Date.IsZero(), markers: bool(r.Expiration.DeleteMarker),
		all:  bool(r.Expiration.DeleteAll) || !r.DelMarkerExpiration.IsNull() || !r.AllVersionsExpiration.IsNull(),
		part: r.Prefix != "" || !r.RuleFilter.IsNull(),
	}
}

// harmless tells that a rule removes nothing that was stored whole.
func (f ruleFacts) harmless() bool { return f.oldDays == 0 && f.days == 0 && !f.dated && !f.all }

// judgeLifecycle gives the age at which old versions go (0: never, or never by a
// rule of its own) and whether the rules keep what they should: they do nothing
// else than lifecycleOf has it for that age, and what goes is older than the
// bucket's retention.
func judgeLifecycle(config *lifecycle.Configuration, immutableDays int) (oldVersionDays int, broken bool) {
	have := map[ruleFacts]bool{}
	if config != nil {
		for _, rule := range config.Rules {
			if rule.Status != enabled {
				continue
			}
			facts := factsOf(rule)
			have[facts] = true
			if facts.oldDays > 0 && (oldVersionDays == 0 || facts.oldDays < oldVersionDays) {
				oldVersionDays = facts.oldDays
			}
		}
	}
	want := map[ruleFacts]bool{}
	for _, rule := range lifecycleOf(oldVersionDays).Rules {
		want[factsOf(rule)] = true
	}
	maps.DeleteFunc(have, func(f ruleFacts, _ bool) bool { return !want[f] && f.harmless() })
	return oldVersionDays, !maps.Equal(have, want) || oldVersionDays > 0 && oldVersionDays < immutableDays
}

// wantedDays is what a bucket's label says was wanted, or else what is there.
func wantedDays(labels map[string]string, label string, have int) int {
	if days, ok := cloud.BucketLabelDays(labels, label); ok {
		return days
	}
	return have
}
