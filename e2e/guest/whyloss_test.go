// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// loss is what can make tracer lose the values of a call, so that the cause is unknown or less exact.
type loss struct {
	// missed is the number of probe hits for which the kernel ran no program, since another one ran on the CPU; uncounted is
	// set if the kernel does not count all of them.
	missed    int
	uncounted bool
	// stall is the longest time for which a CPU of an emulated machine stood still.
	stall time.Duration
}

// longStall is a stall between a call and the drop after which the values may count as old, which they do after 100 ms.
const longStall = 50 * time.Millisecond

func (l loss) isPossible() bool { return l.missed > 0 || l.uncounted || l.stall > longStall }

func (l loss) String() string {
	counted := "all are counted"
	if l.uncounted {
		counted = "not all are counted"
	}
	return fmt.Sprintf("%d probe hits missed (%s); a CPU stood still for %v", l.missed, counted, l.stall)
}

// countsMisses reports whether the kernel counts all missed hits of the probes on functions.
func countsMisses() bool { return kernel.CountsMisses(types(), kernel.Backend(chosen())) }

// watchStalls watches each CPU until stop is called, which returns the longest stall.
func watchStalls(t *testing.T) (stop func() time.Duration) {
	t.Helper()
	end := make(chan struct{})
	var all sync.WaitGroup
	stalls := make([]time.Duration, runtime.NumCPU())
	for cpu := range stalls {
		all.Go(func() {
			runtime.LockOSThread() // without an unlock, so the thread ends with the goroutine
			var only unix.CPUSet
			only.Set(cpu)
			if err := unix.SchedSetaffinity(0, &only); err != nil {
				t.Errorf("CPU %d: %v", cpu, err)
				return
			}
			stalls[cpu] = longestStall(end)
		})
	}
	return func() (longest time.Duration) {
		close(end)
		all.Wait()
		for _, stall := range stalls {
			longest = max(longest, stall)
		}
		return longest
	}
}

// longestStall returns by how much a short sleep took too long at the most, until end is closed.
func longestStall(end <-chan struct{}) (longest time.Duration) {
	const pause = 5 * time.Millisecond
	for {
		select {
		case <-end:
			return longest
		default:
		}
		begin := time.Now()
		time.Sleep(pause)
		longest = max(longest, time.Since(begin)-pause)
	}
}
