// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"testing"

	"tracer/internal/event"
)

func TestGapsReportEachLossOnce(t *testing.T) {
	var g gaps
	var total uint64
	for i, step := range []struct {
		cpu, lost uint32
		want      uint64
	}{
		{0, 0, 0}, {3, 2, 2}, {3, 2, 0}, {0, 5, 5}, {3, 9, 7}, {1, 0, 0},
	} {
		e := g.mark(step.cpu, step.lost, 42)
		if (e != nil) != (step.want != 0) {
			t.Fatalf("step %d: marker %v", i, e)
		}
		if e == nil {
			continue
		}
		total += e.Loss.Count
		if e.Kind != event.Lost || e.Loss.Count != step.want || e.CPU != step.cpu || e.Time != 42 {
			t.Errorf("step %d: %+v", i, e)
		}
	}
	if total != 14 {
		t.Errorf("total %d, want 14", total)
	}
}

// TestGapsHandleCounterOverflow checks the wrap-around: records have the lower 32 bits of a 64-bit counter.
func TestGapsHandleCounterOverflow(t *testing.T) {
	g := gaps{seen: []uint32{0xfffffffe}}
	if e := g.mark(0, 3, 0); e == nil || e.Loss.Count != 5 {
		t.Errorf("%+v", e)
	}
}
