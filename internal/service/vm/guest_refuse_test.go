package vm

import (
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/service/servicetest"
)

const theMount = `guest.mounts["/srv/data"]`

func TestGuestRefusals(t *testing.T) {
	w := startGuest(t, 2)
	told := func(value any, path ...string) servicetest.Config {
		return w.config().With("guest", with(w.told(), value, path...))
	}
	other := object{"id": w.volume, "name": "acme", "device": "/dev/disk/by-id/scsi-0HC_Volume_1", "encryption": w.encryption(2)}
	for _, tc := range []struct {
		name   string
		config servicetest.Config
		want   []string
	}{
		{"nobody", told(object{}, "admins"), []string{"guest.admins: Nobody may log in (SYS-3)"}},
		{"root", told(object{"root": []any{keyAda}}, "admins"), []string{`guest.admins["root"]: Account of the system (SYS-3)`}},
		{"no keys", told(object{"ada": []any{}}, "admins"), []string{`guest.admins["ada"]: Engineer without a key (SYS-3)`}},
		{"a shared key", told(object{"ada": []any{keyAda}, "bob": []any{keyBob, keyAda}}, "admins"), []string{`guest.admins["bob"][1]: Key given twice (SYS-3)`}},
		{"a bad mount", told(object{"/etc": other}, "mounts"), []string{`guest.mounts["/etc"]: Directory of the system`, "guest.database.mount: Database outside of an encrypted volume (ENC-1)"}},
		{"no encryption", told(nil, "mounts", mountPoint, "encryption"), []string{theMount + ": Volume without encryption (ENC-1)"}},
		{"bad encryption", told(3, "mounts", mountPoint, "encryption", "threshold"), []string{theMount + ".encryption.threshold: Threshold cannot be met (ENC-1)"}},
		{"no device", told(nil, "mounts", mountPoint, "device"), []string{theMount + ".device: Incomplete volume"}},
		{"not attached", told("hetzner/hel1/99", "mounts", mountPoint, "id"), []string{theMount + ": Volume not attached"}},
		{"ports", told([]any{22}, "ports"), []string{"guest.ports: Port of SSH"}},
		{"intrusion", told(0, "intrusion", "attempts"), []string{"guest.intrusion.attempts: Intrusion prevention out of bounds (NET-2)"}},
		{"maintenance", told("12:00", "maintenance", "update_at"), []string{"guest.maintenance.update_at: Maintenance in business hours (UPT-2)"}},
		{"proxy", told("http://a:b@c", "proxy"), []string{"guest.proxy: Not the URL of a proxy"}},
		{"engine", told("mysql", "database", "engine"), []string{"guest.database.engine: Unknown database"}},
		{"no plan", told(nil, "backup", "plan"), []string{"guest.backup.plan: Backups without a plan (BAK-1)"}},
		{"no buckets", told([]any{}, "backup", "buckets"), []string{"guest.backup.buckets: No bucket (BAK-2)"}},
		{"a bucket without id", told([]any{object{}}, "backup", "buckets"), []string{"guest.backup.buckets[0].id: Incomplete bucket"}},
		{"other buckets", told([]any{"hetzner/nbg1/other"}, "backup", "plan", "bucket_ids"), []string{"guest.backup.buckets: Other buckets than the plan's (BAK-2)"}},
		{"another plan", w.config().With("backup_plan_id", "other"), []string{"guest.backup.plan: Two backup plans (BAK-1)"}},
		{"nothing mounted", w.config().With("guest", with(with(w.told(), object{}, "mounts"), nil, "database")), []string{"guest.backup: Nothing to seal secrets to (ENC-1)"}},
		{"no password", told(nil, "backup", "password_wo"), []string{"guest.backup.password_wo: No password for the backups (ENC-2)"}},
		{"a short password", told("hunter2", "backup", "password_wo"), []string{"guest.backup.password_wo: Password too short (ENC-2)"}},
		{"restore of nothing", w.basic().With("restore", object{"from": "latest"}), []string{"restore: Nothing to restore from (BAK-5)"}},
		{"restore of what", w.config().With("restore", object{"from": "yesterday"}), []string{"restore.from: Not a backup (BAK-5)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			problems := w.tf.Plan(servicetest.Instance{}, tc.config).Diags.Errors()
			if len(problems) != len(tc.want) {
				t.Fatalf("%q, want %q", problems, tc.want)
			}
			for i, want := range tc.want {
				if !strings.HasPrefix(problems[i], want) || strings.Contains(problems[i], "hunter2") {
					t.Errorf("%q, want %q", problems[i], want)
				}
			}
		})
	}
	// What only an apply sees is refused before anything is made.
	for _, tc := range []struct {
		name   string
		config servicetest.Config
		want   string
	}{
		{"no credentials", told(nil, "backup", "credentials_wo"), "guest.backup.credentials_wo: Credentials of a bucket missing"},
		{"half of them", told("", "backup", "credentials_wo", "hetzner/nbg1/acme-b1"), "guest.backup.credentials_wo: Credentials of a bucket missing"},
		{"no JSON", told("hunter2", "backup", "credentials_wo", "hetzner/nbg1/acme-b1"), "guest.backup.credentials_wo: Credentials of a bucket missing"},
		{"no secret key", told(`{"access_key":"hunter2"}`, "backup", "credentials_wo", "hetzner/nbg1/acme-b1"), "guest.backup.credentials_wo: Credentials of a bucket missing"},
		{"of another bucket", told("{}", "backup", "credentials_wo", "hetzner/nbg1/other"), "guest.backup.credentials_wo: Credentials of another bucket"},
		{"another bucket to restore from", w.config().With("restore", object{"from": "latest", "bucket": "hetzner/nbg1/other"}), "guest: Not a bucket of the machine's (BAK-5)"},
		{"a device", told("/dev/sdb", "mounts", mountPoint, "device"), "guest: Not the path of a disk (ENC-1)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made, diags := w.tf.Apply(w.tf.Plan(servicetest.Instance{}, tc.config))
			problems := diags.Errors()
			if made.Exists() || len(w.specs) > 0 || len(problems) == 0 || !strings.HasPrefix(problems[0], tc.want) || strings.Contains(strings.Join(problems, ""), "hunter2") {
				t.Errorf("%q, want %q", problems, tc.want)
			}
		})
	}
}

