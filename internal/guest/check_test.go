package guest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/policy"
)

const (
	keyBob  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFGswPANno6KO7DziqmPCVU9VEOqEEl1ubgMEyFN7zFb"
	keyECDS = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPAc48JnJCrd0hRiOIKZqk0CnoI0IUUNnGts9KB+srFJ7LP4U4hQ1jo1YAp+e7bqkLomkg+JODSsso7tYxHOOzw="
	thumb3  = "_StBieX1m0Pwz4RWDKRf0SgoN9zvbS4GcSSwBBv5OYI"
)

// texts writes findings as "field | summary (promise) | detail".
func texts(findings []policy.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s | %s", f.Field, f.Error()))
	}
	return all
}

func TestCheckAccepts(t *testing.T) {
	for name, s := range map[string]Spec{"least": least(), "full": full()} {
		if got := Check(s); len(got) > 0 {
			t.Errorf("%s: %q", name, texts(got))
		}
	}
	google := full()
	google.Location, google.Volumes[0].Device, google.Volumes[0].Binding.VTPM = "google/europe-west3-a", "/dev/disk/by-id/google-acme-data", true
	google.Backup.Buckets[1].Credentials = nil // a service account of its own
	google.Backup.Buckets[0].Endpoint = "http://10.0.2.2:9000"
	google.Restore = &Restore{From: Latest}
	google.Version = "1.9"
	if got := Check(google); len(got) > 0 {
		t.Errorf("on Google Cloud: %q", texts(got))
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(s *Spec)
		want   []string // each: field, then what the message has
	}{
		{"version", func(s *Spec) { s.Version = "2.0" }, []string{"version | Another version"}},
		{"no names", func(s *Spec) { s.Deployment, s.Tenant, s.Machine = "", "A", "a_b" }, []string{"deployment | Invalid name", "tenant | Invalid name", "machine | Invalid name"}},
		{"location", func(s *Spec) { s.Location = "fsn1" }, []string{"location | Invalid value"}},
		{"zone", func(s *Spec) { s.TimeZone = "Middle/Earth" }, []string{"time_zone | Unknown time zone", "maintenance.update_at | Maintenance in business hours", "maintenance.reboot_at |"}},
		{"no zone", func(s *Spec) { s.TimeZone = "" }, []string{"time_zone | Unknown time zone"}},
		{"whose zone", func(s *Spec) { s.TimeZone = "Local" }, []string{"time_zone | Unknown time zone"}},
		{"nobody", func(s *Spec) { s.Admins = nil }, []string{"admins | Nobody may log in (SYS-3)"}},
		{"root", func(s *Spec) { s.Admins[0].Name = "root" }, []string{"admins[0].name | Account of the system (SYS-3)"}},
		{"the group", func(s *Spec) { s.Admins[0].Name = AdminGroup }, []string{"admins[0].name | Account of the system (SYS-3)"}},
		{"upper case", func(s *Spec) { s.Admins[0].Name = "Ada" }, []string{"admins[0].name | Not the name of an account"}},
		{"an injection", func(s *Spec) { s.Admins[0].Name = "a;reboot" }, []string{"admins[0].name | Not the name of an account"}},
		{"no key", func(s *Spec) { s.Admins[0].Keys = nil }, []string{"admins[0].keys | Engineer without a key (SYS-3)"}},
		{"a bad key", func(s *Spec) { s.Admins[0].Keys = []string{keyAda, "ssh-dss AAAA"} }, []string{"admins[0].keys[1] | SSH key too weak (SYS-3)"}},
		{"twice", func(s *Spec) { s.Admins = append(s.Admins, Admin{"ada", []string{keyBob}}) }, []string{"admins[1].name | Engineer named twice (SYS-3)"}},
		{"a shared key", func(s *Spec) { s.Admins = append(s.Admins, Admin{"bob", []string{keyBob, keyAda + " x"}}) }, []string{"admins[1].keys[1] | Key given twice (SYS-3)"}},
		{"no network", func(s *Spec) { s.Networks = []string{"10.0.0.1/24"} }, []string{"networks[0] | Host bits are set"}},
		{"the internet", func(s *Spec) { s.Networks = []string{"10.0.0.0/24", "0.0.0.0/0"} }, []string{"networks[1] | The whole internet is not a tenant's network (ISO-2)"}},
		{"ports", func(s *Spec) { s.Ports = []int{0, 22, 80, 80, 65536, 5432} }, []string{"ports[0] | Not a port", "ports[1] | Port of SSH", "ports[3] | Port named twice", "ports[4] | Not a port", "ports[5] | Port of the database (ISO-2)"}},
		{"intrusion", func(s *Spec) { s.Intrusion = Intrusion{} }, []string{"intrusion.attempts | Intrusion prevention out of bounds (NET-2)", "intrusion.window_seconds |", "intrusion.cool_down_seconds |"}},
		{"intrusion above", func(s *Spec) { s.Intrusion = Intrusion{MaxAttempts + 1, MaxWindowSeconds + 1, MaxCoolDownSeconds + 1} }, []string{"intrusion.attempts |", "intrusion.window_seconds |", "intrusion.cool_down_seconds |"}},
		{"at noon", func(s *Spec) { s.Maintenance = Maintenance{"12:00", "06:00"} }, []string{"maintenance.update_at | Maintenance in business hours (UPT-2): 12:00 is 12:00 in Europe/Berlin", "maintenance.reboot_at |"}},
		{"no time", func(s *Spec) { s.Maintenance.RebootAt = "3:30" }, []string{"maintenance.reboot_at | Not a time of day"}},
		{"a proxy's password", func(s *Spec) { s.Proxy = "http://ada:secret@proxy" }, []string{"proxy | Not the URL of a proxy"}},
		{"a device", func(s *Spec) { s.Volumes[0].Device = "/dev/sdb" }, []string{"volumes[0].device | Not the path of a disk (ENC-1)"}},
		{"two of one", func(s *Spec) { s.Volumes = append(s.Volumes, s.Volumes[0]) }, []string{"volumes[1].name | Volume named twice", "volumes[1].device | Device of another volume (ENC-1)", "volumes[1].mount | Mounts overlap"}},
		{"a vTPM", func(s *Spec) { s.Volumes[0].Binding.VTPM = true }, []string{"volumes[0].binding.vtpm | No virtual TPM"}},
		{"no binding", func(s *Spec) { s.Volumes[0].Binding = Binding{} }, []string{"volumes[0].binding.tang | No Tang server (ENC-1)"}},
		{"no recovery", func(s *Spec) { s.Volumes[0].Recovery = nil }, []string{"volumes[0].recovery | No recovery key (ENC-1)"}},
		{"the mount", func(s *Spec) { s.Volumes[0].Mount = "/etc/x" }, []string{"volumes[0].mount | Directory of the system"}},
		{"another database", func(s *Spec) { s.Database = &Database{"mysql", "other"} }, []string{"database.engine | Unknown database", "database.volume | Database outside of an encrypted volume (ENC-1)"}},
		{"the backup's time", func(s *Spec) { s.Backup.At, s.Backup.TimeZone = "2", "" }, []string{"backup.at | Not a time of day", "backup.time_zone | Unknown time zone"}},
		{"too few backups", func(s *Spec) { s.Backup.Daily, s.Backup.Weekly, s.Backup.Monthly = 6, 3, 2 }, []string{"backup.daily | Too few backups kept (BAK-1)", "backup.weekly |", "backup.monthly |"}},
		{"no bucket", func(s *Spec) { s.Backup.Buckets = nil }, []string{"backup.buckets | No bucket (BAK-2)", "restore.bucket | Not a bucket of the machine's (BAK-5)"}},
		{"one bucket twice", func(s *Spec) { s.Backup.Buckets[1] = s.Backup.Buckets[0]; s.Restore = nil }, []string{"backup.buckets[1].name | Bucket named twice (BAK-2)"}},
		{"an odd bucket", func(s *Spec) {
			s.Backup.Buckets[0] = Bucket{Name: "B", Location: "x", Kind: "ftp", Endpoint: "http://store.example.com", ImmutableDays: -1}
		}, []string{"backup.buckets[0].name | Not the name", "backup.buckets[0].location |", "backup.buckets[0].kind |", "backup.buckets[0].endpoint | Not the address of a store with TLS (ENC-2)", "backup.buckets[0].immutable_days |", "backup.buckets[0].credentials | Secret missing"}},
		{"S3 without endpoint", func(s *Spec) { s.Backup.Buckets[0].Endpoint = "" }, []string{"backup.buckets[0].endpoint |"}},
		{"an endpoint's password", func(s *Spec) { s.Backup.Buckets[0].Endpoint = "https://a:b@x" }, []string{"backup.buckets[0].endpoint |"}},
		{"GCS without credentials", func(s *Spec) { s.Backup.Buckets[1].Credentials = nil }, []string{"backup.buckets[1].credentials | Secret missing"}},
		{"no password", func(s *Spec) { s.Backup.Password = nil }, []string{"backup.password | Secret missing"}},
		{"a password in clear", func(s *Spec) { s.Backup.Password = Sealed{someText, "hunter2"} }, []string{"backup.password[1] | Secret in clear (ENC-2)"}},
		{"credentials in clear", func(s *Spec) { s.Backup.Buckets[0].Credentials = Sealed{`{"access_key":"hunter2"}`} }, []string{"backup.buckets[0].credentials[0] | Secret in clear (ENC-2)"}},
		{"nothing to back up", func(s *Spec) { s.Backup.Paths, s.Database = nil, nil }, []string{"backup.paths | Nothing is backed up (BAK-1)"}},
		{"a path", func(s *Spec) { s.Backup.Paths = []string{"/srv/data", "--all"} }, []string{"backup.paths[1] | Not a path"}},
		{"restore of what", func(s *Spec) { s.Restore = &Restore{From: "yesterday", Machine: "A"} }, []string{"restore.from | Not a backup (BAK-5)", "restore.machine | Invalid name"}},
		{"restore from where", func(s *Spec) { s.Restore = &Restore{From: "0123abcd", Bucket: "other"} }, []string{"restore.bucket | Not a bucket of the machine's (BAK-5)"}},
		{"restore without a plan", func(s *Spec) { s.Backup = nil }, []string{"restore | Nothing to restore from (BAK-5)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := full()
			tc.change(&s)
			got := texts(Check(s))
			if len(got) != len(tc.want) {
				t.Fatalf("%d findings, want %d: %q", len(got), len(tc.want), got)
			}
			for i, want := range tc.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("finding %q, want %q", got[i], want)
				}
				if strings.Contains(got[i], "hunter2") || strings.Contains(got[i], "secret@") {
					t.Errorf("the message repeats a secret: %q", got[i])
				}
			}
		})
	}
}

