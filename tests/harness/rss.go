package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// sampleEvery is how often the provider processes are looked at. Linux keeps
// each process's high-water mark itself (proc(5), VmHWM), so only a peak in
// the last moment before its exit can be missed.
const sampleEvery = 50 * time.Millisecond

// sampler follows processes: the children of a Terraform, or a single one.
type sampler struct {
	done chan struct{}
	peak chan int64
}

func startSampler(processes func() []int) *sampler {
	s := &sampler{done: make(chan struct{}), peak: make(chan int64, 1)}
	go func() {
		var peak int64
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			for _, pid := range processes() {
				peak = max(peak, highWaterMark(pid))
			}
			select {
			case <-tick.C:
			case <-s.done:
				s.peak <- peak
				return
			}
		}
	}()
	return s
}

func (s *sampler) stop() int64 {
	close(s.done)
	return <-s.peak
}

// Children lists the process ids of the children of all threads of a process,
// such as the providers of a Terraform; none where /proc does not tell.
func Children(pid int) []int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var found []int
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// highWaterMark reads VmHWM, in bytes; 0 if the process is gone.
func highWaterMark(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		fields := strings.Fields(value)
		if len(fields) == 0 {
			return 0
		}
		kib, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
