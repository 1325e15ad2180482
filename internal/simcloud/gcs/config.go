package gcs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/objects"
)

// config is what can be set of a bucket, in the vendor's form. A patch is merged
// into it as RFC 7396 has it; what comes out is checked as a whole.
type config struct {
	Name         string            `json:"name,omitempty"`
	Location     string            `json:"location,omitempty"`
	StorageClass string            `json:"storageClass,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	RPO          string            `json:"rpo,omitempty"`
	Versioning   *struct {
		Enabled bool `json:"enabled"`
	} `json:"versioning,omitempty"`
	Lifecycle       *lifecycle       `json:"lifecycle,omitempty"`
	RetentionPolicy *retentionPolicy `json:"retentionPolicy,omitempty"`
	SoftDelete      *softDelete      `json:"softDeletePolicy,omitempty"`
	IAM             *iamConfig       `json:"iamConfiguration,omitempty"`
	Encryption      *struct {
		DefaultKMSKeyName string `json:"defaultKmsKeyName,omitempty"`
	} `json:"encryption,omitempty"`
	ObjectRetention *struct {
		Mode string `json:"mode"`
	} `json:"objectRetention,omitempty"`
	DefaultEventHold bool            `json:"defaultEventBasedHold,omitempty"`
	CORS             json.RawMessage `json:"cors,omitempty"`
	Website          json.RawMessage `json:"website,omitempty"`
	Logging          json.RawMessage `json:"logging,omitempty"`
	Billing          *struct {
		RequesterPays bool `json:"requesterPays"`
	} `json:"billing,omitempty"`

	// What this store does not do.
	Autoclass *struct {
		Enabled bool `json:"enabled"`
	} `json:"autoclass,omitempty"`
	Hierarchical *struct {
		Enabled bool `json:"enabled"`
	} `json:"hierarchicalNamespace,omitempty"`
	Placement json.RawMessage `json:"customPlacementConfig,omitempty"`
	IPFilter  json.RawMessage `json:"ipFilter,omitempty"`

	// Policy is the bucket's IAM policy; it is no part of the resource.
	Policy *policy `json:"-"`
}

type retentionPolicy struct {
	RetentionPeriod Int64  `json:"retentionPeriod"`
	EffectiveTime   string `json:"effectiveTime,omitempty"`
	IsLocked        bool   `json:"isLocked,omitempty"`
}

type softDelete struct {
	RetentionDurationSeconds Int64  `json:"retentionDurationSeconds"`
	EffectiveTime            string `json:"effectiveTime,omitempty"`
}

type iamConfig struct {
	Uniform    *uniform `json:"uniformBucketLevelAccess,omitempty"`
	PolicyOnly *uniform `json:"bucketPolicyOnly,omitempty"` // the former name
	Prevention string   `json:"publicAccessPrevention,omitempty"`
}

type uniform struct {
	Enabled    bool   `json:"enabled"`
	LockedTime string `json:"lockedTime,omitempty"`
}

func (c *config) uniform() bool { return c.IAM != nil && c.IAM.Uniform != nil && c.IAM.Uniform.Enabled }

func (c *config) prevented() bool { return c.IAM != nil && c.IAM.Prevention == "enforced" }

// stored is how a config lies in the store.
type stored struct {
	Config *config `json:"config"`
	Policy *policy `json:"policy"`
}

func configOf(b *objects.Bucket) (*config, error) {
	var s stored
	if err := json.Unmarshal(b.Settings, &s); err != nil {
		return nil, fmt.Errorf("the settings of bucket %s: %w", b.Name, err)
	}
	s.Config.Policy = s.Policy
	return s.Config, nil
}

// store puts a config into a bucket's record, with what the store has to enforce.
func (c *config) store(b *objects.Bucket) (err error) {
	b.Versioning, b.Keep, b.Soft, b.Rules = objects.VersioningOff, 0, 0, nil
	if c.Versioning != nil && c.Versioning.Enabled {
		b.Versioning = objects.VersioningEnabled
	}
	if c.RetentionPolicy != nil {
		b.Keep = time.Duration(c.RetentionPolicy.RetentionPeriod) * time.Second
	}
	b.Soft = time.Duration(c.SoftDelete.RetentionDurationSeconds) * time.Second
	if c.Lifecycle != nil {
		if b.Rules, err = c.Lifecycle.rules(); err != nil {
			return err
		}
	}
	b.Settings, err = json.Marshal(stored{Config: c, Policy: c.Policy})
	return err
}

// merged is a config after a patch.
func (c *config) merged(patch map[string]any) (*config, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if b, err = json.Marshal(mergePatch(doc, patch)); err != nil {
		return nil, err
	}
	out := &config{Policy: c.Policy}
	return out, decode(b, out)
}

// mergePatch merges as RFC 7396 has it: null removes, objects merge, the rest
// replaces. An empty map of labels replaces, too: the vendor removes them all.
func mergePatch(doc, patch map[string]any) map[string]any {
	if doc == nil {
		doc = map[string]any{}
	}
	for k, v := range patch {
		m, object := v.(map[string]any)
		switch {
		case v == nil:
			delete(doc, k)
		case object && !(k == "labels" && len(m) == 0):
			was, _ := doc[k].(map[string]any)
			doc[k] = mergePatch(was, m)
		default:
			doc[k] = v
		}
	}
	return doc
}

// The limits of periods. A retention: from 1 second to a hundred years; a soft
// deletion: none, or 7 to 90 days; 7 where nothing is said.
const (
	maxRetention = 3_155_760_000
	minSoft      = 7 * 24 * 3600
	maxSoft      = 90 * 24 * 3600
)

// check refuses what the vendor does, and fills in what it fills in. was is the
// config before, nil for a new bucket.
func (c *config) check(was *config, now time.Time) error {
	c.StorageClass = strings.ToUpper(c.StorageClass)
	if c.StorageClass == "" {
		c.StorageClass = "STANDARD"
	}
	if !slices.Contains([]string{"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"}, c.StorageClass) {
		return invalid("The storage class %s does not exist.", c.StorageClass)
	}
	for k, v := range c.Labels {
		if !labelKey().MatchString(k) || !labelValue().MatchString(v) {
			return invalid("Invalid argument: the label %s=%s: lower case letters, digits, _ and -, at most 63; keys begin with a letter.", k, v)
		}
	}
	if len(c.Labels) > 64 {
		return invalid("Invalid argument: at most 64 labels.")
	}
	for what, on := range map[string]bool{"autoclass": c.Autoclass != nil && c.Autoclass.Enabled, "hierarchicalNamespace": c.Hierarchical != nil && c.Hierarchical.Enabled,
		"customPlacementConfig": len(c.Placement) > 0, "ipFilter": len(c.IPFilter) > 0, "billing.requesterPays": c.Billing != nil && c.Billing.RequesterPays} {
		if on {
			return notBuilt(what)
		}
	}
	if err := c.checkAccess(was, now); err != nil {
		return err
	}
	if err := c.checkRetention(was, now); err != nil {
		return err
	}
	if c.Lifecycle != nil {
		if _, err := c.Lifecycle.rules(); err != nil {
			return err
		}
	}
	if c.ObjectRetention != nil && was != nil && was.ObjectRetention == nil {
		c.ObjectRetention = nil // only at its creation: later it is taken and ignored
	}
	if c.Encryption != nil && c.Encryption.DefaultKMSKeyName == "" {
		c.Encryption = nil
	}
	if c.Encryption != nil && !kmsKey().MatchString(c.Encryption.DefaultKMSKeyName) {
		return invalid("Invalid argument: %s is no name of a key.", c.Encryption.DefaultKMSKeyName)
	}
	return nil
}

func labelKey() *regexp.Regexp   { return regexp.MustCompile(`^\p{Ll}[\p{Ll}\p{N}_-]{0,62}$`) }
func labelValue() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{N}_-]{0,63}$`) }
func kmsKey() *regexp.Regexp {
	return regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`)
}

// uniformLock is how long uniform access can be turned off again: 90 days.
const uniformLock = 90 * 24 * time.Hour

func (c *config) checkAccess(was *config, now time.Time) error {
	if c.IAM == nil {
		c.IAM = &iamConfig{}
	}
	if c.IAM.Uniform == nil {
		c.IAM.Uniform = c.IAM.PolicyOnly
	}
	if c.IAM.Uniform == nil {
		c.IAM.Uniform = &uniform{}
	}
	c.IAM.PolicyOnly = nil
	if c.IAM.Prevention == "" || c.IAM.Prevention == "unspecified" {
		c.IAM.Prevention = "inherited"
	}
	if c.IAM.Prevention != "inherited" && c.IAM.Prevention != "enforced" {
		return invalid("Invalid argument: publicAccessPrevention %q.", c.IAM.Prevention)
	}
	u := c.IAM.Uniform
	u.LockedTime = ""
	if was != nil && was.uniform() {
		u.LockedTime = was.IAM.Uniform.LockedTime
		locked, err := time.Parse(time.RFC3339, u.LockedTime)
		if !u.Enabled && err == nil && !now.Before(locked) {
			return fail(400, "invalid", "Uniform bucket-level access has been enabled for more than 90 days and cannot be disabled.")
		}
	}
	switch {
	case !u.Enabled:
		u.LockedTime = ""
		if c.Policy.conditional() {
			return fail(412, "conditionNotMet", "Uniform bucket-level access cannot be disabled while the policy has conditions.")
		}
	case u.LockedTime == "":
		u.LockedTime = stamp(now.Add(uniformLock))
	}
	return nil
}

func (c *config) checkRetention(was *config, now time.Time) error {
	var old *retentionPolicy
	if was != nil {
		old = was.RetentionPolicy
	}
	p := c.RetentionPolicy
	if p != nil && (p.RetentionPeriod < 1 || p.RetentionPeriod > maxRetention) {
		return invalid("Invalid argument: the retention period must be between 1 and %d seconds.", maxRetention)
	}
	switch {
	case old != nil && old.IsLocked && p == nil:
		return fail(403, "forbidden", "Cannot remove the locked Retention Policy of bucket '%s'.", c.Name)
	case old != nil && old.IsLocked && p.RetentionPeriod < old.RetentionPeriod:
		return fail(403, "forbidden", "Cannot reduce retention duration of a locked Retention Policy for bucket '%s'.", c.Name)
	case p != nil && old != nil:
		p.EffectiveTime, p.IsLocked = old.EffectiveTime, old.IsLocked
		if p.RetentionPeriod != old.RetentionPeriod {
			p.EffectiveTime = stamp(now)
		}
	case p != nil:
		p.EffectiveTime, p.IsLocked = stamp(now), false
	}
	if c.SoftDelete == nil {
		c.SoftDelete = &softDelete{RetentionDurationSeconds: minSoft}
	}
	s := c.SoftDelete
	if n := s.RetentionDurationSeconds; n != 0 && (n < minSoft || n > maxSoft) {
		return invalid("Invalid argument: the soft delete retention must be 0, or between %d and %d seconds.", minSoft, maxSoft)
	}
	s.EffectiveTime = stamp(now)
	if was != nil && was.SoftDelete.RetentionDurationSeconds == s.RetentionDurationSeconds {
		s.EffectiveTime = was.SoftDelete.EffectiveTime
	}
	return nil
}
