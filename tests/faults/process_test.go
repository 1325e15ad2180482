package faults

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// processes are the provider processes that commands have started. One whose
// Terraform was killed is an orphan, and has to be found to be ended.
type processes struct {
	mu   sync.Mutex
	seen map[int]string
}

// note remembers processes with what they run, since ids are used again.
func (p *processes) note(pids []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pid := range pids {
		if program := programOf(pid); strings.Contains(program, "terraform-provider-") {
			if p.seen == nil {
				p.seen = map[int]string{}
			}
			p.seen[pid] = program
		}
	}
}

// end waits until all have ended by themselves. Those that have not in time it
// kills, and answers how many they were.
func (p *processes) end(timeout time.Duration) (orphans int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := func(pid int, program string) bool { return programOf(pid) != program }
	for began := time.Now(); len(p.seen) > 0 && time.Since(began) < timeout; time.Sleep(50 * time.Millisecond) {
		maps.DeleteFunc(p.seen, ended)
	}
	for pid := range p.seen {
		kill9(pid)
	}
	return len(p.seen)
}

// programOf is the file that a process runs; empty if there is none.
func programOf(pid int) string {
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return program
}

// kill9 ends a process as the kernel does when memory is short. That it has
// ended meanwhile is no error.
func kill9(pid int) {
	if process, err := os.FindProcess(pid); err == nil {
		_ = process.Kill()
	}
}

// needsProc skips where no process can be found by its parent.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("the provider's process is found in /proc, which is not here")
	}
}
