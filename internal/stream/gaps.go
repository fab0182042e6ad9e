// SPDX-License-Identifier: Apache-2.0

package stream

import "tracer/internal/event"

// gaps finds out where events are missing: every record carries how many its
// CPU had lost by then.
type gaps struct {
	// seen is what each CPU's count was when last told.
	seen []uint32
}

// mark makes e a marker where the CPU's count has grown, and says whether it did.
func (g *gaps) mark(cpu, lost uint32, e *event.Event) bool {
	for int(cpu) >= len(g.seen) {
		g.seen = append(g.seen, 0)
	}
	missing := lost - g.seen[cpu]
	if missing == 0 {
		return false
	}
	g.seen[cpu] = lost
	time := e.Time
	*e = event.Event{Kind: event.Lost, CPU: cpu, Time: time}
	e.Loss = event.Loss{Cause: event.RingFull, Count: uint64(missing)}
	return true
}
