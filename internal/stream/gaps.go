// SPDX-License-Identifier: Apache-2.0

package stream

import "tracer/internal/event"

// gaps finds out where events are missing: every record carries how many its
// CPU had lost by then.
type gaps struct {
	// seen is what each CPU's count was when last told.
	seen   []uint32
	marker event.Event
	loss   event.Loss
}

// mark returns a marker where the CPU's count has grown, or nil.
func (g *gaps) mark(cpu, lost uint32, time uint64) *event.Event {
	for int(cpu) >= len(g.seen) {
		g.seen = append(g.seen, 0)
	}
	missing := lost - g.seen[cpu]
	if missing == 0 {
		return nil
	}
	g.seen[cpu] = lost
	g.loss = event.Loss{Cause: event.RingFull, Count: uint64(missing)}
	g.marker = event.Event{Kind: event.Lost, CPU: cpu, Time: time, Loss: &g.loss}
	return &g.marker
}
