package harness

import (
	"os"
	"os/exec"
	"testing"
)

// The memory is that of the process, not of the one that started it, whose size
// the kernel counts as a child's until it becomes another program.
func TestRunMeasured(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc")
	}
	ballast := make([]byte, 64<<20)
	for i := range ballast {
		ballast[i] = byte(i)
	}
	result, err := RunMeasured(exec.CommandContext(t.Context(), "sh", "-c", "sleep 0.2; echo said; exit 0"))
	if err != nil || result.Stdout != "said\n" || result.ProviderPeakRSS <= 0 || result.ProviderPeakRSS > 32<<20 {
		t.Errorf("%+v, %v", result, err)
	}
	if result, err := RunMeasured(exec.CommandContext(t.Context(), "sh", "-c", "exit 3")); err == nil || result.ExitCode != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	if ballast[255] != 255 { // it was needed to the end
		t.Error("the ballast is gone")
	}
}
