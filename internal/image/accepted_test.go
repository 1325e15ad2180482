package image

import (
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	a, err := LoadAccepted()
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Reason("kernel_config_kexec"); !strings.Contains(got, "signed kernel") {
		t.Errorf("kernel_config_kexec: %q", got)
	}
	if got := a.Reason("mount_option_var_noexec"); !strings.Contains(got, "dpkg") {
		t.Errorf("mount_option_var_noexec: %q", got)
	}
	if got := a.Reason("mount_option_var_nosuid"); got != "" {
		t.Errorf("an unknown rule is accepted: %q", got)
	}
}
