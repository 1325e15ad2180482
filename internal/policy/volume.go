package policy

import (
	"fmt"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// Volume is what is judged of a volume's spec.
type Volume struct {
	Encrypted Opt[bool]
	SizeGB    Opt[int64]
}

// CheckVolume judges a volume (ENC-1) for a cloud with these capabilities. It
// is pending if something is unknown. Fields: encrypted, size_gb.
func CheckVolume(v Volume, capabilities cloud.Capabilities) (findings []Finding, pending bool) {
	if encrypted, known := v.Encrypted.Get(); !known {
		pending = true
	} else if !encrypted {
		findings = append(findings, Finding{
			Promise: ENC1, Field: "encrypted", Summary: "Volume without encryption",
			Detail: "Customer data is always encrypted at rest; a volume cannot be declared otherwise.",
			Remedy: "Leave encrypted out, or set it to true.",
		})
	}
	size, known := v.SizeGB.Get()
	if !known {
		return findings, true
	}
	least := max(capabilities.MinVolumeGB, 1)
	switch most := capabilities.MaxVolumeGB; {
	case size < least:
		findings = append(findings, Finding{Field: "size_gb", Summary: "Volume too small",
			Detail: fmt.Sprintf("The size is %d GB; the least in this location is %d GB.", size, least), Remedy: fmt.Sprintf("Ask for %d GB or more.", least)})
	case most > 0 && size > most:
		findings = append(findings, Finding{Field: "size_gb", Summary: "Volume too large",
			Detail: fmt.Sprintf("The size is %d GB; the most in this location is %d GB.", size, most), Remedy: fmt.Sprintf("Ask for %d GB or less, or use several volumes.", most)})
	}
	return findings, pending
}

// CheckResize judges a change of size. A volume can only grow: no cloud can
// cut off the end of a file system, and replacing the volume would lose the
// customer's data.
func CheckResize(fromGB, toGB int64) []Finding {
	if toGB >= fromGB {
		return nil
	}
	return []Finding{{
		Field: "size_gb", Summary: "Volume cannot shrink",
		Detail: fmt.Sprintf("The volume has %d GB, the configuration asks for %d GB. No cloud can take space from a volume, and replacing it would destroy its data.", fromGB, toGB),
		Remedy: fmt.Sprintf("Set size_gb to %d or more. To move to a smaller volume, declare a second one, copy the data, and remove the first.", fromGB),
	}}
}
