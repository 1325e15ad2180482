package guest

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

// The kinds of object stores.
const (
	KindS3  = "s3"
	KindGCS = "gcs"
)

// bucketName is what S3 and Google Cloud Storage have in common.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$`)

func (c *check) backup(s Spec) {
	b := s.Backup
	if b == nil {
		return
	}
	if _, err := policy.ParseDailyTime(b.At); err != nil {
		c.because("backup.at", err)
	}
	c.zone("backup.time_zone", b.TimeZone)
	// All plans' rules stand in package policy; here it is what the machine is
	// told that counts.
	least := cloud.DefaultRetention()
	for _, class := range []struct {
		name         string
		value, least int
	}{{"daily", b.Daily, least.Daily}, {"weekly", b.Weekly, least.Weekly}, {"monthly", b.Monthly, least.Monthly}} {
		if class.value < class.least {
			c.promise(policy.BAK1, "backup."+class.name, "Too few backups kept", fmt.Sprintf("%d are fewer than the %d that are promised.", class.value, class.least), "Keep that many or more.")
		}
	}
	if len(b.Buckets) == 0 {
		c.promise(policy.BAK2, "backup.buckets", "No bucket", "The backups would be held nowhere.", "Name the buckets of a holdfast_backup_plan.")
	}
	names := map[string]bool{}
	for i, bucket := range b.Buckets {
		here := at("backup.buckets", i)
		if names[bucket.Name] {
			c.promise(policy.BAK2, here+".name", "Bucket named twice", fmt.Sprintf("%.70q is in the list twice.", bucket.Name), "Name each bucket once.")
		}
		names[bucket.Name] = true
		c.bucket(here, bucket, s.Location)
	}
	c.sealed("backup.password", b.Password)
	if len(b.Paths) == 0 && s.Database == nil {
		c.promise(policy.BAK1, "backup.paths", "Nothing is backed up", "There is no path, and no database.", "Name what holds the tenant's files, such as the volume's mount.")
	}
	for i, p := range b.Paths {
		if !mountPath.MatchString(p) {
			c.bad(at("backup.paths", i), "Not a path", fmt.Sprintf("%.100q is not an absolute path of letters, digits, \".\", \"_\" and \"-\".", p), "Write one such as \"/srv/data\".")
		}
	}
}

func (c *check) bucket(here string, b Bucket, machine string) {
	if !bucketName.MatchString(b.Name) {
		c.bad(here+".name", "Not the name of a bucket", fmt.Sprintf("%.70q is none at any vendor.", b.Name), "Give the native_id of a holdfast_backup_bucket.")
	}
	if _, err := cloud.ParseLocation(b.Location); err != nil {
		c.because(here+".location", err)
	}
	if b.Kind != KindS3 && b.Kind != KindGCS {
		c.bad(here+".kind", "Unknown kind of bucket", fmt.Sprintf("%.20q is neither %q nor %q.", b.Kind, KindS3, KindGCS), "Give a holdfast_backup_bucket.")
	}
	if b.Endpoint == "" && b.Kind == KindS3 || b.Endpoint != "" && !private(b.Endpoint) {
		c.promise(ENC2, here+".endpoint", "Not the address of a store with TLS", fmt.Sprintf("%.200q is not a URL of the form https://host.", b.Endpoint), "Give the endpoint of a holdfast_backup_bucket.")
	}
	if b.ImmutableDays < 0 {
		c.bad(here+".immutable_days", "Not a number of days", fmt.Sprintf("%d is less than none.", b.ImmutableDays), "Give the immutable_days of a holdfast_backup_bucket.")
	}
	if b.Kind == KindGCS && len(b.Credentials) == 0 && strings.HasPrefix(machine, "google/") {
		return // the machine has a service account of its own
	}
	c.sealed(here+".credentials", b.Credentials)
}

// private tells whether a store is spoken to with TLS, or over no network at
// all: an embedded one on the machine's host, that is its own loopback or the
// host as QEMU's user network shows it (10.0.2.2, "Using the user mode network
// stack" of QEMU's manual).
func private(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && err == nil && (ip.IsLoopback() || ip == netip.AddrFrom4([4]byte{10, 0, 2, 2}))
}

// sealed judges that a secret is ciphertext: clouds keep user data in clear.
func (c *check) sealed(field string, s Sealed) {
	if len(s) == 0 {
		c.bad(field, "Secret missing", "There is none, so that the machine could not use its buckets.", "Give it sealed (package guest/seal).")
	}
	for i, text := range s {
		if !IsSealed([]byte(text)) {
			// The text is not repeated.
			c.promise(ENC2, at(field, i), "Secret in clear", "It is not sealed to a Tang server; the cloud keeps user data in clear, and every process of the machine can read them.", "Treat it as leaked, and seal another one (package guest/seal).")
		}
	}
}

// snapshotID is restic's: a SHA-256 in hexadecimal, or the beginning of one.
var snapshotID = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// Latest restores the newest backup.
const Latest = "latest"

// CheckRestore judges what a new machine begins with (BAK-5). buckets are the
// names of those that its backups are in; nil while they are unknown.
func CheckRestore(field string, r Restore, buckets []string) []policy.Finding {
	c := &check{}
	if _, err := time.Parse(time.RFC3339, r.From); err != nil && r.From != Latest && !snapshotID.MatchString(r.From) {
		c.promise(BAK5, field+".from", "Not a backup", fmt.Sprintf("%.60q is neither \"latest\", nor a time such as \"2026-11-23T02:30:00Z\", nor the id of a snapshot.", r.From), "Write one of them; data.holdfast_backups lists what there is.")
	}
	if r.Machine != "" {
		c.add(policy.CheckName(field+".machine", r.Machine)...)
	}
	if r.Bucket == "" || buckets == nil {
		return c.findings
	}
	for _, name := range buckets {
		if name == r.Bucket {
			return c.findings
		}
	}
	c.promise(BAK5, field+".bucket", "Not a bucket of the machine's", fmt.Sprintf("%.70q is none of %s, for which the machine has credentials.", r.Bucket, strings.Join(buckets, ", ")), "Name one of them, or leave it out for the nearest that holds the backup.")
	return c.findings
}

func (c *check) restore(s Spec) {
	switch {
	case s.Restore == nil:
	case s.Backup == nil:
		c.promise(BAK5, "restore", "Nothing to restore from", "The machine has no backup plan, so it knows no bucket.", "Give it one.")
	default:
		names := []string{}
		for _, b := range s.Backup.Buckets {
			names = append(names, b.Name)
		}
		c.add(CheckRestore("restore", *s.Restore, names)...)
	}
}