func TestCheckBinding(t *testing.T) {
	tang := func(n int, thumbprint string) Tang {
		return Tang{URL: fmt.Sprintf("http://tang-%d.example.com", n), Thumbprint: thumbprint}
	}
	one, two, three := tang(1, thumb1), tang(2, thumb2), tang(3, thumb3)
	for _, tc := range []struct {
		name string
		b    Binding
		want []string
	}{
		{"1 of 1", Binding{Tang: []Tang{one}, Threshold: 1}, nil},
		{"2 of 3", Binding{Tang: []Tang{one, two, three}, Threshold: 2}, nil},
		{"0 of 1", Binding{Tang: []Tang{one}}, []string{"encryption.threshold | Threshold cannot be met (ENC-1)"}},
		{"2 of 1", Binding{Tang: []Tang{one}, Threshold: 2}, []string{"encryption.threshold | Threshold cannot be met (ENC-1)"}},
		{"six", Binding{Tang: []Tang{one, two, three, tang(4, thumb1), tang(5, thumb2), tang(6, thumb3)}, Threshold: 1}, []string{"encryption.tang | Too many", "encryption.tang[3].thumbprint | Key of another Tang server (ENC-1)", "encryption.tang[4].", "encryption.tang[5]."}},
		{"one URL", Binding{Tang: []Tang{one, {URL: one.URL + "/", Thumbprint: thumb2}}, Threshold: 2}, []string{"encryption.tang[1].url | Tang server named twice (ENC-1)"}},
		{"no URL", Binding{Tang: []Tang{{URL: "tang", Thumbprint: thumb1}}, Threshold: 1}, []string{"encryption.tang[0].url | Not the URL of a Tang server"}},
		{"no thumbprint", Binding{Tang: []Tang{{URL: one.URL}}, Threshold: 1}, []string{"encryption.tang[0].thumbprint | Not a thumbprint (ENC-1)"}},
		{"an advertisement", Binding{Tang: []Tang{{URL: one.URL, Thumbprint: thumb1, Advertisement: "{}"}}, Threshold: 1}, nil},
		{"no advertisement", Binding{Tang: []Tang{{URL: one.URL, Thumbprint: thumb1, Advertisement: "<html>"}}, Threshold: 1}, []string{"encryption.tang[0].advertisement | Not an advertisement"}},
		{"a thumbprint cut off", Binding{Tang: []Tang{{URL: one.URL, Thumbprint: thumb1[:42]}}, Threshold: 1}, []string{"encryption.tang[0].thumbprint |"}},
	} {
		got := texts(CheckBinding("encryption", tc.b, false))
		if len(got) != len(tc.want) {
			t.Errorf("%s: %q", tc.name, got)
			continue
		}
		for i, want := range tc.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: %q, want %q", tc.name, got[i], want)
			}
		}
	}
}

