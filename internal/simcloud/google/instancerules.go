package google

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// seriesRules is what a series of machine types takes and counts as, where it is
// not the usual: persistent disks of all sorts but the extreme one, no local SSD,
// a quota of vCPUs of its own named after it.
var seriesRules = map[string]struct {
	more, no []string // disk types beyond the usual, and those of it that are not taken
	quota    string   // of vCPUs
}{
	// https://cloud.google.com/compute/docs/disks#machine_series_support and
	// https://cloud.google.com/compute/resource-usage#cpu_quota
	"e2":  {more: []string{"pd-extreme"}, quota: "CPUS"},
	"n1":  {more: []string{"local-ssd", "hyperdisk-balanced"}, quota: "CPUS"},
	"n2":  {more: []string{"local-ssd", "pd-extreme", "hyperdisk-balanced", "hyperdisk-extreme", "hyperdisk-throughput"}},
	"n2d": {more: []string{"local-ssd", "hyperdisk-balanced", "hyperdisk-throughput"}},
	"t2d": {more: []string{"hyperdisk-throughput"}},
	"t2a": {more: []string{"hyperdisk-throughput"}},
	"c2":  {more: []string{"local-ssd", "hyperdisk-throughput"}},
	"c2d": {more: []string{"local-ssd", "hyperdisk-throughput"}},
	"c3":  {more: []string{"hyperdisk-balanced", "hyperdisk-extreme", "hyperdisk-throughput"}, no: []string{"pd-standard"}},
	"c3d": {more: []string{"hyperdisk-balanced", "hyperdisk-extreme", "hyperdisk-throughput"}, no: []string{"pd-standard"}},
}

// takes tells whether a machine of the type takes disks of a type.
func (t *machineType) takes(disk string) bool {
	r := seriesRules[t.Family]
	switch {
	case slices.Contains(r.no, disk):
		return false
	case slices.Contains(r.more, disk):
		return true
	case t.Hyperdisk:
		return strings.HasPrefix(disk, "hyperdisk-")
	}
	return slices.Contains([]string{"pd-standard", "pd-balanced", "pd-ssd"}, disk)
}

// compatible refuses disk types that the machine does not take.
func (t *machineType) compatible(diskTypes []string) error {
	for _, d := range diskTypes {
		if !t.takes(d) {
			return badRequest("[%s, %s] features are not compatible for creating instance.", t.Name, d)
		}
	}
	return nil
}

// vcpuQuota is the regional quota that the vCPUs of a series count against.
func vcpuQuota(series string) string {
	if q := seriesRules[series].quota; q != "" {
		return q
	}
	return strings.ToUpper(series) + "_CPUS"
}

func seriesOf(machineType string) string {
	s, _, _ := strings.Cut(machineType, "-")
	return s
}

// maxDisks is how many persistent disks a machine takes
// (https://cloud.google.com/compute/docs/disks/persistent-disks#pdnumberlimits).
func (t *machineType) maxDisks() int {
	if t.Shared {
		return 16
	}
	return 128
}

