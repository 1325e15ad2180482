package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// contender is a configuration whose requests are counted.
type contender struct {
	// who names the provider in the results.
	who string
	// metric begins the names of its figures: "hetzner", "google".
	metric string
	// cloud is the only one that may be asked for anything, and machine the
	// kind of its virtual machines there.
	cloud, machine string
	// provider is the root module's terraform block and provider, from the
	// address of the state and the embedded clouds.
	provider func(state string, sim *harness.Sim) string
	// shared declares what all tenants have in common, from a public key.
	shared string
	// pass are the arguments that hand what is shared to a shard.
	pass string
	// shard is the module that declares a set of tenants.
	shard string
}

// shardSize is how many tenants one module call holds. Terraform's apply
// graph has an edge from each machine to every network, firewall and volume
// of the blocks that it refers to, so a single call of 1,000 tenants has
// three million: terraform 1.11 needs more than ten minutes and 6 GB for them
// before it sends a request. Twenty calls of 50 have 150,000.
const shardSize = 50

const benchKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+8tMsKN4vulNVD7Cf0iuJURfLJapXFm/DxMX1ScBtx bench@example.com"

// token is what the benchmark shows to the embedded clouds, and project the
// one at Google Cloud.
const (
	token   = "bench-token-of-64-characters-as-the-vendor-issues-them-000000000"
	project = "holdfast-bench"
)

// files are the root module and the module of a shard for n tenants; state is
// the address of the state.
func (c contender) files(n int, sim *harness.Sim, state string) map[string]string {
	var root strings.Builder
	root.WriteString(c.provider(state, sim))
	fmt.Fprintf(&root, c.shared, benchKey)
	for first := 0; first < n; first += shardSize {
		fmt.Fprintf(&root, `
module "tenants_%04[1]d" {
  source  = "./shard"
  tenants = [for i in range(%[1]d, %[2]d) : format("t%%04d", i)]
%[3]s
}
`, first, min(n, first+shardSize), c.pass)
	}
	return map[string]string{"main.tf": root.String(), "shard/main.tf": c.shard}
}

// writeStack lays the configuration out in a new folder below parent.
func writeStack(parent string, c contender, n int, sim *harness.Sim, state string) (string, error) {
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("%s-%d-", c.who, n))
	if err != nil {
		return "", err
	}
	for name, text := range c.files(n, sim, state) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(strings.TrimSpace(text)+"\n"), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