func TestCheckRecovery(t *testing.T) {
	if got := CheckRecovery("keys", []string{ageKey, keyAda, keyBob + " bob"}); len(got) > 0 {
		t.Errorf("%q", texts(got))
	}
	got := texts(CheckRecovery("keys", []string{ageKey[:60], strings.ToUpper(ageKey[:5]) + ageKey[5:], "AGE-SECRET-KEY-1QQQ", keyECDS, keyAda, keyAda + " twice", ""}))
	want := []string{"keys[0] | Not an age recipient", "keys[1] | Not an age recipient", "keys[2] | Private key where a public key belongs (SYS-3)", "keys[3] | age cannot encrypt to this key", "keys[5] | Key given twice", "keys[6] | SSH key missing"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}

func TestCheckMounts(t *testing.T) {
	for mount, want := range map[string]string{
		"/srv/data": "", "/home": "", "/var/lib/postgresql": "", "/data": "", "/mnt/a.b-c_d": "", "/usrlocal": "",
		"": "Not a path", "/": "Not a path", "srv": "Not a path", "/srv/": "Not a path", "/srv//a": "Not a path", "/srv/../etc": "Not a path", "/srv/a b": "Not a path", "/srv/-a": "Not a path",
		"/usr": "Directory of the system", "/usr/local": "Directory of the system", "/var": "Directory of the system", "/var/lib": "Directory of the system", "/var/lib/holdfast/x": "Directory of the system",
	} {
		got := texts(CheckMounts([]string{mount}))
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "mounts[0] | "+want)) {
			t.Errorf("%q: %q", mount, got)
		}
	}
	for _, mounts := range [][]string{{"/srv", "/srv/a"}, {"/srv/a", "/srv"}, {"/srv", "/srv"}} {
		if got := CheckMounts(mounts); len(got) != 1 || got[0].Summary != "Mounts overlap" {
			t.Errorf("%q: %q", mounts, texts(got))
		}
	}
	if got := CheckMounts([]string{"/srv/a", "/srv/ab"}); len(got) > 0 {
		t.Errorf("beside each other: %q", texts(got))
	}
}
