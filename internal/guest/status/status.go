package status

import (
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Version is the version that this package writes.
const Version = "1.1"

// MaxBytes is the size that a reader accepts: an object with three buckets of
// MaxSnapshots snapshots each stays below it.
const MaxBytes = 64 << 10

// MaxSnapshots bounds the snapshots that are told of a bucket one by one: BAK-1
// keeps 14, which leaves room for those that customers make by hand.
const MaxSnapshots = 64

// Prefix is where everything of a tenant stands in a bucket:
// "<deployment>/<tenant>/".
func Prefix(deployment, tenant string) string { return deployment + "/" + tenant + "/" }

// Name is the status object's key below Prefix.
const Name = "status/v1.json"

// Key is the whole key of a tenant's status object.
func Key(deployment, tenant string) string { return Prefix(deployment, tenant) + Name }

// Status is what a guest tells.
type Status struct {
	// Version is "<major>.<minor>" of the contract: "1.1".
	Version    string `json:"version"`
	Deployment string `json:"deployment"`
	Tenant     string `json:"tenant"`
	// Machine is the neutral name of the VM.
	Machine string `json:"machine"`
	// WrittenAt is when this object was made, on the guest's clock.
	WrittenAt time.Time `json:"written_at"`
	// BootID is the kernel's boot_id: another one means that it was restarted.
	BootID  string   `json:"boot_id"`
	System  System   `json:"system"`
	Volumes []Volume `json:"volumes"`
	// Backups has one entry a bucket.
	Backups []Bucket `json:"backups"`
	// Restore is there while a restore runs, and after the last one.
	Restore *Restore `json:"restore,omitempty"`
	// Listening are the sockets that take connections or datagrams, from
	// version 1.1 on; nil where they were not measured.
	Listening []Socket `json:"listening,omitzero" since:"1"`
	// FailedUnits are the names of the services that failed, from version 1.1
	// on; nil where they were not measured.
	FailedUnits []string `json:"failed_units,omitzero" since:"1"`
}

// MaxSockets and MaxUnits bound what is told of a machine that is badly off.
const (
	MaxSockets = 64
	MaxUnits   = 32
)

// Socket is one that listens (SYS-2).
type Socket struct {
	// Protocol is "tcp" or "udp".
	Protocol string `json:"protocol"`
	// Address that it is bound to; "0.0.0.0" or "::" for all.
	Address string `json:"address"`
	Port    int    `json:"port"`
	// Program is the name of the process; empty where it is not known.
	Program string `json:"program,omitempty"`
}

// System is the patch level (SYS-1).
type System struct {
	// OS is PRETTY_NAME of os-release.
	OS     string `json:"os"`
	Kernel string `json:"kernel"`
	// BootedAt is when the running kernel started.
	BootedAt time.Time `json:"booted_at"`
	// PatchedAt is when updates were last installed or found to be none.
	PatchedAt time.Time `json:"patched_at"`
	// SecurityUpdates is how many of them wait to be installed.
	SecurityUpdates int `json:"security_updates"`
	// RebootRequired tells that an installed update waits for a restart.
	RebootRequired bool `json:"reboot_required"`
}

// Volume is the encryption of one data volume (ENC-1).
type Volume struct {
	// Name is the neutral name of the volume.
	Name  string `json:"name"`
	Mount string `json:"mount"`
	// Format is "luks2", or "none" for a volume that is not encrypted.
	Format string `json:"format"`
	// Cipher is the kernel's name of it, "aes-xts-plain64"; empty without one.
	Cipher string `json:"cipher,omitempty"`
	// KeyBits is the length of the volume key, both halves of XTS together.
	KeyBits int `json:"key_bits,omitempty"`
	// Unlocked tells that it is open and mounted.
	Unlocked bool `json:"unlocked"`
	// UnattendedUnlock tells that it opens at boot without a person.
	UnattendedUnlock bool `json:"unattended_unlock"`
	// RecoverySlot tells that there is a slot for the operators' recovery key.
	RecoverySlot bool `json:"recovery_slot"`
}

// Bucket is what the guest keeps in one bucket.
type Bucket struct {
	// Name is the bucket's name at its vendor.
	Name string `json:"name"`
	// Location of the bucket, "hetzner/fsn1".
	Location string `json:"location"`
	// Snapshots that restic lists there, newest first: those that are kept for
	// a class, and of the rest the newest, up to MaxSnapshots.
	Snapshots []Snapshot `json:"snapshots"`
	// Others is how many more there are: immutable ones that outlived their
	// class, for the most part.
	Others int `json:"others"`
	// Check is the last `restic check` of the repository; absent if there was
	// none.
	Check *Check `json:"check,omitempty"`
	// LastRun is the last attempt to back up or copy there; absent if there was
	// none.
	LastRun *Run `json:"last_run,omitempty"`
}

// Snapshot is one backup.
type Snapshot struct {
	// ID is the whole id of restic's snapshot: 64 hexadecimal digits.
	ID string `json:"id"`
	// Time is when the backup was begun, in the machine's zone.
	Time time.Time `json:"time"`
	// Bytes is what a restore would write.
	Bytes int64 `json:"bytes"`
	// Classes say for what `restic forget` keeps it; none for one that it is
	// about to forget or that a person made.
	Classes []cloud.BackupClass `json:"classes"`
}

// Check is the verdict of `restic check`.
type Check struct {
	At     time.Time `json:"at"`
	Result Result    `json:"result"`
	// Message is restic's, where it failed.
	Message string `json:"message,omitempty"`
}

// Run is one attempt to write a backup into a bucket.
type Run struct {
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Result     Result    `json:"result"`
	// Message is restic's, where it failed.
	Message string `json:"message,omitempty"`
}

// Result is how something ended.
type Result string

// The results.
const (
	OK     Result = "ok"
	Failed Result = "failed"
)

// Restore is the progress of a restore (DR-2).
type Restore struct {
	Phase Phase `json:"phase"`
	// Bucket is the name of the one that it reads.
	Bucket string `json:"bucket"`
	// Snapshot is the id of what is restored.
	Snapshot  string    `json:"snapshot"`
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
	BytesDone int64     `json:"bytes_done"`
	// BytesTotal is 0 until it is known.
	BytesTotal int64 `json:"bytes_total"`
	// Message says what failed.
	Message string `json:"message,omitempty"`
}

// Phase is how far a restore is.
type Phase string

// The phases.
const (
	PhaseWaiting Phase = "waiting"
	PhaseRunning Phase = "running"
	PhaseDone    Phase = "done"
	PhaseFailed  Phase = "failed"
)
