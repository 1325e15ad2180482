package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// inventory declares three buckets and a plan with Terraform, fills them with
// the repositories of n tenants, and measures what it takes to know the state
// of all their backups: with `holdfast backups`, and with the data source. Both
// are judged: every tenant has to be found in order, and the requests have to
// be within the bound (see inventoryBound).
func (s settings) inventory(ctx context.Context, n, packs int) (results []result, err error) {
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	states, err := harness.StartStateServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, states.Close()) }()
	dir, err := os.MkdirTemp(s.dir, "inventory-")
	if err != nil {
		return nil, err
	}
	// Ids are known when the buckets are: the data source comes with another
	// file.
	root := fmt.Sprintf(inventoryRoot, states.Address("bench"), hetznerStorage(sim), googleStorage(sim))
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(root), 0o600); err != nil {
		return nil, err
	}
	work, err := harness.NewWorkspace(s.cli, dir, s.provider)
	if err != nil {
		return nil, err
	}
	for _, arguments := range [][]string{{"init", "-no-color"}, {"apply", "-auto-approve", "-no-color"}} {
		if _, err := work.Run(ctx, arguments...); err != nil {
			return nil, err
		}
	}
	state, err := work.Run(ctx, "state", "pull")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "pulled.json")
	if err := os.WriteFile(file, []byte(state.Stdout), 0o600); err != nil {
		return nil, err
	}
	filled, err := fillBuckets(ctx, sim, []byte(state.Stdout), n, packs)
	if err != nil {
		return nil, fmt.Errorf("fill the buckets: %w", err)
	}

	metric := fmt.Sprintf("backups.inventory_%d", n)
	command := exec.CommandContext(ctx, s.provider.Binary, "backups", "--state", file, "--output", "json")
	command.Env = inventoryEnvironment(sim)
	sim.ResetRequests()
	found, err := harness.RunMeasured(command)
	if err != nil {
		return nil, err
	}
	if err := allInOrder([]byte(found.Stdout), n); err != nil {
		return nil, err
	}
	measured, err := filled.figures(sim, metric, n, found)
	results = append(results, measured...)
	if err != nil {
		return results, err
	}

	metric = fmt.Sprintf("backups.data_source_%d", n)
	if err := os.WriteFile(filepath.Join(dir, "inventory.tf"), []byte(inventorySource), 0o600); err != nil {
		return results, err
	}
	sim.ResetRequests()
	if found, err = work.Run(ctx, "apply", "-auto-approve", "-no-color", "-refresh=false"); err != nil {
		return results, err
	}
	output, err := work.Run(ctx, "output", "-json", "inventory")
	if err != nil {
		return results, err
	}
	var counted struct {
		Tenants int
		OK      bool
		Broken  []string
		Backups int
	}
	if err := json.Unmarshal([]byte(output.Stdout), &counted); err != nil {
		return results, err
	}
	if counted.Tenants != n || !counted.OK || len(counted.Broken) > 0 || counted.Backups != n*len(filled.buckets)*backupsOfTenant {
		return results, fmt.Errorf("the data source reports %s", output.Stdout)
	}
	measured, err = filled.figures(sim, metric, n, found)
	return append(results, measured...), err
}

// figures are the results of one inventory. More requests than the bound are an
// error.
func (f filled) figures(sim *harness.Sim, metric string, n int, r harness.Result) ([]result, error) {
	counts := sim.Counts()
	fmt.Printf("holdfast %s: %d objects in %d buckets, %d requests in %.1f s, %.0f MiB (%s)\n", metric, f.objects, len(f.buckets),
		counts.Total, r.Wall.Seconds(), float64(r.ProviderPeakRSS)/(1<<20), describe(counts))
	results := []result{
		{Metric: metric + ".wall_s", N: n, Value: r.Wall.Seconds(), Unit: "s", Who: "holdfast"},
		{Metric: metric + ".requests", N: n, Value: float64(counts.Total), Unit: "requests", Who: "holdfast"},
		{Metric: metric + ".peak_rss_mib", N: n, Value: float64(r.ProviderPeakRSS) / (1 << 20), Unit: "MiB", Who: "holdfast"},
	}
	lists, reads, locks := f.split(counts)
	mostLists, mostReads := f.bound(n)
	switch {
	case lists > mostLists || reads > mostReads:
		return results, fmt.Errorf("%s takes %d lists and %d reads; the bound for %d objects and %d tenants is %d and %d", metric, lists, reads, f.objects, n, mostLists, mostReads)
	case locks > len(f.buckets):
		return results, fmt.Errorf("%s asks %d times whether one of %d buckets is immutable", metric, locks, len(f.buckets))
	case lists+reads+locks != counts.Total:
		return results, fmt.Errorf("%s makes other requests than lists, reads and whether buckets are immutable: %s", metric, describe(counts))
	case lists == 0 || reads == 0:
		return results, fmt.Errorf("%s reads nothing: %s", metric, describe(counts))
	}
	return results, nil
}

