package vm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/guest"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/encryption"
)

// guestSettings are what the attribute guest says, known to the last part. No
// secret is among them: those are in no plan.
type guestSettings struct {
	Admins      []guest.Admin
	Mounts      []mount
	Ports       []int
	Intrusion   guest.Intrusion
	Maintenance guest.Maintenance
	// Engine and DatabaseMount are empty where the machine runs no database.
	Engine, DatabaseMount string
	Proxy                 string
	Backup                *guestBackup
}

// mount is a volume and where it is mounted.
type mount struct {
	Path, ID, Name, Device string
	// Encryption is nil where the volume has none.
	Encryption *encryption.Settings
}

type guestBackup struct {
	Plan               guestPlan
	Buckets            []guestBucket
	Paths              []string
	ClearsLocks        bool
	PasswordVersion    int64
	CredentialsVersion int64
}

type guestPlan struct {
	Name, Schedule, TimeZone string
	Keep                     cloud.BackupCounts
	BucketIDs                []string
}

type guestBucket struct {
	ID, Endpoint  string
	ImmutableDays int
}

// hash tells settings apart. The tenant's own user data belong to them.
func (s guestSettings) hash(own string) (string, error) {
	text, err := json.Marshal(struct {
		Settings guestSettings
		UserData string
	}{s, own})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}

// whole tells whether a value is known to its last part.
func whole(ctx context.Context, value attr.Value) bool {
	raw, err := value.ToTerraformValue(ctx)
	return err == nil && raw.IsFullyKnown()
}

// part gives an attribute of an object; the zero value, which is null, where
// there is none.
func part[T attr.Value](object types.Object, name string) T {
	value, _ := object.Attributes()[name].(T)
	return value
}

func textOf(object types.Object, name string) string {
	return part[types.String](object, name).ValueString()
}

// numberOf gives a number, or another one where it is null.
func numberOf(object types.Object, name string, or int) int {
	value := part[types.Int64](object, name)
	if value.IsNull() {
		return or
	}
	return int(value.ValueInt64())
}

// settingsOf reads the attribute; false where it is null, or not known to the
// last part.
func settingsOf(ctx context.Context, object types.Object) (guestSettings, bool) {
	if object.IsNull() || !whole(ctx, object) {
		return guestSettings{}, false
	}
	s := guestSettings{
		Admins: adminsOf(part[types.Map](object, "admins")),
		Mounts: mountsOf(part[types.Map](object, "mounts")),
		Ports:  portsOf(part[types.Set](object, "ports")),
		Proxy:  textOf(object, "proxy"),
	}
	s.Intrusion = intrusionOf(part[types.Object](object, "intrusion"))
	s.Maintenance = maintenanceOf(part[types.Object](object, "maintenance"))
	database := part[types.Object](object, "database")
	s.Engine, s.DatabaseMount = textOf(database, "engine"), textOf(database, "mount")
	if b := part[types.Object](object, "backup"); !b.IsNull() {
		s.Backup = &guestBackup{
			Plan:            planOf(part[types.Object](b, "plan")),
			Buckets:         bucketsOf(part[types.List](b, "buckets")),
			Paths:           textsOf(part[types.Set](b, "paths").Elements()),
			ClearsLocks:     part[types.Bool](b, "clears_locks").ValueBool(),
			PasswordVersion: part[types.Int64](b, "password_wo_version").ValueInt64(), CredentialsVersion: part[types.Int64](b, "credentials_wo_version").ValueInt64(),
		}
		if part[types.Set](b, "paths").IsNull() {
			for _, m := range s.Mounts {
				if m.Path != s.DatabaseMount {
					s.Backup.Paths = append(s.Backup.Paths, m.Path)
				}
			}
		}
	}
	return s, true
}

// adminsOf gives the engineers by their names.
func adminsOf(value types.Map) []guest.Admin {
	var admins []guest.Admin
	for _, name := range slices.Sorted(maps.Keys(value.Elements())) {
		keys, _ := value.Elements()[name].(types.List)
		admin := guest.Admin{Name: name}
		for _, element := range keys.Elements() {
			key, _ := element.(types.String)
			admin.Keys = append(admin.Keys, strings.TrimSpace(key.ValueString()))
		}
		admins = append(admins, admin)
	}
	return admins
}

