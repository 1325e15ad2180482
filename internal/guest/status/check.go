package status

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// maxText bounds every free text, in bytes. A message is for a line of a
// table, not a log.
const maxText = 300

var (
	snapshotPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	bootIDPattern   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	// bucketPattern is what S3 and Google Cloud Storage both accept.
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$`)
)

// checker collects what is wrong, each with the path of the member.
type checker struct{ problems }

func (c *checker) fail(path, format string, args ...any) { c.add(path, format, args...) }

// Check tells what is wrong with a status, as one error of ten things at most.
func (s Status) Check() error {
	c := &checker{}
	if major, _, err := parseVersion(s.Version); err != nil || major != majorVersion {
		c.fail("version", "%q is no version %d.x", clip(s.Version), majorVersion)
	}
	c.name("deployment", s.Deployment)
	c.name("tenant", s.Tenant)
	c.name("machine", s.Machine)
	c.time("written_at", s.WrittenAt)
	if !bootIDPattern.MatchString(s.BootID) {
		c.fail("boot_id", "%q is no boot id", clip(s.BootID))
	}
	c.system("system", s.System)
	for i, v := range s.Volumes {
		c.volume(fmt.Sprintf("volumes[%d]", i), v)
	}
	names := map[string]bool{}
	for i, b := range s.Backups {
		path := fmt.Sprintf("backups[%d]", i)
		if names[b.Name] {
			c.fail(path+".name", "the bucket %q is there twice", clip(b.Name))
		}
		names[b.Name] = true
		c.bucket(path, b)
	}
	if s.Restore != nil {
		c.restore("restore", *s.Restore)
	}
	c.sockets("listening", s.Listening)
	if len(s.FailedUnits) > MaxUnits {
		c.fail("failed_units", "there are %d, at most %d are possible", len(s.FailedUnits), MaxUnits)
	}
	for i, unit := range s.FailedUnits {
		c.text(fmt.Sprintf("failed_units[%d]", i), unit, true)
	}
	return c.all()
}

func (c *checker) sockets(path string, sockets []Socket) {
	if len(sockets) > MaxSockets {
		c.fail(path, "there are %d, at most %d are possible", len(sockets), MaxSockets)
	}
	for i, s := range sockets {
		at := fmt.Sprintf("%s[%d]", path, i)
		if s.Protocol != "tcp" && s.Protocol != "udp" {
			c.fail(at+".protocol", "%q is neither tcp nor udp", clip(s.Protocol))
		}
		c.text(at+".address", s.Address, true)
		if s.Port < 1 || s.Port > 65535 {
			c.fail(at+".port", "%d is no port", s.Port)
		}
		c.text(at+".program", s.Program, false)
	}
}

func (c *checker) name(path, name string) {
	if err := cloud.CheckName(name); err != nil {
		c.fail(path, "%v", err)
	}
}

// time has to be one: the zero time is what a missing member becomes.
func (c *checker) time(path string, t time.Time) {
	if t.Year() < 2000 || t.Year() > 9999 {
		c.fail(path, "%s is no time of this millennium", t.Format(time.RFC3339))
	}
}

func (c *checker) text(path, text string, needed bool) {
	switch {
	case needed && text == "":
		c.fail(path, "is missing or empty")
	case len(text) > maxText:
		c.fail(path, "has %d bytes, at most %d are possible", len(text), maxText)
	case !utf8.ValidString(text) || containsControl(text):
		c.fail(path, "has characters that do not belong into a line of text")
	}
}

func containsControl(text string) bool {
	return slices.ContainsFunc([]rune(text), unicode.IsControl)
}

func (c *checker) positive(path string, n int64) {
	if n < 0 {
		c.fail(path, "%d is less than nothing", n)
	}
}

func (c *checker) system(path string, s System) {
	c.text(path+".os", s.OS, true)
	c.text(path+".kernel", s.Kernel, true)
	c.time(path+".booted_at", s.BootedAt)
	c.time(path+".patched_at", s.PatchedAt)
	c.positive(path+".security_updates", int64(s.SecurityUpdates))
}

func (c *checker) volume(path string, v Volume) {
	c.name(path+".name", v.Name)
	c.text(path+".mount", v.Mount, true)
	c.positive(path+".key_bits", int64(v.KeyBits))
	switch v.Format {
	case "luks2":
		c.text(path+".cipher", v.Cipher, true)
	case "none":
		if v.Cipher != "" || v.KeyBits != 0 {
			c.fail(path+".cipher", "a volume without encryption has none")
		}
	default:
		c.fail(path+".format", "%q is neither luks2 nor none", clip(v.Format))
	}
}

func (c *checker) bucket(path string, b Bucket) {
	c.bucketName(path+".name", b.Name)
	if _, err := cloud.ParseLocation(b.Location); err != nil {
		c.fail(path+".location", "%v", err)
	}
	if len(b.Snapshots) > MaxSnapshots {
		c.fail(path+".snapshots", "there are %d, at most %d are possible", len(b.Snapshots), MaxSnapshots)
	}
	c.positive(path+".others", int64(b.Others))
	ids := map[string]bool{}
	for i, s := range b.Snapshots {
		at := fmt.Sprintf("%s.snapshots[%d]", path, i)
		if ids[s.ID] {
			c.fail(at+".id", "it is there twice")
		}
		ids[s.ID] = true
		if i > 0 && s.Time.After(b.Snapshots[i-1].Time) {
			c.fail(at+".time", "it is newer than the one before")
		}
		c.snapshot(at, s)
	}
	if b.Check != nil {
		c.time(path+".check.at", b.Check.At)
		c.result(path+".check.result", b.Check.Result)
		c.text(path+".check.message", b.Check.Message, false)
	}
	if r := b.LastRun; r != nil {
		c.time(path+".last_run.started_at", r.StartedAt)
		c.time(path+".last_run.finished_at", r.FinishedAt)
		if r.FinishedAt.Before(r.StartedAt) {
			c.fail(path+".last_run.finished_at", "it ends before it starts")
		}
		c.result(path+".last_run.result", r.Result)
		c.text(path+".last_run.message", r.Message, false)
	}
}

func (c *checker) bucketName(path, name string) {
	if !bucketPattern.MatchString(name) {
		c.fail(path, "%q is no name of a bucket", clip(name))
	}
}

func (c *checker) snapshot(path string, s Snapshot) {
	if !snapshotPattern.MatchString(s.ID) {
		c.fail(path+".id", "%q is no id of a snapshot: 64 hexadecimal digits", clip(s.ID))
	}
	c.time(path+".time", s.Time)
	c.positive(path+".bytes", s.Bytes)
	seen := map[cloud.BackupClass]bool{}
	for _, class := range s.Classes {
		if !slices.Contains(cloud.BackupClasses(), class) || seen[class] {
			c.fail(path+".classes", "%q is no class, or there twice", clip(string(class)))
		}
		seen[class] = true
	}
}

func (c *checker) result(path string, r Result) {
	if r != OK && r != Failed {
		c.fail(path, "%q is neither ok nor failed", clip(string(r)))
	}
}

func (c *checker) restore(path string, r Restore) {
	if !slices.Contains([]Phase{PhaseWaiting, PhaseRunning, PhaseDone, PhaseFailed}, r.Phase) {
		c.fail(path+".phase", "%q is no phase of a restore", clip(string(r.Phase)))
	}
	c.bucketName(path+".bucket", r.Bucket)
	if !snapshotPattern.MatchString(r.Snapshot) {
		c.fail(path+".snapshot", "%q is no id of a snapshot: 64 hexadecimal digits", clip(r.Snapshot))
	}
	c.time(path+".started_at", r.StartedAt)
	c.time(path+".updated_at", r.UpdatedAt)
	c.positive(path+".bytes_done", r.BytesDone)
	c.positive(path+".bytes_total", r.BytesTotal)
	c.text(path+".message", r.Message, false)
}
