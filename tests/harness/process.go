package harness

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// RunMeasured runs a command whose output nobody has taken yet. A non-zero exit
// is an error that carries the output's end; the result is valid all the same,
// and its ProviderPeakRSS is that of the process itself. (The kernel's own
// account of a child, getrusage(2), would not do: it begins with the parent's
// size, which the child has until it becomes another program.)
func RunMeasured(command *exec.Cmd) (Result, error) {
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	began := time.Now()
	if err := command.Start(); err != nil { // it returns when the other program runs
		return Result{}, err
	}
	sampler := startSampler(func() []int { return []int{command.Process.Pid} })
	err := command.Wait()
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Wall: time.Since(began),
		ProviderPeakRSS: sampler.stop(), ExitCode: command.ProcessState.ExitCode()}
	if err != nil {
		return result, fmt.Errorf("%s %s: %w\n%s", filepath.Base(command.Path), strings.Join(command.Args[1:], " "), err, tail(result.Stdout+result.Stderr, 6000))
	}
	return result, nil
}
