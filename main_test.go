package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cli"
)

// asProgram makes the test binary behave as the program itself.
const asProgram = "HOLDFAST_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the program, ready to be started with some more environment.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, args...)
	command.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	command.Stderr = os.Stderr
	return command
}

// firstLine starts the program, returns the first line of its output and then
// asks it to stop; code is its exit code.
func firstLine(t *testing.T, command *exec.Cmd, contains string, stop os.Signal) (line string, code int) {
	t.Helper()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for !strings.Contains(line, contains) && scanner.Scan() {
		line = scanner.Text()
	}
	if err := command.Process.Signal(stop); err != nil {
		t.Fatal(err)
	}
	for scanner.Scan() { // Wait may not close the pipe under a reader
	}
	_ = command.Wait() // the exit code says all
	return line, command.ProcessState.ExitCode()
}

func TestTerraformStartsThePlugin(t *testing.T) {
	line, _ := firstLine(t, program(t, []string{cookieKey + "=" + cookieValue}), "|", os.Kill)
	// Core protocol version, plugin protocol version, and where it listens.
	if !strings.HasPrefix(line, "1|6|") || !strings.Contains(line, "|grpc|") {
		t.Errorf("the handshake says %q", line)
	}
}

func TestDebugServesThePlugin(t *testing.T) {
	line, _ := firstLine(t, program(t, nil, "-debug"), "TF_REATTACH_PROVIDERS=", os.Kill)
	if !strings.Contains(line, cli.Address) {
		t.Errorf("prints %q", line)
	}
}

func TestAPersonGetsTheCommandLine(t *testing.T) {
	out, err := program(t, []string{cookieKey + "=something else"}, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(out), "holdfast dev ") {
		t.Errorf("prints %q", out)
	}
}

func TestASignalStopsTheSimulation(t *testing.T) {
	for _, stop := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		line, code := firstLine(t, program(t, nil, "sim", "--json", "--listen", "127.0.0.1:0"), "{", stop)
		if !json.Valid([]byte(line)) || code != cli.ExitOK {
			t.Errorf("%s: exit code %d after %q", stop, code, line)
		}
	}
}

// TestSchemaIsWhatTerraformSays compares our own export of the schemas, which
// the documentation is made of, with that of a real command line.
func TestSchemaIsWhatTerraformSays(t *testing.T) {
	terraform := os.Getenv("HOLDFAST_TF_CLI")
	if terraform == "" {
		t.Skip("HOLDFAST_TF_CLI names no terraform or tofu command; `make test` sets it")
	}
	ours, err := program(t, nil, "schema").Output()
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write("terraform-provider-holdfast", fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asProgram, self), 0o755)
	config := write("dev.tfrc", fmt.Sprintf("provider_installation {\n  dev_overrides { %q = %q }\n  direct {}\n}\n", cli.Address, dir), 0o644)
	write("main.tf", fmt.Sprintf("terraform {\n  required_providers {\n    holdfast = { source = %q }\n  }\n}\n", cli.Address), 0o644)

	command := exec.CommandContext(t.Context(), terraform, "providers", "schema", "-json")
	command.Dir = dir
	command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1")
	theirs, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, theirs)
	}

	want, got := decode(t, theirs), decode(t, ours)
	// What this command line is too old to know, or does not know at all.
	if want.ResourceIdentitySchemas == nil {
		got.ResourceIdentitySchemas = nil
	}
	if want.ActionSchemas == nil {
		got.ActionSchemas = nil
	}
	if want.ListResourceSchemas == nil {
		got.ListResourceSchemas = nil
	}
	if diff := cmp.Diff(generic(t, want), generic(t, got)); diff != "" {
		t.Errorf("our export is not what %s says (-theirs +ours):\n%s", filepath.Base(terraform), diff)
	}
}

// decode reads a schema document and returns its one provider.
func decode(t *testing.T, document []byte) *tfjson.ProviderSchema {
	t.Helper()
	var schemas tfjson.ProviderSchemas
	if err := json.Unmarshal(document, &schemas); err != nil {
		t.Fatal(err)
	}
	provider := schemas.Schemas[cli.Address]
	if provider == nil || len(provider.ResourceSchemas) == 0 {
		t.Fatalf("no resources of %s in:\n%s", cli.Address, document)
	}
	return provider
}

// generic is the value as plain maps, which compare by what they say.
func generic(t *testing.T, provider *tfjson.ProviderSchema) any {
	t.Helper()
	document, err := json.Marshal(provider)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
