// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"time"

	"tracer/internal/event"
)

// skbTimeout is the idle time in ns after which an sk_buff is considered freed: its end may not be traced, or
// the event may be lost.
const skbTimeout = uint64(time.Second)

// Quota limits the packets that are printed, and the events of each. A packet is an sk_buff until its end, or
// until it has been idle for skbTimeout. Times are the kernel's, in ns.
type Quota struct {
	packets, events uint64
	scope           Scope

	// begun counts packets, and live has those that have not ended.
	begun   uint64
	live    map[uint64]progress
	last    uint64
	sweepAt int
}

// progress is what was seen of an sk_buff: the number of events, the time of the last one, the number of
// functions that have not returned yet, and whether it has ended.
type progress struct {
	events, time uint64
	calls        int
	ended        bool
}

// isOver reports whether no event is expected any more.
func (p progress) isOver() bool { return p.ended && p.calls <= 0 }

// step is what an event means for its sk_buff.
type step struct {
	skb, time uint64
	// ends: the sk_buff ends with the event.
	ends bool
	// calls: the event is an entry that will be followed by a return; returns: it is such a return.
	calls, returns bool
}

// sweepFirst is the number of sk_buffs that are remembered before idle ones are removed.
const sweepFirst = 1 << 10

// NewQuota returns a quota of packets, and of events for each packet; 0 means no limit.
func NewQuota(packets, events uint64, scope Scope) *Quota {
	return &Quota{packets: packets, events: events, scope: scope, live: map[uint64]progress{}, sweepAt: sweepFirst}
}

// Limits reports whether any event may be suppressed.
func (q *Quota) Limits() bool { return q.packets+q.events > 0 }

// Admits counts an event, which has its function's name, and reports whether it is printed.
func (q *Quota) Admits(e *event.Event) bool {
	return q.admits(step{
		skb: e.Packet(), time: e.Time, ends: q.scope.Ends(e),
		calls:   q.scope.Returns && e.Kind == event.Function || e.Kind == event.Program && !e.TailCalled,
		returns: e.Kind == event.Return || e.Kind == event.Verdict,
	})
}

func (q *Quota) admits(s step) bool {
	seen, known := q.live[s.skb]
	if known && !s.returns && (seen.ended || isIdle(seen.time, s.time)) {
		delete(q.live, s.skb)
		seen, known = progress{}, false
	}
	if !known && (s.returns || !q.begin()) {
		return false // a return is printed only if its packet is
	}
	seen.add(s)
	q.last = max(q.last, s.time)
	q.keep(s.skb, seen)
	return q.events == 0 || seen.events <= q.events
}

func (p *progress) add(next step) {
	p.events++
	p.time = max(p.time, next.time)
	p.ended = p.ended || next.ends
	if next.calls {
		p.calls++
	}
	if next.returns {
		p.calls--
	}
}

// begin reports whether one more packet may be printed, and counts it.
func (q *Quota) begin() bool {
	if q.packets != 0 && q.begun == q.packets {
		return false
	}
	q.begun++
	return true
}

func (q *Quota) keep(skb uint64, seen progress) {
	if seen.isOver() {
		delete(q.live, skb)
		return
	}
	q.live[skb] = seen
	if len(q.live) >= q.sweepAt {
		q.sweep()
	}
}

// sweep removes idle sk_buffs, so that memory is bounded by the packets that are alive.
func (q *Quota) sweep() {
	for skb, seen := range q.live {
		if isIdle(seen.time, q.last) {
			delete(q.live, skb)
		}
	}
	q.sweepAt = max(sweepFirst, 2*len(q.live))
}

// Done reports whether all packets of the quota were printed to their end. now returns the current time. If it is
// nil, as for stored events, the run does not end because of idle packets.
func (q *Quota) Done(now func() uint64) bool {
	if q.packets == 0 || q.begun < q.packets {
		return false
	}
	return len(q.live) == 0 || now != nil && isIdle(q.last, now())
}

func isIdle(last, now uint64) bool { return now > last && now-last > skbTimeout }
