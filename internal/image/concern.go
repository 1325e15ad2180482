package image

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"go.yaml.in/yaml/v4"
)

//go:embed profile/*.yaml
var profile embed.FS

// Concern is one idea of the profile: what it puts into a machine, and why.
type Concern struct {
	// Name is that of its file, without ".yaml".
	Name string `yaml:"name"`
	// Reason says why machines have it.
	Reason string `yaml:"reason"`
	// Promises are the identifiers of the promises that it serves.
	Promises []string `yaml:"promises"`
	// Role is empty for what every machine has; otherwise the concern belongs
	// only to images that are built with this role.
	Role string `yaml:"role"`
	// Packages are Debian packages to install, without their recommendations.
	Packages []string `yaml:"packages"`
	// Remove are packages that must not be there: the build fails on one that
	// something else depends on.
	Remove   []string  `yaml:"remove"`
	Files    []File    `yaml:"files"`
	Units    Units     `yaml:"units"`
	Commands []Command `yaml:"commands"`
}

// File is a file of the machine.
type File struct {
	// Path is absolute.
	Path string `yaml:"path"`
	// Mode is the permission bits in octal, "0644" if empty.
	Mode string `yaml:"mode"`
	// Owner is "user:group"; "root:root" if empty.
	Owner string `yaml:"owner"`
	// Reason says what this file is for.
	Reason string `yaml:"reason"`
	// Promises are those of this file; those of its concern if empty.
	Promises []string `yaml:"promises"`
	// Early files stand before packages are installed, since packages' scripts
	// look at them.
	Early bool `yaml:"early"`
	// Content is a text/template over [Params].
	Content string `yaml:"content"`
}

// Units are systemd's.
type Units struct {
	Enable  []string `yaml:"enable"`
	Disable []string `yaml:"disable"`
	Mask    []string `yaml:"mask"`
}

// Command runs in the machine's root as root, where no file will do. It must do
// no harm when it runs again.
type Command struct {
	Reason string `yaml:"reason"`
	Run    string `yaml:"run"`
}

// Load reads the embedded profile, sorted by name, and checks it: an error means
// that this program was built with a broken profile.
func Load() ([]Concern, error) { return load(profile) }

func load(dir fs.FS) ([]Concern, error) {
	names, err := fs.Glob(dir, "profile/*.yaml")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var concerns []Concern
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		concern, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if want := path.Base(name); concern.Name+".yaml" != want {
			return nil, fmt.Errorf("%s: its name is %q", name, concern.Name)
		}
		concerns = append(concerns, concern)
	}
	return concerns, check(concerns)
}

// parse reads one concern; a key that it does not know is an error.
func parse(text []byte) (Concern, error) {
	var concern Concern
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&concern); err != nil {
		return concern, err
	}
	for i := range concern.Files {
		file := &concern.Files[i]
		if file.Mode == "" {
			file.Mode = "0644"
		}
		if file.Owner == "" {
			file.Owner = "root:root"
		}
		if len(file.Promises) == 0 {
			file.Promises = concern.Promises
		}
	}
	return concern, nil
}
