// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"
)

func TestLittleMemoryIsAnError(t *testing.T) {
	for limit, good := range map[uint64]bool{0: false, 64 << 20: false, minMemory - 1: false, minMemory: true, 1 << 40: true} {
		err := enoughMemory(limit)
		if (err == nil) != good {
			t.Errorf("%d bytes: %v", limit, err)
		}
	}
	err := enoughMemory(64 << 20)
	var h *hinted
	if !errors.As(err, &h) || !strings.Contains(err.Error(), "is 64 MiB, and tracer needs 96 MiB") || !strings.Contains(h.Hint(), "memory.max") {
		t.Errorf("%v", err)
	}
}

// TestHeapLeavesRoomForTheKernel checks that the heap gets only a third of the minimum memory, so that enough is
// left for BPF programs and the ring buffer.
func TestHeapLeavesRoomForTheKernel(t *testing.T) {
	if got := heapLimit(minMemory); got != 32<<20 {
		t.Errorf("heap of %d bytes", got)
	}
	if got := heapLimit(1<<64 - 1); got < 0 {
		t.Errorf("heap of %d bytes", got)
	}
}
