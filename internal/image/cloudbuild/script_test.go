package cloudbuild_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/cloudbuild"
)

// maxUserData is Hetzner Cloud's limit (API description of POST /servers).
const maxUserData = 32 * 1024

func render(t *testing.T, roles ...string) (image.Plan, string) {
	t.Helper()
	concerns, err := image.Load()
	if err != nil {
		t.Fatal(err)
	}
	params := image.Defaults()
	params.Roles = roles
	plan, err := image.Render(concerns, params)
	if err != nil {
		t.Fatal(err)
	}
	script, err := cloudbuild.Script(plan)
	if err != nil {
		t.Fatal(err)
	}
	return plan, script
}

// With every role the script still fits what the strictest vendor takes.
func TestFits(t *testing.T) {
	concerns, err := image.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, script := render(t, image.Roles(concerns)...)
	t.Logf("%d bytes of %d", len(script), maxUserData)
	if len(script) > maxUserData {
		t.Errorf("the script has %d bytes, %d are possible", len(script), maxUserData)
	}
}

func TestSameInputSameText(t *testing.T) {
	_, a := render(t)
	_, b := render(t)
	_, other := render(t, "postgresql")
	if a != b {
		t.Error("the same profile gives two scripts")
	}
	one, two := cloudbuild.Digest("debian-12", a), cloudbuild.Digest("debian-12", other)
	if one == two || cloudbuild.Digest("debian-12", b) != one || len(one) != 26 {
		t.Errorf("digests %q and %q", one, two)
	}
}

// What travels is the plan: every file with its content and mode.
func TestPayload(t *testing.T) {
	plan, script := render(t)
	_, rest, _ := strings.Cut(script, "<<'PAYLOAD'\n")
	text, _, found := strings.Cut(rest, "\nPAYLOAD\n")
	if !found {
		t.Fatal("there is no payload")
	}
	packed, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for in := tar.NewReader(zip); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[head.Name] = string(content)
	}
	for _, f := range plan.Files {
		name := "late" + f.Path
		if f.Early {
			name = "early" + f.Path
		}
		if got[name] != f.Content {
			t.Errorf("%s is not as the plan has it", name)
		}
		delete(got, name)
	}
	if got["profile.sh"] != plan.Script() || len(got) != 1 {
		t.Errorf("beside the files there is %d", len(got))
	}
	words := strings.Fields(script)
	for _, name := range plan.Packages {
		if boot := strings.HasPrefix(name, "grub-"); slices.Contains(words, name) == boot {
			t.Errorf("package %s: installed %t", name, !boot)
		}
	}
}

func TestShellReadsIt(t *testing.T) {
	_, script := render(t)
	file := filepath.Join(t.TempDir(), "harden.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(script), "\n")
	if last := lines[len(lines)-1]; last != "systemctl poweroff" {
		t.Errorf("the last line is %q", last)
	}
}
