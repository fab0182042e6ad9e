// SPDX-License-Identifier: Apache-2.0

package stream

import "tracer/internal/event"

// gaps detects lost events: each record has the number of events that its CPU has lost so far.
type gaps struct {
	// seen is the count of each CPU at its last marker.
	seen   []uint32
	marker event.Event
	loss   event.Loss
}

// mark returns a marker if the CPU's count has increased, or nil.
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
