package policy

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

func TestCheckVolume(t *testing.T) {
	bounds := cloud.Capabilities{MinVolumeGB: 10, MaxVolumeGB: 10240}
	for _, tc := range []struct {
		name         string
		volume       Volume
		capabilities cloud.Capabilities
		pending      bool
		want         []string
	}{
		{"good", Volume{Known(true), Known[int64](10)}, bounds, false, nil},
		{"largest", Volume{Known(true), Known[int64](10240)}, bounds, false, nil},
		{"not encrypted", Volume{Known(false), Known[int64](10)}, bounds, false, []string{"ENC-1 encrypted | Volume without encryption | always encrypted at rest | Leave encrypted out"}},
		{"too small", Volume{Known(true), Known[int64](9)}, bounds, false, []string{"- size_gb | Volume too small | is 9 GB; the least in this location is 10 GB | 10 GB or more"}},
		{"too large", Volume{Known(true), Known[int64](10241)}, bounds, false, []string{"- size_gb | Volume too large | is 10241 GB; the most in this location is 10240 GB | 10240 GB or less"}},
		{"nothing at all", Volume{Known(true), Known[int64](0)}, cloud.Capabilities{}, false, []string{"- size_gb | Volume too small | the least in this location is 1 GB"}},
		{"no bound known", Volume{Known(true), Known[int64](1 << 40)}, cloud.Capabilities{}, false, nil},
		{"encryption unknown", Volume{SizeGB: Known[int64](10)}, bounds, true, nil},
		{"size unknown", Volume{Encrypted: Known(false)}, bounds, true, []string{"ENC-1 encrypted | Volume without encryption"}},
		{"all unknown", Volume{}, bounds, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, pending := CheckVolume(tc.volume, tc.capabilities)
			if pending != tc.pending {
				t.Errorf("pending = %v", pending)
			}
			expect(t, got, tc.want...)
		})
	}
}

func TestCheckResize(t *testing.T) {
	expect(t, CheckResize(10, 10))
	expect(t, CheckResize(10, 11))
	expect(t, CheckResize(11, 10), "- size_gb | Volume cannot shrink | has 11 GB, the configuration asks for 10 GB | Set size_gb to 11 or more")
}