func TestGuestUnknown(t *testing.T) {
	w := startGuest(t, 1)
	u := servicetest.Unknown
	for _, path := range [][]string{{"admins"}, {"admins", "ada"}, {"mounts"}, {"mounts", mountPoint}, {"mounts", mountPoint, "id"}, {"mounts", mountPoint, "device"},
		{"mounts", mountPoint, "encryption"}, {"ports"}, {"intrusion"}, {"intrusion", "attempts"}, {"maintenance"}, {"maintenance", "update_at"}, {"proxy"}, {"database"}, {"database", "mount"},
		{"backup"}, {"backup", "plan"}, {"backup", "plan", "name"}, {"backup", "plan", "retention"}, {"backup", "plan", "bucket_ids"}, {"backup", "buckets"}, {"backup", "paths"},
		{"backup", "password_wo"}, {"backup", "credentials_wo"}, {"backup", "password_wo_version"}} {
		plan := w.tf.Plan(servicetest.Instance{}, w.config().With("guest", with(w.told(), u, path...)))
		if problems := plan.Diags.Errors(); len(problems) > 0 {
			t.Errorf("%s unknown: %q", strings.Join(path, "."), problems)
		}
	}
	for _, name := range []string{"guest", "restore"} {
		if problems := w.tf.Plan(servicetest.Instance{}, w.config().With(name, u)).Diags.Errors(); len(problems) > 0 {
			t.Errorf("%s unknown: %q", name, problems)
		}
	}
	if plan := w.tf.Plan(servicetest.Instance{}, w.config().With("restore", object{"from": u})); len(plan.Diags.Errors()) > 0 {
		t.Errorf("restore.from unknown: %q", plan.Diags.Errors())
	}
}

// A machine is made while enough Tang servers answer, or their advertisements
// are given; one that lies is never sealed to.
func TestGuestTang(t *testing.T) {
	for _, tc := range []struct {
		name      string
		threshold int
		change    func(w *guestWorld, servers []any)
		warning   string
		problem   string
		asked     []int64
	}{
		{"both", 2, nil, "", "", []int64{1, 1}},
		{"one away, one needed", 1, func(w *guestWorld, _ []any) { w.tang[0].Stop() }, "A Tang server does not answer", "", nil},
		{"one away, both needed", 2, func(w *guestWorld, _ []any) { w.tang[1].Stop() }, "", "Too few Tang servers answer (ENC-1)", nil},
		{"one away, its advertisement given", 2, func(w *guestWorld, servers []any) {
			w.tang[1].Stop()
			servers[1].(object)["advertisement"] = w.tang[1].Advertisement
		}, "", "", []int64{1, 0}},
		{"another server in its place", 1, func(w *guestWorld, servers []any) { servers[0].(object)["url"] = w.tang[1].URL; w.tang = w.tang[:1] }, "", "Tang server not trusted (ENC-1)", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := startGuest(t, 2)
			encryption := w.encryption(tc.threshold)
			servers, _ := encryption["tang"].([]any)
			if tc.change != nil {
				tc.change(w, servers)
			}
			encryption["tang"] = servers[:len(w.tang)]
			config := w.config().With("guest", with(w.told(), encryption, "mounts", mountPoint, "encryption"))
			made, diags := w.tf.Apply(w.tf.Plan(servicetest.Instance{}, config))
			switch {
			case tc.problem != "":
				if problems := diags.Errors(); made.Exists() || len(w.specs) > 0 || len(problems) != 1 || !strings.Contains(problems[0], tc.problem) {
					t.Errorf("%q", problems)
				}
			case len(diags.Errors()) > 0 || len(diags.Warnings()) > 0 != (tc.warning != "") || tc.warning != "" && !strings.Contains(diags.Warnings()[0], tc.warning):
				t.Errorf("%q, %q", diags.Errors(), diags.Warnings())
			}
			for i, server := range servers[:len(w.tang)] {
				given, _ := server.(object)["advertisement"].(string)
				if len(w.specs) == 1 && specTold(t, w.specs[0].UserData).Volumes[0].Binding.Tang[i].Advertisement != given {
					t.Errorf("the machine is not told the advertisement of server %d", i)
				}
			}
			for i, want := range tc.asked {
				if got := w.tang[i].Asked.Load(); got != want {
					t.Errorf("server %d was asked %d times, want %d", i, got, want)
				}
			}
		})
	}
	// Volumes that other servers open: it is not clear whom to seal to.
	w := startGuest(t, 2)
	mounts := object{mountPoint: w.told()["mounts"].(object)[mountPoint], "/srv/more": object{"id": w.volume, "name": "more", "device": "/dev/disk/by-id/x", "encryption": w.encryption(2)}}
	_, diags := w.tf.Apply(w.tf.Plan(servicetest.Instance{}, w.config().With("guest", with(w.told(), mounts, "mounts"))))
	if problems := diags.Errors(); len(problems) != 1 || !strings.Contains(problems[0], "Volumes with different Tang servers (ENC-1)") {
		t.Errorf("%q", problems)
	}
}
