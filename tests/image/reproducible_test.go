package image

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	profile "github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image/build"
)

// Two builds from one lock give the same bytes: image, SBOM and manifest.
func TestReproducible(t *testing.T) {
	if os.Getenv("HOLDFAST_E2E_BUILD") != "1" {
		t.Skip("it builds two images, for many minutes, and needs root or user namespaces: set HOLDFAST_E2E_BUILD=1")
	}
	dir := t.TempDir()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	options := build.Options{
		Params: profile.Defaults(), Cache: filepath.Join(cache, "holdfast", "packages"), GiB: build.DefaultGiB,
		Archive: build.Archive{Mirror: build.DefaultMirror}, HTTP: &http.Client{Timeout: 10 * time.Minute},
		Log: io.Discard, Now: time.Now, Progress: func(step string) { t.Log(step) },
	}
	var manifests []string
	for _, name := range []string{"first", "second"} {
		options.Out = filepath.Join(dir, name)
		if _, err := build.Build(t.Context(), options); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(options.Out, build.FileManifest))
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, string(text))
		lock, err := build.ReadLock(filepath.Join(options.Out, build.FileLock))
		if err != nil {
			t.Fatal(err)
		}
		options.Lock = &lock
	}
	if manifests[0] != manifests[1] {
		t.Errorf("the same lock gives another image:\n%s\n%s", manifests[0], manifests[1])
	}
}
