package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// inventory reads a plan's buckets, and has a check of them.
const inventory = `
data "holdfast_backups" "all" {
  bucket_ids = holdfast_backup_plan.standard.bucket_ids
  rpo_hours  = holdfast_backup_plan.standard.rpo_hours
  tenants    = ["acme"]
}
check "backups" {
  assert {
    condition     = data.holdfast_backups.all.ok
    error_message = "Backups are too old: ${join(", ", data.holdfast_backups.all.broken)}."
  }
}
output "acme" {
  value = data.holdfast_backups.all.inventory[0]
}
`

// tenantCopies is what the output tells of a tenant.
type tenantCopies struct {
	Tenant, State string
	Fresh         int `json:"fresh_copies"`
	Missing       int `json:"missing_copies"`
	Copies        []struct {
		BucketID string `json:"bucket_id"`
		State    string
	}
}

// copies reads the output acme: its state, and the locations whose copy is lost.
func (s *shell) copies() (tenantCopies, []string) {
	s.t.Helper()
	result, err := s.work.Run(s.t.Context(), "output", "-json", "acme")
	var got tenantCopies
	if err == nil {
		err = json.Unmarshal([]byte(result.Stdout), &got)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var lost []string
	for _, one := range got.Copies {
		if one.State == "lost" {
			lost = append(lost, one.BucketID[:strings.LastIndex(one.BucketID, "/")])
		}
	}
	return got, lost
}

// One of three locations is gone, each in turn: plan, apply and inventory go on
// without asking there, and say what is degraded. A bucket that is given up
// meanwhile is an orphan when the location is back.
func TestBackupsCommandLine(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for place, degraded := range map[string]string{
		"hetzner/nbg1":         "No immutable backups (BAK-6)",
		"hetzner/hel1":         "Too few backup buckets (BAK-2)",
		"google/us-central1-a": "Backups on too few continents (BAK-2)",
	} {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			s := newShell(t, cli, built)
			s.work.Env = append(s.work.Env, "HCLOUD_S3_ENDPOINT="+s3Endpoints(s.Sim), "HCLOUD_S3_ACCESS_KEY="+s3.DefaultAccessKey, "HCLOUD_S3_SECRET_KEY="+s3.DefaultSecretKey,
				"GOOGLE_PROJECT="+googleProject, "GOOGLE_OAUTH_ACCESS_TOKEN="+token, "GOOGLE_COMPUTE_CUSTOM_ENDPOINT="+s.GoogleEndpoint(), "GOOGLE_STORAGE_CUSTOM_ENDPOINT="+s.StorageEndpoint())
			loses(t, s, place, degraded)
		})
	}
}

func loses(t *testing.T, s *shell, place, degraded string) {
	v := vaults{&world{Sim: s.Sim}}
	whole := backups("hetzner/fsn1", good(), "")
	s.write(whole + inventory)
	s.prints(s.must("apply", "-auto-approve"), "Backups are too old: acme.")
	for location := range good() {
		_, zone, _ := strings.Cut(location, "/")
		if err := v.put(t.Context(), t, location, "acc-backups-"+zone, "acc/acme/restic/snapshots/"+strings.Repeat("ab", 32), "ciphertext"); err != nil {
			t.Fatal(err)
		}
	}
	s.must("apply", "-auto-approve")
	if got, lost := s.copies(); got.Fresh != 3 || got.Missing != 0 || len(lost) > 0 || got.State == "broken" {
		t.Fatalf("before: %+v", got)
	}

	cloud, name, _ := strings.Cut(place, "/")
	gone := name
	if cloud == "google" { // its buckets stand in regions
		gone = name[:strings.LastIndex(name, "-")]
	}
	if _, err := s.AddFault(simcloud.Fault{Kind: simcloud.FaultLocationLost, Cloud: cloud, Location: gone}); err != nil {
		t.Fatal(err)
	}
	if err := v.put(t.Context(), t, place, "acc-backups-"+name, "x", "x"); err == nil {
		t.Fatalf("%s answers although it is lost", place)
	}
	// asked counts what the last command asked there.
	asked := func(command string) {
		n := 0
		for route, count := range s.Counts().Routes {
			if cloud == "google" && strings.Contains(route, "/storage/v1/") || strings.Contains(route, "/s3/"+name) {
				n += count
			}
		}
		if n > 0 {
			t.Errorf("%s: %d requests to %s", command, n, place)
		}
	}
	warnings := []string{`Backups of the plan "standard" are degraded`, place, "2 of 3 can be used", degraded, "If the locations do not come back: "}
	s.write(whole+inventory, place)
	s.prints(s.must("plan"), append(warnings, "stands in the lost location "+place)...)
	asked("plan")
	s.write(strings.Replace(whole, "02:30", "03:30", 1)+inventory, place)
	s.prints(s.must("apply", "-auto-approve"), append(warnings, "1 changed")...)
	asked("apply")
	if got, lost := s.copies(); got.Fresh != 2 || got.Missing != 1 || got.State != "degraded" || len(lost) != 1 || lost[0] != place {
		t.Errorf("while it is lost: %+v", got)
	}
	s.refuses([]string{"Lost location", place}, "plan", "-replace=holdfast_backup_bucket."+strings.NewReplacer("/", "_", "-", "_").Replace(place))

	// It comes back, and nothing has changed.
	s.ClearFaults()
	s.write(strings.Replace(whole, "02:30", "03:30", 1) + inventory)
	s.prints(s.must("apply", "-auto-approve"), "0 added, 0 changed, 0 destroyed")
	if got, lost := s.copies(); got.Fresh != 3 || len(lost) > 0 {
		t.Errorf("when it is back: %+v", got)
	}

	// It is lost again, and given up.
	const elsewhere = "google/us-west1-a"
	instead := good()
	instead[elsewhere] = instead[place]
	delete(instead, place)
	whole = backups("hetzner/fsn1", instead, "")
	s.write(whole, place)
	s.prints(s.must("apply", "-auto-approve"), "in the lost location "+place+" is left behind")
	var known []string
	for _, location := range []string{"hetzner/nbg1", "hetzner/hel1", "google/us-central1-a", elsewhere} {
		if _, ok := instead[location]; ok {
			known = append(known, "holdfast_backup_bucket."+strings.NewReplacer("/", "_", "-", "_").Replace(location)+".id")
		}
	}
	s.write(whole + fmt.Sprintf(`
data "holdfast_orphans" "left" {
  known_ids = [%s]
}
output "left" {
  value = [for one in data.holdfast_orphans.left.orphans : "${one.kind} ${one.id}"]
}
`, strings.Join(known, ", ")))
	s.prints(s.must("apply", "-auto-approve"), fmt.Sprintf(`"backup_bucket %s/acc-backups-%s",`, place, name))
}
