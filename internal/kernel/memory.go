// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// minMemory is the memory in bytes that a run with default settings needs. Half of it is for BPF programs and
// the ring buffer, which Linux 5.11 and newer charge to the control group.
const minMemory = 96 << 20

// NeedMemory returns an error if the memory limit of the control group is too low, since the kernel would kill
// the process without a message. It also sets the memory limit of the Go runtime, so that garbage is collected
// in time.
func NeedMemory() error {
	limit, err := memlimit.FromCgroup()
	if err != nil { // there is no limit
		return nil
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit(limit))
	}
	return enoughMemory(limit)
}

// heapLimit leaves memory for BPF programs and maps.
func heapLimit(limit uint64) int64 { return int64(limit / 3) }

func enoughMemory(limit uint64) error {
	if limit >= minMemory {
		return nil
	}
	return &hinted{
		msg: fmt.Sprintf("the memory limit of the control group is %d MiB, and tracer needs %d MiB", limit>>20, minMemory>>20),
		hint: "raise memory.max of the control group to 128 MiB or more " +
			"(systemd: MemoryMax=128M; Kubernetes: resources.limits.memory: 128Mi)",
	}
}
