package cloudbuild

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/image"
)

//go:embed harden.sh.tmpl
var harden string

// lineLength of the base64 text: that of MIME (RFC 2045), which every tool
// takes.
const lineLength = 76

// Base is the stock image that the profile is for, by the name that all clouds
// know.
const Base = "debian-12"

// Script renders a plan. The same plan gives the same text.
func Script(plan image.Plan) (string, error) {
	payload, err := archive(plan)
	if err != nil {
		return "", err
	}
	t, err := template.New("harden.sh").Option("missingkey=error").Parse(harden)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	err = t.Execute(&s, map[string]string{
		"Suite":    plan.Params.Suite,
		"Packages": strings.Join(packages(plan), " "),
		"Remove":   strings.Join(plan.Remove, " "),
		"Payload":  lines(base64.StdEncoding.EncodeToString(payload)),
	})
	return s.String(), err
}

// packages leaves out the boot loader: a stock machine has its vendor's, which
// knows the vendor's disk and firmware.
func packages(plan image.Plan) []string {
	return slices.DeleteFunc(slices.Clone(plan.Packages), func(name string) bool { return strings.HasPrefix(name, "grub-") })
}

// Digest is 130 bits of a script's SHA-256, fit for a label on every cloud:
// what a machine becomes is decided by its base and its script.
func Digest(base, script string) string {
	sum := sha256.Sum256([]byte(base + "\x00" + script))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:26]
}

// archive packs the plan's files in two trees, those that stand before packages
// are installed and all of them, and the plan's script.
func archive(plan image.Plan) ([]byte, error) {
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	out := tar.NewWriter(zip)
	put := func(name string, mode int64, content string) error {
		// Whole seconds of no particular time: the same plan, the same bytes.
		head := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := out.WriteHeader(head); err != nil {
			return err
		}
		_, err := out.Write([]byte(content))
		return err
	}
	for _, tree := range []string{"early", "late"} {
		for _, f := range plan.Files {
			if f.Early != (tree == "early") {
				continue
			}
			mode, err := strconv.ParseInt(f.Mode, 8, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: mode %q: %w", f.Path, f.Mode, err)
			}
			if err := put(tree+f.Path, mode, f.Content); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Path, err)
			}
		}
	}
	if err := put("profile.sh", 0o700, plan.Script()); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func lines(text string) string {
	var s strings.Builder
	for len(text) > lineLength {
		s.WriteString(text[:lineLength] + "\n")
		text = text[lineLength:]
	}
	s.WriteString(text)
	return s.String()
}
