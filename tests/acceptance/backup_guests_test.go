package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// guestsOf writes the attribute; a tenant that ends with + may clear its locks.
func (v vendor) guestsOf(tenants ...string) string {
	var lines []string
	for _, tenant := range tenants {
		name, locks := strings.CutSuffix(tenant, "+")
		lines = append(lines, fmt.Sprintf("%s = { principal = %q, clears_locks = %t }", name, v.principals[name], locks))
	}
	return "guests = {\n" + strings.Join(lines, "\n") + "\n}"
}

// eachVendor runs a test on both.
func eachVendor(t *testing.T, run func(t *testing.T, world vaults, at vendor)) {
	for i, name := range []string{"hetzner", "google"} {
		t.Run(name, func(t *testing.T) {
			world := newGuestWorld(t)
			run(t, world, world.vendors(t)[i])
		})
	}
}

// during runs something between the steps of a test, with the bucket's name.
func during(t *testing.T, do func(ctx context.Context, bucket string)) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		do(t.Context(), state.RootModule().Resources[bucketName].Primary.Attributes["bucket"])
		return nil
	}
}

// What a guest may do, and what it may not, with its own credentials.
func TestBackupGuests(t *testing.T) {
	eachVendor(t, func(t *testing.T, world vaults, at vendor) {
		acme, zoo, operator := at.open("acme"), at.open("zoo"), at.open("")
		var name string
		world.test(t,
			resource.TestStep{
				Config: world.config(bucket(at.place, at.guestsOf("acme+", "zoo"))),
				Check: resource.ComposeAggregateTestCheckFunc(
					resource.TestCheckResourceAttr(bucketName, "guests.acme.principal", at.principals["acme"]),
					resource.TestCheckResourceAttr(bucketName, "guests.zoo.clears_locks", "false"),
					resource.TestCheckResourceAttr(bucketName, "protections.guests", "true"),
					during(t, func(ctx context.Context, bucket string) {
						name = bucket
						for key, who := range map[string]door{"acc/acme/restic/data/1": acme, "acc/zoo/restic/data/1": zoo, "other": operator} {
							if err := who.put(ctx, bucket, key, "precious"); err != nil {
								t.Fatalf("%s: %v", key, err)
							}
						}
						try(ctx, t, bucket, acme)
						if err := operator.get(ctx, bucket, "acc/zoo/restic/data/1"); err != nil {
							t.Errorf("the operator cannot read what zoo wrote: %v", err)
						}
					})),
			},
			resource.TestStep{ // in place
				Config: world.config(bucket(at.place, at.guestsOf("acme"))),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(bucketName, plancheck.ResourceActionUpdate)}},
				Check: during(t, func(ctx context.Context, bucket string) {
					if err := zoo.put(ctx, bucket, "acc/zoo/restic/data/2", "x"); !zoo.refused(err) {
						t.Errorf("zoo is no guest any more: %v", err)
					}
					if err := zoo.list(ctx, bucket, "acc/zoo/"); !zoo.refused(err) {
						t.Errorf("zoo is no guest any more: %v", err)
					}
					if err := acme.put(ctx, bucket, "acc/acme/restic/locks/2", "x"); err != nil {
						t.Error(err)
					}
					if err := acme.remove(ctx, bucket, "acc/acme/restic/locks/2"); !acme.refused(err) {
						t.Errorf("acme may not clear its locks any more: %v", err)
					}
				}),
			},
			resource.TestStep{ResourceName: bucketName, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"timeouts"}},
			resource.TestStep{Config: world.config(bucket(at.place, "force_destroy = true")), Check: during(t, func(ctx context.Context, bucket string) {
				if err := acme.list(ctx, bucket, "acc/acme/"); !acme.refused(err) {
					t.Errorf("acme is no guest any more: %v", err)
				}
				if err := operator.get(ctx, name, "acc/acme/restic/data/1"); err != nil {
					t.Errorf("its backups are kept: %v", err)
				}
			})},
		)
	})
}

