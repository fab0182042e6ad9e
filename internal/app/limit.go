// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Limits end a run early or hold events back; 0 is no limit.
type Limits struct {
	// Duration ends the run, counted from when events flow.
	Duration time.Duration
	// Lines ends the run after so many events.
	Lines uint64
	// Packets is how many packets are shown; the run ends when they have ended.
	Packets uint64
	// EventsPerPacket is how many events of each packet are shown.
	EventsPerPacket uint64
}

// within is a context that ends with the duration, counted from now.
func (l Limits) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.Duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, l.Duration)
}

// monotonic is the clock of events, in ns. Every Linux has it, so that there is
// no error.
func monotonic() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return uint64(t.Nano())
}

// silence is after how many ns without an event an sk_buff counts as gone: its
// end may not be traced, or its event may be lost.
const silence = uint64(time.Second)

// quota decides which events of packets are shown. A packet is an sk_buff until
// it ends, or until nothing is seen of it for a while. Times are the kernel's, in ns.
type quota struct {
	packets, events uint64

	// begun counts packets, and live has those that have not ended.
	begun   uint64
	live    map[uint64]sighting
	last    uint64
	sweepAt int
}

// sighting is what was seen of an sk_buff: how many events, and when the last, how many
// functions have not returned yet, and whether it has ended.
type sighting struct {
	events, time uint64
	calls        int
	ended        bool
}

// isOver says that nothing more is to come of it.
func (s sighting) isOver() bool { return s.ended && s.calls <= 0 }

// step is what an event says of its sk_buff.
type step struct {
	skb, time uint64
	// ends: by it the sk_buff ends.
	ends bool
	// calls: a function is entered that will be seen to return; returns: it does.
	calls, returns bool
}

// sweepFirst is how many sk_buffs are remembered before silent ones are forgotten.
const sweepFirst = 1 << 10

func newQuota(l Limits) quota {
	return quota{packets: l.Packets, events: l.EventsPerPacket, live: map[uint64]sighting{}, sweepAt: sweepFirst}
}

// limits says whether anything may be held back.
func (q *quota) limits() bool { return q.packets+q.events > 0 }

// admits takes one event into account and says whether it is shown.
func (q *quota) admits(s step) bool {
	seen, known := q.live[s.skb]
	if known && !s.returns && (seen.ended || isSilent(seen.time, s.time)) {
		delete(q.live, s.skb)
		seen, known = sighting{}, false
	}
	if !known && (s.returns || !q.begin()) {
		return false // a return is of a packet that was begun, or not shown
	}
	seen.add(s)
	q.last = max(q.last, s.time)
	q.keep(s.skb, seen)
	return q.events == 0 || seen.events <= q.events
}

func (s *sighting) add(next step) {
	s.events++
	s.time = max(s.time, next.time)
	s.ended = s.ended || next.ends
	if next.calls {
		s.calls++
	}
	if next.returns {
		s.calls--
	}
}

// begin says whether one more packet may be shown.
func (q *quota) begin() bool {
	if q.packets != 0 && q.begun == q.packets {
		return false
	}
	q.begun++
	return true
}

func (q *quota) keep(skb uint64, seen sighting) {
	if seen.isOver() {
		delete(q.live, skb)
		return
	}
	q.live[skb] = seen
	if len(q.live) >= q.sweepAt {
		q.sweep()
	}
}

// sweep forgets what has been silent, so that memory follows the packets that live.
func (q *quota) sweep() {
	for skb, seen := range q.live {
		if isSilent(seen.time, q.last) {
			delete(q.live, skb)
		}
	}
	q.sweepAt = max(sweepFirst, 2*len(q.live))
}

// done says that all packets that may be shown have been, to their end.
func (q *quota) done(now func() uint64) bool {
	if q.packets == 0 || q.begun < q.packets {
		return false
	}
	return len(q.live) == 0 || isSilent(q.last, now())
}

func isSilent(last, now uint64) bool { return now > last && now-last > silence }
