// SPDX-License-Identifier: Apache-2.0

package journey

import "tracer/internal/event"

const (
	// recentBits and recentWays size the table of recent packets: 512 KiB for 32768 of them.
	recentBits = 13
	recentWays = 4
)

// SinceLast measures the time between the events of a packet. It is a set-associative cache of fixed size: a
// full set replaces the packet that was seen the longest ago.
type SinceLast struct{ sets []recentSet }

type recentSet [recentWays]lastSeen

// lastSeen is the time of the last event of a packet.
type lastSeen struct{ packet, time uint64 }

// NewSinceLast returns an empty cache.
func NewSinceLast() *SinceLast { return &SinceLast{make([]recentSet, 1<<recentBits)} }

// Name sets e.Names.SinceLast: the time in ns since the previous event of the packet, 0 for the first one.
func (s *SinceLast) Name(e *event.Event) { e.Names.SinceLast = s.since(e.Packet(), e.Time) }

func (s *SinceLast) since(packet, time uint64) uint64 {
	set := &s.sets[hash(packet)>>(64-recentBits)]
	oldest := &set[0]
	for i := range set {
		if set[i].packet == packet {
			return set[i].advance(time)
		}
		if set[i].time < oldest.time {
			oldest = &set[i]
		}
	}
	*oldest = lastSeen{packet, time}
	return 0
}

// advance keeps the later time: events of two CPUs can arrive out of order.
func (l *lastSeen) advance(time uint64) uint64 {
	if time <= l.time {
		return 0
	}
	passed := time - l.time
	l.time = time
	return passed
}