var (
	hostnamePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$`)
	devicePattern   = regexp.MustCompile(`^\w[\w.-]{0,254}$`)
)

// maxTags is how many network tags an instance may have
// (https://cloud.google.com/vpc/docs/add-remove-network-tags#restrictions).
const maxTags = 64

func checkTags(field string, tags []string) error {
	if len(tags) > maxTags {
		return invalid(field, "", "An instance can have at most %d tags.", maxTags)
	}
	for i, t := range tags {
		if err := checkTag(fmt.Sprintf("%s.items[%d]", field, i), t); err != nil {
			return err
		}
		if slices.Contains(tags[:i], t) {
			return invalid(field, "", "Duplicate tags are not allowed: %s", t)
		}
	}
	return nil
}

func checkServiceAccounts(project string, in []serviceAccount) ([]serviceAccount, error) {
	if len(in) > 1 {
		return nil, invalid("resource.serviceAccounts", "", "Only one service account per instance is supported.")
	}
	var out []serviceAccount
	for _, a := range in {
		if a.Email == "" || a.Email == "default" {
			a.Email = uintString(projectNumber(project)) + "-compute@developer.gserviceaccount.com"
		}
		if !strings.Contains(a.Email, "@") {
			return nil, invalid("resource.serviceAccounts[0].email", a.Email, "The specified service account is not a valid email address.")
		}
		for i, s := range a.Scopes {
			if !strings.HasPrefix(s, "https://") {
				return nil, invalid(fmt.Sprintf("resource.serviceAccounts[0].scopes[%d]", i), s, "The specified scope is invalid.")
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// checkScheduling completes what a request says with the vendor's defaults
// (https://cloud.google.com/compute/docs/instances/setting-vm-host-options).
func checkScheduling(in *scheduling) (scheduling, error) {
	var s scheduling
	if in != nil {
		s = *in
	}
	// The vendor's Terraform provider says "none" by one that is null.
	s.NodeAffinities = slices.DeleteFunc(s.NodeAffinities, func(a nodeAffinity) bool { return a.Key == "" && a.Operator == "" && len(a.Values) == 0 })
	if s.ProvisioningModel == "" {
		s.ProvisioningModel = "STANDARD" // also of preemptible instances in the old sense
	}
	if !slices.Contains([]string{"STANDARD", "SPOT", "FLEX_START", "RESERVATION_BOUND"}, s.ProvisioningModel) {
		return s, invalid("resource.scheduling.provisioningModel", s.ProvisioningModel, "The provisioning model is unknown.")
	}
	spot := s.ProvisioningModel == "SPOT" || isTrue(s.Preemptible)
	s.Preemptible = ptr(spot)
	if spot && isTrue(s.AutomaticRestart) {
		return s, invalid("resource.scheduling.automaticRestart", "true", "Scheduling must have automaticRestart be false when preemptible is true.")
	}
	if s.AutomaticRestart == nil {
		s.AutomaticRestart = ptr(!spot)
	}
	switch s.OnHostMaintenance {
	case "":
		s.OnHostMaintenance = "MIGRATE"
		if spot {
			s.OnHostMaintenance = "TERMINATE"
		}
	case "MIGRATE", "TERMINATE":
	default:
		return s, invalid("resource.scheduling.onHostMaintenance", s.OnHostMaintenance, "Must be MIGRATE or TERMINATE.")
	}
	if spot && s.OnHostMaintenance == "MIGRATE" {
		return s, invalid("resource.scheduling.onHostMaintenance", "MIGRATE", "Scheduling must have onHostMaintenance be TERMINATE when preemptible is true.")
	}
	return s, nil
}

// checkShielded completes the Shielded VM options of an instance whose boot disk
// is, or is not, UEFI compatible
// (https://cloud.google.com/compute/shielded-vm/docs/shielded-vm).
func checkShielded(in *shieldedConfig, uefi bool) (*shieldedConfig, error) {
	var s shieldedConfig
	if in != nil {
		s = *in
	}
	if !uefi {
		if isTrue(s.SecureBoot) || isTrue(s.VTPM) || isTrue(s.IntegrityMonitoring) {
			return nil, invalid("resource.shieldedInstanceConfig", "", "Shielded VM Config can only be set when using a UEFI-compatible disk.")
		}
		return nil, nil
	}
	if s.SecureBoot == nil {
		s.SecureBoot = ptr(false)
	}
	if s.VTPM == nil {
		s.VTPM = ptr(true)
	}
	if s.IntegrityMonitoring == nil {
		s.IntegrityMonitoring = ptr(*s.VTPM)
	}
	if *s.IntegrityMonitoring && !*s.VTPM {
		return nil, invalid("resource.shieldedInstanceConfig", "", "Integrity monitoring requires the virtual TPM to be enabled.")
	}
	return &s, nil
}

func isTrue(b *bool) bool { return b != nil && *b }
