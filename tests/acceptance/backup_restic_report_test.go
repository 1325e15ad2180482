package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/s3"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// figures are what is said of a tenant's backups in one bucket.
type figures struct {
	State, Newest, ID      string
	Backups, Bytes         int64
	Daily, Weekly, Monthly int64
	Told                   bool
	// Problems is how many there are.
	Problems int
}

// verdict is what is said of a tenant.
type verdict struct {
	State          string
	Fresh, Missing int64
	Copies         map[string]figures // by the bucket's id
}

// inventoryWorld is a folder with three buckets, a plan and an inventory, and
// the built provider, which is the command line too.
type inventoryWorld struct {
	c      cellar
	work   *harness.Workspace
	binary string
	env    []string
}

func newInventoryWorld(t *testing.T, c cellar) *inventoryWorld {
	t.Helper()
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &inventoryWorld{c: c, binary: built.Binary, env: []string{"HOLDFAST_DEPLOYMENT=acc", "HCLOUD_TOKEN=" + token, "HCLOUD_ENDPOINT=" + c.HetznerEndpoint(),
		"HCLOUD_S3_ENDPOINT=" + s3Endpoints(c.Sim), "HCLOUD_S3_ACCESS_KEY=" + s3.DefaultAccessKey, "HCLOUD_S3_SECRET_KEY=" + s3.DefaultSecretKey,
		"GOOGLE_PROJECT=" + googleProject, "GOOGLE_OAUTH_ACCESS_TOKEN=" + token, "GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + c.StorageEndpoint(),
		"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + c.GoogleEndpoint()}}
	if w.work, err = harness.NewWorkspace(cli, t.TempDir(), built); err != nil {
		t.Fatal(err)
	}
	w.write("")
	w.must(t, "init")
	return w
}

// write makes the configuration.
func (w *inventoryWorld) write(more string) {
	text := w.c.config(backups("hetzner/fsn1", good(), "") + more)
	if err := os.WriteFile(filepath.Join(w.work.Dir, "main.tf"), []byte(text), 0o600); err != nil {
		panic(err)
	}
}

func (w *inventoryWorld) must(t *testing.T, args ...string) string {
	t.Helper()
	result, err := w.work.Run(t.Context(), append(args, "-no-color")...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(result.Stdout+result.Stderr, "│", " ")), " ")
}

func (w *inventoryWorld) output(t *testing.T, name string, value any) {
	t.Helper()
	result, err := w.work.Run(t.Context(), "output", "-json", name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(result.Stdout), value); err != nil {
		t.Fatal(err)
	}
}

func (w *inventoryWorld) ids(t *testing.T) map[string]string {
	t.Helper()
	var ids map[string]string
	w.output(t, "ids", &ids)
	if len(ids) != 3 {
		t.Fatalf("%v", ids)
	}
	return ids
}

// exits runs `holdfast backups` on the state and wants its code, and a text on
// one line.
func (w *inventoryWorld) exits(t *testing.T, code int, text string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), w.binary, append([]string{"backups"}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Env, command.Stdin, command.Stdout, command.Stderr = w.env, strings.NewReader(w.state(t)), &stdout, &stderr
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	if got := command.ProcessState.ExitCode(); got != code || !strings.Contains(strings.Join(strings.Fields(stdout.String()), " "), text) {
		t.Errorf("holdfast backups %v exits with %d, want %d and %q:\n%s%s", args, got, code, text, stdout.String(), stderr.String())
	}
	return stdout.Bytes()
}

func (w *inventoryWorld) state(t *testing.T) string {
	t.Helper()
	result, err := w.work.Run(t.Context(), "state", "pull")
	if err != nil {
		t.Fatal(err)
	}
	return result.Stdout
}

// reports wants the same figures of both, and those that restic and the stores
// gave. Classes are compared where the guest tells them: otherwise the times at
// which the objects were written decide.
func (w *inventoryWorld) reports(t *testing.T, when, tenant, state string, copies map[string]figures) {
	t.Helper()
	want := verdict{State: state, Copies: copies}
	for _, f := range copies {
		if f.State == "ok" {
			want.Fresh++
		} else {
			want.Missing++
		}
	}
	code := 0
	if state == "broken" {
		code = 1
	}
	for how, got := range map[string]verdict{
		"data.holdfast_backups":     w.ofTerraform(t, tenant),
		"holdfast backups --output": ofCommand(t, tenant, w.exits(t, code, "", "--state", "-", "--tenant", tenant, "--output", "json")),
	} {
		for id, f := range got.Copies {
			if !f.Told {
				f.Daily, f.Weekly, f.Monthly = 0, 0, 0
				got.Copies[id] = f
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %s (- restic, + reported):\n%s", how, when, diff)
		}
	}
}

// ofTerraform reads the output of the data source.
func (w *inventoryWorld) ofTerraform(t *testing.T, tenant string) verdict {
	t.Helper()
	var value struct {
		Inventory []struct {
			Tenant, State string
			Fresh         int64 `json:"fresh_copies"`
			Missing       int64 `json:"missing_copies"`
			Copies        []struct {
				ID                     string `json:"bucket_id"`
				State, Newest          string
				NewestID               string `json:"newest_id"`
				Backups, Bytes         int64
				Daily, Weekly, Monthly int64
				Told                   bool `json:"told_by_guest"`
				Problems               []string
			}
		}
	}
	w.output(t, "backups", &value)
	if len(value.Inventory) != 1 || value.Inventory[0].Tenant != tenant {
		t.Fatalf("the data source reports %+v", value)
	}
	one := value.Inventory[0]
	v := verdict{State: one.State, Fresh: one.Fresh, Missing: one.Missing, Copies: map[string]figures{}}
	for _, c := range one.Copies {
		v.Copies[c.ID] = figures{State: c.State, Newest: c.Newest, ID: c.NewestID, Backups: c.Backups, Bytes: c.Bytes,
			Daily: c.Daily, Weekly: c.Weekly, Monthly: c.Monthly, Told: c.Told, Problems: len(c.Problems)}
	}
	return v
}

// ofCommand reads the JSON of the command line.
func ofCommand(t *testing.T, tenant string, text []byte) verdict {
	t.Helper()
	var value struct {
		Tenants []struct {
			Tenant, State string
			Fresh         int64 `json:"fresh_copies"`
			Missing       int64 `json:"missing_copies"`
			Copies        []struct {
				Bucket, Location, State string
				Newest                  *time.Time
				NewestID                string `json:"newest_id"`
				Backups, Bytes          int64
				Counts                  struct{ Daily, Weekly, Monthly int64 }
				Told                    bool `json:"told_by_guest"`
				Problems                []struct{ Code string }
			}
		}
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	if len(value.Tenants) != 1 || value.Tenants[0].Tenant != tenant {
		t.Fatalf("the command reports %+v", value)
	}
	one := value.Tenants[0]
	v := verdict{State: one.State, Fresh: one.Fresh, Missing: one.Missing, Copies: map[string]figures{}}
	for _, c := range one.Copies {
		f := figures{State: c.State, ID: c.NewestID, Backups: c.Backups, Bytes: c.Bytes,
			Daily: c.Counts.Daily, Weekly: c.Counts.Weekly, Monthly: c.Counts.Monthly, Told: c.Told, Problems: len(c.Problems)}
		if c.Newest != nil {
			f.Newest = c.Newest.UTC().Format(time.RFC3339)
		}
		v.Copies[c.Location+"/"+c.Bucket] = f
	}
	return v
}
