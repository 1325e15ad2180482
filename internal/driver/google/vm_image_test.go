package google

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestResolveImage(t *testing.T) {
	d := &Driver{project: "acme-prod"}
	const x86, arm = cloud.ArchX86, cloud.ArchARM
	for _, test := range []struct {
		name         string
		architecture cloud.Architecture
		source       string
		secureBoot   bool
	}{
		{"debian-12", x86, "projects/debian-cloud/global/images/family/debian-12", true},
		{"debian-12", arm, "projects/debian-cloud/global/images/family/debian-12-arm64", true},
		{"debian-13-arm64", arm, "projects/debian-cloud/global/images/family/debian-13-arm64", true},
		{"ubuntu-24.04", x86, "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64", true},
		{"ubuntu-24.04", arm, "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-arm64", true},
		{"ubuntu-2204-lts", x86, "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts", true},
		{"rocky-9", x86, "projects/rocky-linux-cloud/global/images/family/rocky-linux-9", true},
		{"hardened-2026-01", x86, "projects/acme-prod/global/images/hardened-2026-01", false},
		{"projects/other/global/images/golden", x86, "projects/other/global/images/golden", false},
		{"projects/debian-cloud/global/images/debian-12-bookworm-v20260101", x86, "projects/debian-cloud/global/images/debian-12-bookworm-v20260101", true},
	} {
		got, err := d.resolveImage(test.name, test.architecture)
		if err != nil || got.source != test.source || got.secureBoot != test.secureBoot {
			t.Errorf("%s on %s is %+v, %v; want %s, %v", test.name, test.architecture, got, err, test.source, test.secureBoot)
		}
	}
	for _, test := range []struct {
		name         string
		architecture cloud.Architecture
		part         string
	}{
		{"rocky-8", arm, "no image rocky-8 for the architecture arm"},
		{"Debian 12", x86, "no image of Google Cloud"},
		{"", x86, "no image of Google Cloud"},
	} {
		_, err := d.resolveImage(test.name, test.architecture)
		var failed *cloud.Error
		if !errors.As(err, &failed) || failed.Code != cloud.CodeInvalid || failed.Field != "image" || !strings.Contains(failed.Message, test.part) || !strings.Contains(failed.Remedy, "debian-12") {
			t.Errorf("%q on %s: %+v", test.name, test.architecture, failed)
		}
	}
}
