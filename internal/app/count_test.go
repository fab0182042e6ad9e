// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// TestCountersOfAllCPUs are added to what was counted here; each to its own.
func TestCountersOfAllCPUs(t *testing.T) {
	tracing := tracing{totals: event.Totals{Suppressed: 1000}}
	tracing.count([]bpf.Counters{{Matched: 1, Lost: 2, Suppressed: 4, Unreturned: 8}, {Matched: 16, Lost: 32, Suppressed: 64, Unreturned: 128}})
	if have := tracing.totals; have.Matched != 17 || have.Suppressed != 1068 || have.Unreturned != 136 {
		t.Errorf("made %d, suppressed %d, not returned %d", have.Matched, have.Suppressed, have.Unreturned)
	}
}
