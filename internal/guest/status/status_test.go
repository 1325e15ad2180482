package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example has every member.
func example() Status {
	zone := time.FixedZone("", 3600)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 2, 30, 4, 0, zone) }
	id := func(c string) string { return strings.Repeat(c, 64) }
	return Status{
		Version: "1.1", Deployment: "acme-eu", Tenant: "acme", Machine: "acme", WrittenAt: day(22).Add(20 * time.Minute),
		BootID: "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13",
		System: System{OS: "Debian GNU/Linux 13 (trixie)", Kernel: "6.12.48+deb13-amd64", BootedAt: day(1), PatchedAt: day(21), SecurityUpdates: 0, RebootRequired: true},
		Volumes: []Volume{
			{Name: "acme-data", Mount: "/srv/data", Format: "luks2", Cipher: "aes-xts-plain64", KeyBits: 512, Unlocked: true, UnattendedUnlock: true, RecoverySlot: true},
			{Name: "acme-scratch", Mount: "/srv/scratch", Format: "none", Unlocked: true},
		},
		Backups: []Bucket{
			{Name: "acme-eu-backups-nbg1", Location: "hetzner/nbg1",
				Snapshots: []Snapshot{
					{ID: id("a"), Time: day(22), Bytes: 734003200, Classes: []cloud.BackupClass{"daily", "weekly", "monthly"}},
					{ID: id("b"), Time: day(21), Bytes: 733003200, Classes: []cloud.BackupClass{"daily"}},
					{ID: id("c"), Time: day(20).Add(9 * time.Hour), Bytes: 733003000, Classes: []cloud.BackupClass{}},
				},
				Others:  79,
				Check:   &Check{At: day(22).Add(10 * time.Minute), Result: OK},
				LastRun: &Run{StartedAt: day(22), FinishedAt: day(22).Add(6 * time.Minute), Result: OK}},
			{Name: "acme-eu-backups-us", Location: "google/us-central1-a",
				Snapshots: []Snapshot{{ID: id("d"), Time: day(21), Bytes: 733003200, Classes: []cloud.BackupClass{"daily", "weekly", "monthly"}}},
				LastRun:   &Run{StartedAt: day(22).Add(6 * time.Minute), FinishedAt: day(22).Add(7 * time.Minute), Result: Failed, Message: "Fatal: unable to open repository: connection refused"}},
			{Name: "acme-eu-backups-hel1", Location: "hetzner/hel1", Snapshots: []Snapshot{}},
		},
		Restore: &Restore{Phase: PhaseRunning, Bucket: "acme-eu-backups-nbg1", Snapshot: id("a"), StartedAt: day(1), UpdatedAt: day(1).Add(time.Minute), BytesDone: 1 << 20, BytesTotal: 734003200},
		Listening: []Socket{
			{Protocol: "tcp", Address: "0.0.0.0", Port: 22, Program: "sshd"},
			{Protocol: "udp", Address: "10.1.0.2", Port: 68},
		},
		FailedUnits: []string{"holdfast-backup.service"},
	}
}