// try is what a stolen machine of acme's tries.
func try(ctx context.Context, t *testing.T, bucket string, as door) {
	t.Helper()
	const mine, theirs = "acc/acme/restic/data/1", "acc/zoo/restic/data/1"
	for what, do := range map[string]func() error{
		"write":        func() error { return as.put(ctx, bucket, "acc/acme/restic/data/2", "new") },
		"read":         func() error { return as.get(ctx, bucket, mine) },
		"list":         func() error { return as.list(ctx, bucket, "acc/acme/") },
		"report":       func() error { return as.put(ctx, bucket, "acc/acme/status/v1.json", "{}") },
		"report again": func() error { return as.put(ctx, bucket, "acc/acme/status/v1.json", "{ }") },
		"lock, and clear the lock": func() error {
			if err := as.put(ctx, bucket, "acc/acme/restic/locks/1", "x"); err != nil {
				return err
			}
			return as.remove(ctx, bucket, "acc/acme/restic/locks/1")
		},
	} {
		if err := do(); err != nil {
			t.Errorf("it may %s: %v", what, err)
		}
	}
	for what, do := range map[string]func() error{
		"remove":                    func() error { return as.remove(ctx, bucket, mine) },
		"destroy":                   func() error { return as.destroy(ctx, bucket, mine) },
		"write another's":           func() error { return as.put(ctx, bucket, "acc/zoo/restic/data/2", "x") },
		"read another's":            func() error { return as.get(ctx, bucket, theirs) },
		"list another's":            func() error { return as.list(ctx, bucket, "acc/zoo/") },
		"remove another's":          func() error { return as.remove(ctx, bucket, theirs) },
		"destroy another's":         func() error { return as.destroy(ctx, bucket, theirs) },
		"list everybody's":          func() error { return as.list(ctx, bucket, "acc/") },
		"list everything":           func() error { return as.list(ctx, bucket, "") },
		"write beside its own":      func() error { return as.put(ctx, bucket, "acc/acme2", "x") },
		"read what is nobody's":     func() error { return as.get(ctx, bucket, "other") },
		"write for another tenant":  func() error { return as.put(ctx, bucket, "acc/zoo/status/v1.json", "{}") },
		"write to the bucket's top": func() error { return as.put(ctx, bucket, "x", "x") },
	} {
		if err := do(); !as.refused(err) {
			t.Errorf("it may not %s: %v", what, err)
		}
	}
	if done := as.change(ctx, bucket); len(done) > 0 {
		t.Errorf("it could get at: %s", strings.Join(done, ", "))
	}
}

// Real restic, with a guest's credentials only.
func TestBackupGuestsWithRestic(t *testing.T) {
	eachVendor(t, func(t *testing.T, world vaults, at vendor) {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.MkdirAll(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "ledger"), []byte(strings.Repeat("precious ", 10_000)), 0o600); err != nil {
			t.Fatal(err)
		}
		world.test(t, resource.TestStep{
			Config: world.config(bucket(at.place, "force_destroy = true\n"+at.guestsOf("acme+", "zoo+"))),
			Check: during(t, func(ctx context.Context, bucket string) {
				restic := func(of, as string, arguments ...string) string {
					t.Helper()
					out, err := at.run(ctx, t, bucket, of, as, arguments...)
					if err != nil {
						t.Fatalf("restic %s: %v\n%s", arguments[0], err, out)
					}
					return out
				}
				for _, tenant := range []string{"acme", "zoo"} {
					if out, err := at.run(ctx, t, bucket, tenant, tenant, "init"); err != nil {
						// Before 0.15 restic wants to see the whole bucket when it makes a
						// repository (https://github.com/restic/restic/issues/4085).
						if !strings.Contains(out, "client.BucketExists: Access Denied") || !strings.Contains(restic(tenant, tenant, "version"), "restic 0.14") {
							t.Fatalf("restic init: %v\n%s", err, out)
						}
						restic(tenant, "", "init")
					}
					restic(tenant, tenant, "backup", data)
				}
				restic("acme", "acme", "backup", data)
				restic("acme", "acme", "check")
				if locks := restic("acme", "acme", "list", "locks", "--no-lock"); strings.TrimSpace(locks) != "" {
					t.Errorf("locks are left: %s", locks)
				}
				if found := strings.Count(restic("acme", "acme", "snapshots", "--json"), `"short_id"`); found != 2 {
					t.Errorf("%d snapshots", found)
				}
				back := t.TempDir()
				restic("acme", "acme", "restore", "latest", "--target", back)
				if text, err := os.ReadFile(filepath.Join(back, data, "ledger")); err != nil || len(text) != 90_000 {
					t.Errorf("restored %d bytes, %v", len(text), err)
				}
				if out, err := at.run(ctx, t, bucket, "acme", "acme", "forget", "--keep-last", "1", "--prune"); err == nil && !denial.MatchString(out) {
					t.Errorf("restic could forget:\n%s", out)
				}
				if out, err := at.run(ctx, t, bucket, "acme", "zoo", "snapshots"); err == nil {
					t.Errorf("zoo reads acme's repository:\n%s", out)
				}
				if found := strings.Count(restic("acme", "acme", "snapshots", "--json"), `"short_id"`); found != 2 {
					t.Errorf("%d snapshots are left", found)
				}
				restic("acme", "acme", "check", "--read-data")
				// The operator restores, and clears up.
				restic("acme", "", "check", "--read-data")
				restic("acme", "", "forget", "--keep-last", "1", "--prune")
				if found := strings.Count(restic("acme", "", "snapshots", "--json"), `"short_id"`); found != 1 {
					t.Errorf("%d snapshots are left by the operator", found)
				}
			}),
		})
	})
}

var denial = regexp.MustCompile(`(?i)access denied|does not have storage\.objects\.delete access|forbidden`)

