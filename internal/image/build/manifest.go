package build

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

// ManifestVersion is the version of the manifest's form.
const ManifestVersion = 1

// Manifest says what an image is, and what it was made of.
type Manifest struct {
	Version int          `json:"version"`
	Params  image.Params `json:"params"`
	// Epoch is the lock's time, in seconds since 1970.
	Epoch int64 `json:"epoch"`
	// GiB is the disk's size.
	GiB    int64  `json:"gib"`
	Inputs Inputs `json:"inputs"`
	// Concerns are those of the profile that are in the image.
	Concerns []ManifestConcern `json:"concerns"`
	// Packages are installed, by name.
	Packages []ManifestPackage `json:"packages"`
	// Outputs are the files beside the manifest.
	Outputs []Output `json:"outputs"`
	// Audits are the scores of a booted machine, added by who measures them.
	Audits []Audit `json:"audits"`
}

// Inputs are hashes (SHA-256) of what the image was made of.
type Inputs struct {
	Lock string `json:"lock"`
	// All covers lock, profile, parameters, layout and size: the same value, the
	// same image.
	All string `json:"all"`
}

// ManifestConcern is one of the profile's.
type ManifestConcern struct {
	Name     string   `json:"name"`
	Reason   string   `json:"reason"`
	Promises []string `json:"promises"`
}

// ManifestPackage is an installed package.
type ManifestPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source"`
}

// Output is a file that the build wrote.
type Output struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Audit is the result of one audit on a booted machine.
type Audit struct {
	// Name is such as "lynis" or "anssi_bp28_high".
	Name string `json:"name"`
	// Score is in percent.
	Score float64 `json:"score"`
	// Failed lists what failed.
	Failed []string `json:"failed"`
}

// installed reads the tree's own list of packages, and holds it to the lock.
func (b *building) installed() ([]ManifestPackage, error) {
	status, err := b.read("/var/lib/dpkg/status")
	if err != nil {
		return nil, err
	}
	locked := map[string]Package{}
	for _, p := range b.lock.Packages {
		locked[p.Name] = p
	}
	var list []ManifestPackage
	var wrong error
	err = scanStanzas(bufio.NewReader(bytes.NewReader(status)), func(p Package, fields map[string]string) {
		if fields["Status"] != "install ok installed" {
			wrong = fmt.Errorf("package %s is in the state %q", p.Name, fields["Status"])
		}
		if want, ok := locked[p.Name]; !ok || want.Version != p.Version {
			wrong = fmt.Errorf("package %s %s is installed, and the lock has %q", p.Name, p.Version, want.Version)
		}
		list = append(list, ManifestPackage{p.Name, p.Version, p.Source})
	})
	for _, name := range b.plan.Remove {
		if slices.ContainsFunc(list, func(p ManifestPackage) bool { return p.Name == name }) {
			wrong = fmt.Errorf("the profile forbids package %s, and it is installed", name)
		}
	}
	slices.SortFunc(list, func(a, b ManifestPackage) int { return cmp.Compare(a.Name, b.Name) })
	return list, cmp.Or(err, wrong)
}

// results writes lock, SBOM and manifest.
func (b *building) results(inputs []byte, installed []ManifestPackage) (Manifest, error) {
	lock, err := b.lock.JSON()
	if err != nil {
		return Manifest{}, err
	}
	sum := func(text []byte) string { h := sha256.Sum256(text); return hex.EncodeToString(h[:]) }
	m := Manifest{
		Version: ManifestVersion, Params: b.plan.Params, Epoch: b.lock.Epoch, GiB: b.GiB,
		Inputs: Inputs{Lock: sum(lock), All: sum(inputs)}, Packages: installed, Audits: []Audit{},
	}
	for _, c := range b.plan.Concerns {
		m.Concerns = append(m.Concerns, ManifestConcern{c.Name, c.Reason, c.Promises})
	}
	bom, err := sbom(m, b.lock)
	if err != nil {
		return Manifest{}, err
	}
	for name, text := range map[string][]byte{FileLock: lock, FileSBOM: bom} {
		if err := os.WriteFile(filepath.Join(b.Out, name), text, 0o644); err != nil {
			return Manifest{}, err
		}
	}
	names := []string{FileImage, FileLock, FileSBOM}
	if b.Raw {
		names = append(names, FileRaw)
	}
	slices.Sort(names)
	for _, name := range names {
		output, err := hashOutput(b.Out, name)
		if err != nil {
			return Manifest{}, err
		}
		m.Outputs = append(m.Outputs, output)
	}
	return m, WriteManifest(filepath.Join(b.Out, FileManifest), m)
}

// WriteManifest writes a manifest; the same one gives the same bytes.
func WriteManifest(name string, m Manifest) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// ReadManifest reads a manifest.
func ReadManifest(name string) (Manifest, error) {
	var m Manifest
	text, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	if m.Version != ManifestVersion {
		return m, fmt.Errorf("%s: version %d, and this program reads version %d", name, m.Version, ManifestVersion)
	}
	return m, nil
}

// Verify compares the files beside a manifest with it.
func Verify(dir string) (Manifest, error) {
	m, err := ReadManifest(filepath.Join(dir, FileManifest))
	if err != nil {
		return m, err
	}
	if len(m.Outputs) == 0 {
		return m, fmt.Errorf("the manifest names no files")
	}
	for _, want := range m.Outputs {
		if filepath.Base(want.Name) != want.Name {
			return m, fmt.Errorf("the manifest names %q, which is no file beside it", want.Name)
		}
		got, err := hashOutput(dir, want.Name)
		if err != nil {
			return m, err
		}
		if got != want {
			return m, fmt.Errorf("%s: %d bytes with SHA-256 %s, and the manifest says %d with %s", want.Name, got.Bytes, got.SHA256, want.Bytes, want.SHA256)
		}
	}
	return m, nil
}

func hashOutput(dir, name string) (Output, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return Output{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return Output{Name: name, Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}