// mountsOf gives the mounts by their paths.
func mountsOf(value types.Map) []mount {
	var mounts []mount
	for _, path := range slices.Sorted(maps.Keys(value.Elements())) {
		volume, _ := value.Elements()[path].(types.Object)
		m := mount{Path: path, ID: textOf(volume, "id"), Name: textOf(volume, "name"), Device: textOf(volume, "device")}
		if settings, ok := encryption.Read(part[types.Object](volume, encryption.Name)); ok {
			m.Encryption = &settings
		}
		mounts = append(mounts, m)
	}
	return mounts
}

func portsOf(value types.Set) []int {
	var ports []int
	for _, element := range value.Elements() {
		port, _ := element.(types.Int64)
		ports = append(ports, int(port.ValueInt64()))
	}
	slices.Sort(ports)
	return ports
}

// textsOf gives the texts of a set, in a fixed order.
func textsOf(elements []attr.Value) []string {
	var texts []string
	for _, element := range elements {
		text, _ := element.(types.String)
		texts = append(texts, text.ValueString())
	}
	slices.Sort(texts)
	return texts
}

func intrusionOf(object types.Object) guest.Intrusion {
	return guest.Intrusion{Attempts: numberOf(object, "attempts", standardAttempts), WindowSeconds: numberOf(object, "window_seconds", standardWindowSeconds),
		CoolDownSeconds: numberOf(object, "cool_down_seconds", standardCoolDownSeconds)}
}

func maintenanceOf(object types.Object) guest.Maintenance {
	return guest.Maintenance{UpdateAt: cmp.Or(textOf(object, "update_at"), standardUpdateAt), RebootAt: cmp.Or(textOf(object, "reboot_at"), standardRebootAt)}
}

func planOf(object types.Object) guestPlan {
	keep, standard := part[types.Object](object, "retention"), cloud.DefaultRetention()
	p := guestPlan{Name: textOf(object, "name"), Schedule: textOf(object, "schedule"), TimeZone: textOf(object, "time_zone"),
		Keep: cloud.BackupCounts{Daily: numberOf(keep, "daily", standard.Daily), Weekly: numberOf(keep, "weekly", standard.Weekly), Monthly: numberOf(keep, "monthly", standard.Monthly)}}
	p.BucketIDs = textsOf(part[types.List](object, "bucket_ids").Elements())
	return p
}

func bucketsOf(value types.List) []guestBucket {
	var buckets []guestBucket
	for _, element := range value.Elements() {
		object, _ := element.(types.Object)
		buckets = append(buckets, guestBucket{ID: textOf(object, "id"), Endpoint: textOf(object, "endpoint"), ImmutableDays: numberOf(object, "immutable_days", 0)})
	}
	return buckets
}

// restoreOf reads the attribute restore. A bucket is named by its id in the
// configuration, and by its name at its vendor in the machine.
func restoreOf(ctx context.Context, object types.Object) (guest.Restore, bool) {
	if object.IsNull() || !whole(ctx, object) {
		return guest.Restore{}, false
	}
	r := guest.Restore{From: textOf(object, "from"), Bucket: textOf(object, "bucket"), Machine: textOf(object, "machine")}
	if id, err := cloud.ParseID(r.Bucket); err == nil {
		r.Bucket = id.Native
	}
	return r, true
}

// keepGuest completes what no cloud tells: an import knows nothing of it.
func keepGuest(m *model) {
	if m.Guest.IsNull() {
		m.Guest = types.ObjectNull(typesOf(guestAttribute()))
	}
	if m.Restore.IsNull() {
		m.Restore = types.ObjectNull(typesOf(guestAttributes()["restore"]))
	}
}

// mountField is the path of a mount's attribute.
func mountField(path string) string { return fmt.Sprintf("guest.mounts[%q]", path) }