func TestGolden(t *testing.T) {
	text, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "v1.json")
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, text) {
		t.Errorf("the contract changed: %s", cmp.Diff(string(golden), string(text)))
	}
	parsed, err := Parse(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), parsed); diff != "" {
		t.Errorf("read back: %s", diff)
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("v1.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("v1.schema.json") // checks it against draft 2020-12's own schema
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func valid(t testing.TB, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// Changes to the golden object, each of which schema and parser judge alike.
var changes = []struct {
	name, old, new string
	// want is in the parser's message; empty if the object stays good.
	want string
}{
	{"nothing", `"1.1"`, `"1.1"`, ""},
	{"without volumes", `"volumes": [`, `"volumes": [], "x": [`, "x: is not part of the contract"},
	{"misspelt", `"tenant"`, `"tenat"`, "tenat: is not part of the contract"},
	{"missing", `"tenant": "acme",`, ``, "tenant: is missing"},
	{"other case", `"tenant"`, `"Tenant"`, "Tenant: is written tenant"},
	{"null", `"boot_id": "0b1d6a4e-3c7f-4e21-9d55-2f6a0c9e7b13"`, `"boot_id": null`, "boot_id: is null"},
	{"null list", `"classes": []`, `"classes": null`, "backups[0].snapshots[2].classes: is null"},
	{"deep inside", `"bytes": 734003200,`, `"bytes": 734003200, "byte": 1,`, "backups[0].snapshots[0].byte: is not part"},
	{"a name that is none", `"tenant": "acme"`, `"tenant": "ACME"`, `tenant: "ACME" is not a name`},
	{"not a time", `"written_at": "2026`, `"written_at": "yesterday 2026`, "written_at: is not a time as RFC 3339 writes it"},
	{"negative", `"bytes": 734003200`, `"bytes": -1`, "backups[0].snapshots[0].bytes: -1 is less than nothing"},
	{"a text for a number", `"bytes": 734003200`, `"bytes": "734003200"`, "backups[0].snapshots[0].bytes: is not a whole number"},
	{"negative others", `"others": 79`, `"others": -1`, "backups[0].others: -1 is less than nothing"},
	{"others missing", `"others": 79,`, ``, "backups[0].others: is missing"},
	{"a fraction", `"bytes": 734003200`, `"bytes": 1.5`, "backups[0].snapshots[0].bytes: is not a whole number"},
	{"a list for an object", `"check": {`, `"check": [], "x": {`, "backups[0].check: is not an object"},
	{"an object for a list", `"volumes": [`, `"volumes": {"a": 1}, "x": [`, "volumes: is not a list"},
	{"a number for a text", `"kernel": "6.12.48+deb13-amd64"`, `"kernel": 6`, "system.kernel: is not a text"},
	{"a text for a truth", `"reboot_required": true`, `"reboot_required": "yes"`, "system.reboot_required: is not true or false"},
	{"not an id", strings.Repeat("d", 64), strings.Repeat("D", 64), `backups[1].snapshots[0].id: "DDDD`},
	{"unknown class", `"weekly"`, `"yearly"`, `backups[0].snapshots[0].classes: "yearly" is no class`},
	{"unknown result", `"failed"`, `"maybe"`, `backups[1].last_run.result: "maybe" is neither ok nor failed`},
	{"unknown phase", `"running"`, `"walking"`, `restore.phase: "walking" is no phase`},
	{"no location", `"hetzner/nbg1"`, `"nbg1"`, `backups[0].location: "nbg1" is not a location`},
	{"no bucket name", `"name": "acme-eu-backups-us"`, `"name": "A/b"`, `backups[1].name: "A/b" is no name of a bucket`},
	{"no boot id", `0b1d6a4e-`, `0b1d6a4e`, `boot_id: "0b1d6a4e3c7f`},
	{"encrypted without a cipher", `"cipher": "aes-xts-plain64",`, ``, "volumes[0].cipher: is missing or empty"},
	{"a cipher without encryption", `"format": "none"`, `"format": "none", "cipher": "aes"`, "volumes[1].cipher: a volume without encryption has none"},
	{"unknown format", `"format": "luks2"`, `"format": "luks1"`, `volumes[0].format: "luks1" is neither`},
	{"a long message", `Fatal: unable`, strings.Repeat("long ", 60), "backups[1].last_run.message: has"},
	{"neither tcp nor udp", `"udp"`, `"sctp"`, `listening[1].protocol: "sctp" is neither`},
	{"no port", `"port": 68`, `"port": 0`, "listening[1].port: 0 is no port"},
	{"a large port", `"port": 68`, `"port": 65536`, "listening[1].port: 65536 is no port"},
	{"no address", `"address": "10.1.0.2",`, ``, "listening[1].address: is missing"},
	{"a socket's misspelt member", `"port": 68`, `"port": 68, "pid": 1`, "listening[1].pid: is not part"},
	{"a unit without a name", `"holdfast-backup.service"`, `""`, "failed_units[0]: is missing or empty"},
	{"units as a text", `"failed_units": [`, `"failed_units": "none", "x": [`, "failed_units: is not a list"},
	{"1.1's members in 1.0", `"1.1"`, `"1.0"`, "listening: is not part of the contract before version 1.1"},
	{"no kernel", `"6.12.48+deb13-amd64"`, `""`, "system.kernel: is missing or empty"},
}

// The schema that is published says what the parser does.
func TestSchemaAndParserAgree(t *testing.T) {
	schema := compileSchema(t)
	good, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range changes {
		t.Run(tc.name, func(t *testing.T) {
			text := []byte(strings.Replace(string(good), tc.old, tc.new, 1))
			if !bytes.Contains(good, []byte(tc.old)) {
				t.Fatalf("%s is not in the object", tc.old)
			}
			_, err := Parse(text)
			if bySchema := valid(t, schema, text); (bySchema == nil) != (err == nil) {
				t.Errorf("the parser says %v, the schema %v", err, bySchema)
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// What JSON Schema cannot say.
func TestParseRefuses(t *testing.T) {
	good, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"twice", `"tenant": "acme",`, `"tenant": "acme", "tenant": "zenith",`, "tenant: is there twice"},
		{"two buckets of a name", `"name": "acme-eu-backups-us"`, `"name": "acme-eu-backups-nbg1"`, `backups[1].name: the bucket "acme-eu-backups-nbg1" is there twice`},
		{"a snapshot twice", strings.Repeat("b", 64), strings.Repeat("a", 64), "backups[0].snapshots[1].id: it is there twice"},
		{"not newest first", `"2026-11-21T02:30:04+01:00",` + "\n     \"bytes\": 733003200,\n     \"classes\": [\n      \"daily\"\n     ]", `"2026-11-23T02:30:04+01:00",` + "\n     \"bytes\": 733003200,\n     \"classes\": [\n      \"daily\"\n     ]", "backups[0].snapshots[1].time: it is newer than the one before"},
		{"ends before it starts", `"finished_at": "2026-11-22`, `"finished_at": "2026-11-20`, "backups[0].last_run.finished_at: it ends before it starts"},
		{"before there were machines", `"booted_at": "2026`, `"booted_at": "1970`, "system.booted_at: 1970"},
		{"a line break", `Fatal: unable`, `Fatal:\nunable`, "backups[1].last_run.message: has characters"},
		{"something behind", "\n}\n", "\n} {}", "invalid character"},
		{"cut off", "\n}\n", "", "unexpected end"},
		{"no object", string(good), `[]`, "status: json"},
		{"nothing", string(good), ``, "unexpected end"},
		{"no version", `"version": "1.1",`, ``, `version: "" is no version`},
		{"no such version", `"1.1"`, `"1"`, `"1" is no version: <major>.<minor>`},
		{"too large", `"1.1"`, `"1.1"` + strings.Repeat(" ", MaxBytes), "at most 65536 are possible"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(string(good), tc.old, tc.new, 1)
			if text == string(good) {
				t.Fatalf("%s is not in the object", tc.old)
			}
			if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, ErrVersion) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	// Everything that is wrong is told at once.
	text := strings.NewReplacer(`"tenant"`, `"tenat"`, `"machine": "acme",`, ``).Replace(string(good))
	if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "tenat: is not part") || !strings.Contains(err.Error(), "machine: is missing") || !strings.Contains(err.Error(), "tenant: is missing") {
		t.Errorf("error %v", err)
	}
}

// A later 1.x may say more; what this program does not know is left out. What
// is missing or wrong is refused all the same.
func TestParseLaterVersions(t *testing.T) {
	good, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	later := strings.NewReplacer(`"1.1"`, `"1.7"`, `"bytes": 734003200,`, `"bytes": 734003200, "parent": {"id": [null, {"tenant": 1}]},`, `"boot_id"`, `"weather": "fine", "boot_id"`).Replace(string(good))
	got, err := Parse([]byte(later))
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Version = "1.7"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Parse([]byte(strings.Replace(later, `"tenant": "acme",`, ``, 1))); err == nil || !strings.Contains(err.Error(), "tenant: is missing") {
		t.Errorf("a later version without a tenant: %v", err)
	}
	for _, version := range []string{"2.0", "10.3"} {
		if _, err := Parse([]byte(strings.Replace(string(good), `"1.1"`, `"`+version+`"`, 1))); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), version) {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

// Encode never writes what cannot be read, and nothing that is null.
func TestEncode(t *testing.T) {
	s := example()
	s.Volumes, s.Restore, s.Backups[2].Snapshots, s.Backups[0].Snapshots[1].Classes = nil, nil, nil, nil
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("null")) || valid(t, compileSchema(t), text) != nil {
		t.Errorf("%s", text)
	}
	if s.Backups[2].Snapshots != nil || s.Backups[0].Snapshots[1].Classes != nil {
		t.Error("the argument was changed")
	}
	s.Tenant = "ACME"
	if _, err := s.Encode(); err == nil || !strings.Contains(err.Error(), "tenant") {
		t.Errorf("a bad tenant: %v", err)
	}
	// The largest that is allowed fits.
	large := example()
	large.Backups = large.Backups[:1]
	large.Backups[0].Snapshots = nil
	for i := range MaxSnapshots {
		large.Backups[0].Snapshots = append(large.Backups[0].Snapshots, Snapshot{ID: strings.Repeat("0123456789abcdef"[i%16:i%16+1], 32) + strings.Repeat("0123456789abcdef"[i/16:i/16+1], 32),
			Time: example().WrittenAt.Add(-time.Duration(i) * time.Hour), Bytes: 1 << 50, Classes: cloud.BackupClasses()})
	}
	for _, name := range []string{"acme-eu-backups-two", "acme-eu-backups-three"} {
		b := large.Backups[0]
		b.Name = name
		large.Backups = append(large.Backups, b)
	}
	if _, err := large.Encode(); err != nil {
		t.Errorf("three buckets of %d: %v", MaxSnapshots, err)
	}
	large.Backups[0].Snapshots = append(large.Backups[0].Snapshots, Snapshot{ID: strings.Repeat("9a", 32), Time: example().WrittenAt.AddDate(0, 0, -9)})
	if _, err := large.Encode(); err == nil || !strings.Contains(err.Error(), "backups[0].snapshots: there are 65") {
		t.Errorf("too many: %v", err)
	}
}

// The types and the schema have the same members, and agree on which may be
// absent.
func TestSchemaHasTheMembersOfTheTypes(t *testing.T) {
	var document struct {
		Defs       map[string]json.RawMessage `json:"$defs"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal([]byte(Schema()), &document); err != nil {
		t.Fatal(err)
	}
	for of, raw := range map[reflect.Type]json.RawMessage{
		reflect.TypeFor[Status](): json.RawMessage(Schema()), reflect.TypeFor[System](): document.Properties["system"],
		reflect.TypeFor[Volume](): document.Defs["volume"], reflect.TypeFor[Bucket](): document.Defs["bucket"],
		reflect.TypeFor[Snapshot](): document.Defs["snapshot"], reflect.TypeFor[Check](): document.Defs["check"],
		reflect.TypeFor[Run](): document.Defs["run"], reflect.TypeFor[Socket](): document.Defs["socket"], reflect.TypeFor[Restore](): document.Defs["restore"],
	} {
		var object struct {
			AdditionalProperties *bool                      `json:"additionalProperties"`
			Required             []string                   `json:"required"`
			Properties           map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatalf("%s: %v", of, err)
		}
		if object.AdditionalProperties == nil || *object.AdditionalProperties {
			t.Errorf("%s: the schema takes anything", of)
		}
		required := map[string]bool{}
		for _, name := range object.Required {
			required[name] = true
		}
		known := fields(of)
		for name, field := range known {
			if _, ok := object.Properties[name]; !ok || required[name] != field.needed {
				t.Errorf("%s.%s: in the schema %v, required there %v, here %v", of, name, ok, required[name], field.needed)
			}
		}
		if len(object.Properties) != len(known) {
			t.Errorf("%s has %d members, its schema %d", of, len(known), len(object.Properties))
		}
	}
}

// An object of version 1.0 is good as it was; one of 1.1 may be without what 1.1
// brought, and tells nothing apart from nothing measured.
func TestVersionsOfTheContract(t *testing.T) {
	old := example()
	old.Version, old.Listening, old.FailedUnits = "1.0", nil, nil
	none := example()
	none.Listening, none.FailedUnits = []Socket{}, []string{}
	unmeasured := example()
	unmeasured.Listening, unmeasured.FailedUnits = nil, nil
	for name, want := range map[string]Status{"1.0": old, "nothing listens": none, "not measured": unmeasured} {
		text, err := want.Encode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := valid(t, compileSchema(t), text); err != nil {
			t.Errorf("%s: the schema says %v", name, err)
		}
		got, err := Parse(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	old.FailedUnits = []string{}
	if _, err := old.Encode(); err == nil || !strings.Contains(err.Error(), "before version 1.1") {
		t.Errorf("1.0 with failed units: %v", err)
	}
	for _, many := range []func(*Status){
		func(s *Status) { s.Listening = make([]Socket, MaxSockets+1) },
		func(s *Status) { s.FailedUnits = make([]string, MaxUnits+1) },
	} {
		s := example()
		many(&s)
		if _, err := s.Encode(); err == nil || !strings.Contains(err.Error(), "are possible") {
			t.Errorf("too many: %v", err)
		}
	}
}

func TestKey(t *testing.T) {
	if got := Key("acme-eu", "acme"); got != "acme-eu/acme/status/v1.json" {
		t.Error(got)
	}
}

// Whatever comes, the parser does not fall over, and what it accepts it can
// write and read again.
func FuzzParse(f *testing.F) {
	good, err := example().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":"2.0"}`))
	for _, tc := range changes {
		f.Add([]byte(strings.Replace(string(good), tc.old, tc.new, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		text, err := s.Encode()
		if err != nil {
			t.Fatalf("read, but not to be written: %v\n%s", err, data)
		}
		again, err := Parse(text)
		if err != nil || !cmp.Equal(s, again) {
			t.Fatalf("read, written and read again it differs: %v\n%s", err, cmp.Diff(s, again))
		}
	})
}