// allInOrder wants n tenants with all their backups in the command's answer.
func allInOrder(answer []byte, n int) error {
	var told struct {
		Tenants []struct {
			Tenant, State string
			Copies        []struct{ Backups int }
		}
		Summary struct{ Tenants, OK int }
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		return err
	}
	if told.Summary.Tenants != n || told.Summary.OK != n || len(told.Tenants) != n {
		return fmt.Errorf("of %d tenants %d are reported, %d in order", n, told.Summary.Tenants, told.Summary.OK)
	}
	for _, one := range told.Tenants {
		for _, c := range one.Copies {
			if c.Backups != backupsOfTenant {
				return fmt.Errorf("%s has %d backups, want %d", one.Tenant, c.Backups, backupsOfTenant)
			}
		}
	}
	return nil
}

func hetznerStorage(sim *harness.Sim) string {
	return fmt.Sprintf("  hetzner {\n    endpoint = %q\n    token    = %q\n    object_storage {\n      endpoint   = %q\n      access_key = %q\n      secret_key = %q\n    }\n  }\n",
		sim.HetznerEndpoint(), token, storageEndpoint(sim), simcloud.DefaultS3AccessKey, simcloud.DefaultS3SecretKey)
}

func googleStorage(sim *harness.Sim) string {
	return fmt.Sprintf("  google {\n    project          = %q\n    endpoint         = %q\n    storage_endpoint = %q\n    access_token     = %q\n  }\n",
		project, sim.GoogleEndpoint(), sim.StorageEndpoint(), token)
}

// storageEndpoint is what the provider takes as the endpoint of any location.
func storageEndpoint(sim *harness.Sim) string {
	return sim.HetznerEndpoint()[:len(sim.HetznerEndpoint())-len("/v1")] + "/s3/{location}"
}

// inventoryEnvironment are the accounts of `holdfast backups`.
func inventoryEnvironment(sim *harness.Sim) []string {
	return []string{"HOLDFAST_DEPLOYMENT=" + benchDeployment, "HCLOUD_TOKEN=" + token, "HCLOUD_ENDPOINT=" + sim.HetznerEndpoint(),
		"HCLOUD_S3_ENDPOINT=" + storageEndpoint(sim), "HCLOUD_S3_ACCESS_KEY=" + simcloud.DefaultS3AccessKey, "HCLOUD_S3_SECRET_KEY=" + simcloud.DefaultS3SecretKey,
		"GOOGLE_PROJECT=" + project, "GOOGLE_OAUTH_ACCESS_TOKEN=" + token, "GOOGLE_STORAGE_CUSTOM_ENDPOINT=" + sim.StorageEndpoint(),
		"GOOGLE_COMPUTE_CUSTOM_ENDPOINT=" + sim.GoogleEndpoint()}
}

const benchDeployment = "bench"

// inventoryRoot is the plan and its buckets, with places for the address of the
// state and the settings of the two clouds.
const inventoryRoot = `
terraform {
  backend "http" { address = %q }
  required_providers {
    holdfast = { source = "holdfast-cloud/holdfast" }
  }
}

provider "holdfast" {
  deployment = "bench"
%s%s}

resource "holdfast_backup_bucket" "all" {
  for_each = {
    "hetzner/nbg1"         = 93
    "hetzner/hel1"         = 0
    "google/us-central1-a" = 0
  }
  name           = "backups"
  location       = each.key
  immutable_days = each.value
}

resource "holdfast_backup_plan" "standard" {
  name     = "standard"
  schedule = "02:30"
  protects = ["hetzner/fsn1"]
  buckets  = values(holdfast_backup_bucket.all)
}
`

// inventorySource is the data source, and what of it is compared.
const inventorySource = `
data "holdfast_backups" "all" {
  bucket_ids = holdfast_backup_plan.standard.bucket_ids
}

output "inventory" {
  value = {
    tenants = length(data.holdfast_backups.all.inventory)
    ok      = data.holdfast_backups.all.ok
    broken  = data.holdfast_backups.all.broken
    backups = sum(flatten([for one in data.holdfast_backups.all.inventory : [for copy in one.copies : copy.backups]]))
  }
}
`

// ageOfNewest is within every objective.
const ageOfNewest = 6 * time.Hour
