package gcs

import (
	"slices"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

type lifecycle struct {
	Rule []lifecycleRule `json:"rule"`
}

type lifecycleRule struct {
	Action struct {
		Type         string `json:"type"`
		StorageClass string `json:"storageClass,omitempty"`
	} `json:"action"`
	Condition struct {
		Age                     *int     `json:"age,omitempty"`
		CreatedBefore           string   `json:"createdBefore,omitempty"`
		CustomTimeBefore        string   `json:"customTimeBefore,omitempty"`
		DaysSinceCustomTime     *int     `json:"daysSinceCustomTime,omitempty"`
		DaysSinceNoncurrentTime *int     `json:"daysSinceNoncurrentTime,omitempty"`
		IsLive                  *bool    `json:"isLive,omitempty"`
		MatchesPattern          string   `json:"matchesPattern,omitempty"`
		MatchesPrefix           []string `json:"matchesPrefix,omitempty"`
		MatchesStorageClass     []string `json:"matchesStorageClass,omitempty"`
		MatchesSuffix           []string `json:"matchesSuffix,omitempty"`
		NoncurrentTimeBefore    string   `json:"noncurrentTimeBefore,omitempty"`
		NumNewerVersions        *int     `json:"numNewerVersions,omitempty"`
		SizeAboveBytes          Int64    `json:"sizeAboveBytes,omitzero"`
		SizeBelowBytes          Int64    `json:"sizeBelowBytes,omitzero"`
	} `json:"condition"`
}

// rules translates the rules for the store. What it could not carry out is
// refused, rather than kept and ignored.
func (l *lifecycle) rules() ([]objects.Rule, error) {
	var out []objects.Rule
	for _, r := range l.Rule {
		c := r.Condition
		switch {
		case c.CustomTimeBefore != "" || c.DaysSinceCustomTime != nil || c.NoncurrentTimeBefore != "" || c.MatchesPattern != "" ||
			c.SizeAboveBytes != 0 || c.SizeBelowBytes != 0:
			return nil, notBuilt("A lifecycle condition on custom times, noncurrentTimeBefore, patterns or sizes")
		case len(c.MatchesStorageClass) > 0 && !slices.Contains(c.MatchesStorageClass, "STANDARD"):
			return nil, notBuilt("A lifecycle condition on other storage classes than STANDARD")
		}
		for _, n := range []*int{c.Age, c.DaysSinceNoncurrentTime, c.NumNewerVersions} {
			if n != nil && *n < 0 {
				return nil, invalid("Invalid argument: a lifecycle condition is negative.")
			}
		}
		rule := objects.Rule{Conditional: true, Prefixes: c.MatchesPrefix, Suffixes: c.MatchesSuffix, OldAge: c.Age, Live: c.IsLive,
			NewerVersions: c.NumNewerVersions, SupersededDays: c.DaysSinceNoncurrentTime}
		if c.CreatedBefore != "" {
			at, err := time.Parse(time.DateOnly, c.CreatedBefore)
			if err != nil {
				return nil, invalid("Invalid argument: createdBefore %q is no date.", c.CreatedBefore)
			}
			rule.CreatedBefore = &at
		}
		switch r.Action.Type {
		case "Delete":
			if c.Age == nil && c.CreatedBefore == "" && c.IsLive == nil && c.NumNewerVersions == nil && c.DaysSinceNoncurrentTime == nil &&
				len(c.MatchesPrefix)+len(c.MatchesSuffix)+len(c.MatchesStorageClass) == 0 {
				return nil, invalid("Invalid argument: a lifecycle rule needs a condition.")
			}
			out = append(out, rule)
		case "AbortIncompleteMultipartUpload":
			// Those are of the XML API, which this package has reads of only:
			// there is nothing to abort.
			if c.Age == nil {
				return nil, invalid("Invalid argument: AbortIncompleteMultipartUpload needs an age.")
			}
		case "SetStorageClass":
			return nil, notBuilt("SetStorageClass")
		default:
			return nil, invalid("Invalid argument: the lifecycle action %q.", r.Action.Type)
		}
	}
	return out, nil
}
