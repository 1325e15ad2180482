package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Finding is one import that its layer does not allow, or one package that no
// layer claims (Import is empty then).
type Finding struct {
	Package string // relative to the module, "." for its root
	File    string // relative to the module's root
	Import  string
	Why     string
}

// String says what is wrong and why, for a test's output.
func (f Finding) String() string {
	if f.Import == "" {
		return fmt.Sprintf("%s: no layer in internal/archtest/layers.go claims package %s: decide what it may import", f.File, f.Package)
	}
	return fmt.Sprintf("%s imports %s, which package %s may not: %s", f.File, f.Import, f.Package, f.Why)
}

// Check reads the imports of every non-test Go file below the root of tree and
// returns what layers do not allow, ordered by file. Folders named testdata,
// those that start with "." or "_", and nested modules are left out, as the go
// command does. The error is that of reading or parsing a file.
func Check(tree fs.FS, module string, layers []Layer) ([]Finding, error) {
	var findings []Finding
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(tree, file, entry.Name())
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		found, err := checkFile(tree, file, module, layers)
		findings = append(findings, found...)
		return err
	})
	return findings, err
}

// skip returns fs.SkipDir for a folder that holds no package of this module.
func skip(tree fs.FS, dir, name string) error {
	if dir == "." {
		return nil
	}
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func checkFile(tree fs.FS, file, module string, layers []Layer) ([]Finding, error) {
	source, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	pkg := path.Dir(file)
	layer, own, ok := find(layers, pkg)
	if !ok {
		return []Finding{{Package: pkg, File: file}}, nil
	}
	var findings []Finding
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", file, spec.Path.Value, err)
		}
		if !layer.allows(module, own, imported) {
			findings = append(findings, Finding{Package: pkg, File: file, Import: imported, Why: layer.Why})
		}
	}
	return findings, nil
}

// find returns the first layer with a pattern that matches pkg, and that
// pattern.
func find(layers []Layer, pkg string) (Layer, string, bool) {
	for _, layer := range layers {
		for _, pattern := range layer.Packages {
			if match(pattern, pkg) {
				return layer, pattern, true
			}
		}
	}
	return Layer{}, "", false
}

// allows reports whether a package of the layer, claimed by the pattern own,
// may import the given path.
func (l Layer) allows(module, own, imported string) bool {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		relative := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
		if relative == "" {
			relative = "."
		}
		// A subtree's packages may use each other.
		if match(own, relative) {
			return true
		}
		return slices.ContainsFunc(l.Module, func(p string) bool { return match(p, relative) })
	}
	if standard(imported) {
		return true
	}
	if l.StandardOnly {
		return false
	}
	return !slices.ContainsFunc(l.Forbidden, func(p string) bool { return strings.HasPrefix(imported, p) })
}

// standard reports whether an import path belongs to the standard library: the
// first element of any other path is a host name with a dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// match reports whether a package path relative to the module fits a pattern
// as described at Layer.
func match(pattern, pkg string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(pkg, "/")
	for i, element := range want {
		if element == "..." {
			return true
		}
		if i >= len(got) || element != "*" && element != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}
