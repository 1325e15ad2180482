package acceptance

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
	"github.com/holdfast-cloud/terraform-provider-holdfast/tests/harness"
)

// shell is a folder with a configuration, a command line and a cloud of its
// own: for what the testing framework does not show, such as warnings.
type shell struct {
	*harness.Sim
	t    *testing.T
	work *harness.Workspace
}

// newShell starts a cloud and initialises an empty folder. built is the
// provider.
func newShell(t *testing.T, cli harness.CLI, built harness.Provider) *shell {
	t.Helper()
	sim, err := harness.StartSim(simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	work, err := harness.NewWorkspace(cli, t.TempDir(), built)
	if err != nil {
		t.Fatal(err)
	}
	work.Env = []string{"HCLOUD_ENDPOINT=" + sim.HetznerEndpoint(), "HCLOUD_TOKEN=" + token, "NO_COLOR=1"}
	s := &shell{Sim: sim, t: t, work: work}
	s.write("")
	s.must("init")
	return s
}

// write makes the configuration.
func (s *shell) write(body string, lost ...string) {
	s.t.Helper()
	text := "terraform {\n  required_providers {\n    holdfast = { source = \"holdfast-cloud/holdfast\" }\n  }\n}\n" +
		"provider \"holdfast\" {\n  deployment = \"acc\"\n  lost_locations = [" + quoted(lost) + "]\n}\n" +
		"locals { key = \"" + publicKey + "\" }\n" + body
	if err := os.WriteFile(filepath.Join(s.work.Dir, "main.tf"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// must runs a command that has to succeed, and gives what it printed on one
// line.
func (s *shell) must(arguments ...string) string {
	s.t.Helper()
	output, err := s.run(arguments...)
	if err != nil {
		s.t.Fatal(err)
	}
	return output
}

func (s *shell) run(arguments ...string) (string, error) {
	s.ResetRequests()
	result, err := s.work.Run(s.t.Context(), append(arguments, "-no-color")...)
	return strings.Join(strings.Fields(strings.ReplaceAll(result.Stdout+result.Stderr, "│", " ")), " "), err
}

// prints wants texts in an output, in any order.
func (s *shell) prints(output string, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			s.t.Errorf("%q is missing in:\n%s", text, output)
		}
	}
}

// refuses runs a command that has to fail with texts.
func (s *shell) refuses(texts []string, arguments ...string) {
	s.t.Helper()
	output, err := s.run(arguments...)
	if err == nil {
		s.t.Fatalf("%v succeeded:\n%s", arguments, output)
	}
	s.prints(output, texts...)
}

// asked wants exactly these requests of the last command, polls left out.
func (s *shell) asked(what string, want map[string]int) {
	s.t.Helper()
	made := s.Counts().Routes
	maps.DeleteFunc(made, func(route string, _ int) bool { return strings.HasPrefix(route, "GET /v1/actions") })
	if diff := cmp.Diff(want, made); diff != "" {
		s.t.Errorf("%s: the requests (- wanted, + made):\n%s", what, diff)
	}
}

func TestCommandLine(t *testing.T) {
	cli, err := harness.FindCLI()
	if err != nil {
		t.Fatal(err)
	}
	built, err := harness.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*shell){
		"requests": testRequests, "saved plan": testSavedPlan, "site": testSiteWarning, "lost": testLostWarnings,
		"protection": testProtection, "validate": testValidate, "lost state": testAdoption, "data without a backup plan": testDataWithoutPlan,
	} {
		t.Run(name, func(t *testing.T) { test(newShell(t, cli, built)) })
	}
}

// One object is made with one request, read with one, and deleted with one.
func testRequests(s *shell) {
	for plural, body := range map[string]string{
		"ssh_keys":  sshKey("ada", "hetzner/fsn1", "local.key", ""),
		"networks":  network("hetzner/fsn1", `"10.1.0.0/24"`, `routes = [{ destination = "10.9.0.0/16", gateway = "10.1.0.9" }]`),
		"firewalls": firewall("hetzner/fsn1", rules(https, admins, ping), ""),
		"volumes":   volume("data", "hetzner/fsn1", 10, ""),
	} {
		if plural == "networks" {
			body = strings.Replace(body, "  routes", "  subnets = [\"10.1.0.0/25\"]\n  routes", 1)
		}
		s.write(body)
		s.must("plan")
		s.asked(plural+": plan of a create", map[string]int{})
		s.must("apply", "-auto-approve")
		s.asked(plural+": create", map[string]int{"POST /v1/" + plural: 1})
		s.must("plan", "-detailed-exitcode")
		s.asked(plural+": plan without a change", map[string]int{"GET /v1/" + plural: 1})
		s.must("destroy", "-auto-approve")
		s.asked(plural+": destroy", map[string]int{"GET /v1/" + plural: 1, "DELETE /v1/" + plural + "/{id}": 1})
	}
}

// What was planned is what is applied, without being read again.
func testSavedPlan(s *shell) {
	s.write(sshKey("ada", "hetzner/fsn1", "local.key", ""))
	s.must("plan", "-out=create.plan")
	s.must("apply", "create.plan")
	s.asked("create", map[string]int{"POST /v1/ssh_keys": 1})
	s.write(sshKey("ada-l", "hetzner/fsn1", "local.key", ""))
	s.must("plan", "-out=change.plan")
	s.must("apply", "change.plan")
	s.asked("change", map[string]int{"PUT /v1/ssh_keys/{id}": 1})
	s.must("plan", "-destroy", "-out=destroy.plan")
	s.must("apply", "destroy.plan")
	s.asked("destroy", map[string]int{"DELETE /v1/ssh_keys/{id}": 1})
}

// A site without a stand-by elsewhere is told so (DR-2).
func testSiteWarning(s *shell) {
	const warning = "Warning: No stand-by data centre (DR-2)"
	s.write(siteOf(`["hetzner/fsn1"]`))
	s.prints(s.must("plan"), warning, "When hetzner/fsn1 is lost, there is no location elsewhere", "Add a location of another data centre")
	s.write(siteOf(`["hetzner/fsn1", "hetzner/hel1"]`))
	if output := s.must("plan"); strings.Contains(output, "DR-2") {
		s.t.Errorf("a stand-by elsewhere is warned of:\n%s", output)
	}
}

// What leaves the state with its location is named, and never asked for.
func testLostWarnings(s *shell) {
	config := network("hetzner/fsn1", `"10.1.0.0/24"`, "deletion_protection = true")
	s.write(config)
	s.must("apply", "-auto-approve")
	s.write("", "hetzner/fsn1")
	s.prints(s.must("plan"), `Warning: network "acme" in the lost location hetzner/fsn1 leaves the state`, "hetzner/fsn1/60000001", "it is adopted again")
	s.asked("plan", map[string]int{})
	s.prints(s.must("apply", "-auto-approve", "-refresh=false"), `Warning: network "acme" in the lost location hetzner/fsn1 is left behind`, "is not deleted")
	s.asked("apply", map[string]int{})
	if left := s.Inventory()["network"]; left != 1 {
		s.t.Errorf("%d networks are left behind", left)
	}
}

// Protection holds against -replace and a tainted object, with or without a
// refresh; untaint and the two steps lead out.
func testProtection(s *shell) {
	on := network("hetzner/fsn1", `"10.1.0.0/24"`, "deletion_protection = true")
	s.write(on)
	s.must("apply", "-auto-approve")
	s.refuses([]string{"Error: Deletion protection", "-replace", "deletion_protection = false and apply first"}, "plan", "-replace="+net1)
	s.must("taint", net1)
	s.refuses([]string{"Error: Deletion protection", "tainted", "terraform untaint"}, "apply", "-auto-approve")
	s.refuses([]string{"Error: Deletion protection", "was not deleted", "terraform untaint"}, "apply", "-auto-approve", "-refresh=false")
	if kept := s.Inventory()["network"]; kept != 1 {
		s.t.Fatalf("%d networks are left", kept)
	}
	s.must("untaint", net1)
	s.must("plan", "-detailed-exitcode")
	s.refuses([]string{"Error: Deletion protection", "no plan may delete it"}, "destroy", "-auto-approve")
	s.write(network("hetzner/fsn1", `"10.1.0.0/24"`, ""))
	s.must("apply", "-auto-approve")
	s.must("destroy", "-auto-approve")
	if left := s.Inventory()["network"]; left != 0 {
		s.t.Errorf("%d networks are left", left)
	}
}

// validate knows no values of variables: what may be right passes, what is
// wrong in any case does not.
func testValidate(s *shell) {
	vars := "variable \"rule\" {}\nvariable \"rules\" {}\nvariable \"text\" {}\n"
	s.write(vars + firewall("hetzner/fsn1", "[var.rule]", "") + network("hetzner/fsn1", "var.text", "routes = [var.rule]\n  subnets = var.rules") +
		sshKey("ada", "hetzner/fsn1", "var.text", "labels = { x = var.text }"))
	s.must("validate")
	s.write(vars + firewall("hetzner/fsn1", `[var.rule, { protocol = "tcp", port = "25", networks = ["0.0.0.0/0", var.text] }]`, ""))
	s.refuses([]string{"Open to the whole internet (NET-1)", "In rules[1].networks: The rule opens tcp port 25"}, "validate")
	s.asked("validate", map[string]int{})
}

// The state of a run was lost: the next one finds what it made by the labels,
// and makes no second one.
func testAdoption(s *shell) {
	s.write(sshKey("ada", "hetzner/fsn1", "local.key", "") + network("hetzner/fsn1", `"10.1.0.0/24"`, ""))
	s.must("apply", "-auto-approve")
	if err := os.Remove(filepath.Join(s.work.Dir, "terraform.tfstate")); err != nil {
		s.t.Fatal(err)
	}
	s.prints(s.must("apply", "-auto-approve"), "2 added, 0 changed, 0 destroyed", "hetzner/fsn1/60000001")
	s.must("plan", "-detailed-exitcode")
	for kind, want := range map[string]int{"ssh_key": 1, "network": 1} {
		if got := s.Inventory()[kind]; got != want {
			s.t.Errorf("%d objects of kind %s, want %d", got, kind, want)
		}
	}
	s.must("destroy", "-auto-approve")
}