// Somebody lets a guest in everywhere, or takes its rights away: the plan shows it
// and the apply puts it right.
func TestBackupGuestsDrift(t *testing.T) {
	eachVendor(t, func(t *testing.T, world vaults, at vendor) {
		acme := at.open("acme")
		config := world.config(bucket(at.place, "force_destroy = true\n"+at.guestsOf("acme", "zoo")))
		var name string
		meddle := func(do func(ctx context.Context, bucket, tenant string) error) func() {
			return func() {
				if err := do(context.Background(), name, "acme"); err != nil {
					t.Fatal(err)
				}
			}
		}
		repair := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(bucketName, plancheck.ResourceActionUpdate)}}
		world.test(t,
			resource.TestStep{Config: config, Check: during(t, func(ctx context.Context, bucket string) {
				name = bucket
				if err := at.open("").put(ctx, bucket, "acc/zoo/x", "x"); err != nil {
					t.Error(err)
				}
			})},
			resource.TestStep{PreConfig: meddle(at.widen), RefreshState: true, ExpectNonEmptyPlan: true,
				Check: resource.ComposeAggregateTestCheckFunc(resource.TestCheckResourceAttr(bucketName, "protections.guests", "false"),
					during(t, func(ctx context.Context, bucket string) {
						if err := acme.get(ctx, bucket, "acc/zoo/x"); err != nil {
							t.Errorf("the test harmed nothing: %v", err)
						}
					}))},
			resource.TestStep{Config: config, ConfigPlanChecks: repair, Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(bucketName, "protections.guests", "true"),
				during(t, func(ctx context.Context, bucket string) {
					if err := acme.get(ctx, bucket, "acc/zoo/x"); !acme.refused(err) {
						t.Errorf("after the repair it reads another's: %v", err)
					}
				}))},
			resource.TestStep{PreConfig: meddle(at.withdraw), RefreshState: true, ExpectNonEmptyPlan: true,
				Check: func(state *terraform.State) error {
					if who := state.RootModule().Resources[bucketName].Primary.Attributes["guests.acme.principal"]; who == at.principals["acme"] {
						return fmt.Errorf("acme is still %s", who)
					}
					return nil
				}},
			resource.TestStep{Config: config, ConfigPlanChecks: repair, Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttr(bucketName, "guests.acme.principal", at.principals["acme"]),
				during(t, func(ctx context.Context, bucket string) {
					if err := acme.put(ctx, bucket, "acc/acme/x", "x"); err != nil {
						t.Errorf("after the repair it cannot write: %v", err)
					}
				}))},
		)
	})
}

// What cannot be is said by the plan, before anything is asked of the vendor.
func TestBackupGuestsRefused(t *testing.T) {
	t.Run("at plan", func(t *testing.T) {
		world := newGuestWorld(t)
		many := func(principal string) string {
			return "guests = { for i in range(40) : \"t${i}\" => { principal = \"" + principal + "\" } }"
		}
		var steps []resource.TestStep
		for _, refused := range []struct{ place, guests, says string }{
			{"hetzner/nbg1", `guests = { acme = { principal = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" } }`, `not the public half of a pair of S3 keys`},
			{"google/us-central1-a", `guests = { acme = { principal = "allUsers" } }`, `"allUsers" is not the address of a service account`},
			{"hetzner/nbg1", `guests = { acme = { principal = "p2:ACMEKEY" }, zoo = { principal = "p2:ACMEKEY" } }`, `Two tenants with the same credentials \(ISO-2\)`},
			{"hetzner/nbg1", `guests = { acme = { principal = "p2:ACMEKEY" }, zoo = { principal = "p2:ZOOKEY" } }`, `belongs to the same project as that of "acme"`},
			{"hetzner/nbg1", many("p1000${1000 + i}:ABCDEFGHIJ0123456789"), `40 guests are too many for one bucket(.|\n)*at most 3\d guests`},
			{"google/us-central1-a", many("t${i}@acc.iam.gserviceaccount.com"), `40 guests are too many for one bucket(.|\n)*at most 33 guests`},
		} {
			steps = append(steps, resource.TestStep{Config: world.config(bucket(refused.place, refused.guests)), PlanOnly: true, ExpectError: regexp.MustCompile(strings.ReplaceAll(refused.says, " ", `\s+`))})
		}
		steps = append(steps, resource.TestStep{Config: world.config("")})
		world.test(t, steps...)
	})
	// Whose the bucket is, only the store can tell.
	t.Run("by the store", func(t *testing.T) {
		world := newGuestWorld(t)
		world.test(t,
			resource.TestStep{Config: world.config(bucket("hetzner/nbg1", ""))},
			resource.TestStep{Config: world.config(bucket("hetzner/nbg1", `guests = { acme = { principal = "p1:OWNKEY" } }`)),
				ExpectError: regexp.MustCompile(`the\s+key\s+belongs\s+to\s+the\s+bucket's\s+own\s+project\s+1`)},
			resource.TestStep{Config: world.config(bucket("hetzner/nbg1", ""))},
		)
	})
}
