package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTree checks this module itself.
func TestTree(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "module "+Module+"\n") {
		t.Fatalf("go.mod of %s does not declare module %s: the checker would find nothing", root, Module)
	}
	findings, err := Check(os.DirFS(root), Module, Layers())
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

func TestLayers(t *testing.T) {
	const (
		own   = Module + "/internal/"
		tfsdk = "github.com/hashicorp/terraform-plugin-framework/resource"
		hc    = "github.com/hetznercloud/hcloud-go/v2/hcloud"
	)
	tests := map[string]struct {
		file    string
		imports []string
		refused []string
	}{
		"cloud takes the standard library only": {
			file:    "internal/cloud/vm.go",
			imports: []string{"context", "net/netip", "golang.org/x/sync/errgroup", own + "policy"},
			refused: []string{"golang.org/x/sync/errgroup", own + "policy"},
		},
		"cloudtest knows no driver": {
			file:    "internal/cloud/cloudtest/suite.go",
			imports: []string{"testing", own + "cloud", "github.com/google/go-cmp/cmp", own + "driver/hetzner"},
			refused: []string{own + "driver/hetzner"},
		},
		"policy is pure": {
			file:    "internal/policy/vm.go",
			imports: []string{own + "cloud", own + "catalog", "golang.org/x/crypto/ssh", tfsdk, hc, own + "driver/hetzner"},
			refused: []string{tfsdk, hc, own + "driver/hetzner"},
		},
		"downward only": {
			file:    "internal/catalog/catalog.go",
			imports: []string{own + "cloud", own + "policy"},
			refused: []string{own + "policy"},
		},
		"a driver keeps to its own SDK": {
			file:    "internal/driver/hetzner/vm.go",
			imports: []string{hc, own + "cloud", own + "catalog", own + "budget", tfsdk, "cloud.google.com/go/compute/apiv1", own + "simcloud"},
			refused: []string{own + "budget", tfsdk, "cloud.google.com/go/compute/apiv1", own + "simcloud"},
		},
		"a driver may not use another driver": {
			file:    "internal/driver/google/vm.go",
			imports: []string{"google.golang.org/api/option", own + "driver/google/operations", own + "driver/hetzner"},
			refused: []string{own + "driver/hetzner"},
		},
		"a service never meets a driver": {
			file:    "internal/service/vm/resource.go",
			imports: []string{tfsdk, own + "service", own + "service/network", own + "cloud", own + "policy", own + "driver/hetzner", own + "budget", own + "simcloud", hc},
			refused: []string{own + "driver/hetzner", own + "budget", own + "simcloud", hc},
		},
		"the embedded cloud shares nothing": {
			file:    "internal/simcloud/hetzner/servers.go",
			imports: []string{"net/http", "go.etcd.io/bbolt", own + "simcloud", own + "simcloud/hetzner/query", own + "cloud", own + "catalog"},
			refused: []string{own + "cloud", own + "catalog"},
		},
		"the provider wires, the command line is apart": {
			file:    "internal/provider/clouds.go",
			imports: []string{tfsdk, own + "driver/hetzner", own + "budget", own + "service/vm", own + "cli", "github.com/spf13/cobra"},
			refused: []string{own + "cli", "github.com/spf13/cobra"},
		},
		"the command line sees all of ours": {
			file:    "internal/cli/sim.go",
			imports: []string{own + "simcloud", own + "provider", "github.com/spf13/cobra", hc},
			refused: []string{hc},
		},
		"main chooses": {
			file:    "main.go",
			imports: []string{own + "provider", own + "cli", own + "driver/hetzner"},
			refused: []string{own + "driver/hetzner"},
		},
		"tests see everything": {
			file:    "tests/bench/run.go",
			imports: []string{own + "simcloud", own + "driver/hetzner", hc, Module},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{test.file: source(test.imports...)}
			findings, err := Check(tree, Module, Layers())
			if err != nil {
				t.Fatal(err)
			}
			var refused []string
			for _, finding := range findings {
				refused = append(refused, finding.Import)
			}
			if !slices.Equal(refused, test.refused) {
				t.Errorf("refused %q, want %q", refused, test.refused)
			}
		})
	}
}

func TestCheckWalk(t *testing.T) {
	bad := source(Module + "/internal/simcloud")
	tree := fstest.MapFS{
		"internal/cloud/vm.go":             bad,
		"internal/cloud/vm_test.go":        bad, // tests are exempt
		"internal/cloud/testdata/fake.go":  bad,
		"internal/cloud/_attic/old.go":     bad,
		".tools/cache/x.go":                bad,
		"tools/go.mod":                     &fstest.MapFile{Data: []byte("module tools\n")},
		"tools/main.go":                    bad,
		"internal/unheard/of.go":           source("fmt"),
		"internal/cloud/notgo.txt":         &fstest.MapFile{Data: []byte("x")},
		"internal/driver/unknown/cloud.go": source("fmt"),
	}
	findings, err := Check(tree, Module, Layers())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, finding := range findings {
		got = append(got, finding.String())
	}
	want := []string{
		"internal/cloud/vm.go imports " + Module + "/internal/simcloud, which package internal/cloud may not: the neutral model depends on the standard library only",
		"internal/driver/unknown/cloud.go: no layer in internal/archtest/layers.go claims package internal/driver/unknown: decide what it may import",
		"internal/unheard/of.go: no layer in internal/archtest/layers.go claims package internal/unheard: decide what it may import",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCheckBrokenFile(t *testing.T) {
	tree := fstest.MapFS{"internal/cloud/broken.go": &fstest.MapFile{Data: []byte("pack age cloud")}}
	if _, err := Check(tree, Module, Layers()); err == nil {
		t.Error("a file that does not parse went unnoticed")
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, pkg string
		want         bool
	}{
		{"internal/cloud", "internal/cloud", true},
		{"internal/cloud", "internal/cloud/cloudtest", false},
		{"internal/cloud", "internal/cloudy", false},
		{"internal/cloud/...", "internal/cloud", true},
		{"internal/cloud/...", "internal/cloud/cloudtest", true},
		{"internal/cloud/...", "internal/cloudy", false},
		{"internal/driver/*", "internal/driver/hetzner", true},
		{"internal/driver/*", "internal/driver", false},
		{"internal/driver/*", "internal/driver/hetzner/wire", false},
		{"...", ".", true},
		{".", ".", true},
		{".", "internal", false},
	}
	for _, test := range tests {
		if got := match(test.pattern, test.pkg); got != test.want {
			t.Errorf("match(%q, %q) = %t", test.pattern, test.pkg, got)
		}
	}
}

// source is a Go file that imports the given paths.
func source(imports ...string) *fstest.MapFile {
	var text strings.Builder
	text.WriteString("package p\n\n")
	for _, path := range imports {
		text.WriteString("import _ \"" + path + "\"\n")
	}
	return &fstest.MapFile{Data: []byte(text.String())}
}
