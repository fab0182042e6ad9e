// SPDX-License-Identifier: Apache-2.0

package enrich

import "tracer/internal/event"

// numbers replaces the kernel's numbers of packets by those that are printed: 1, 2, 3 … in
// the order of first appearance, and does the same for their parts. The kernel's are unique, but
// each CPU counts for itself, and it counts packets that are not printed, too.
//
// A number is left out for each packet whose first event was lost, so that a gap shows the loss.
// If a later event of such a packet arrives, it gets the number.
type numbers struct {
	packets, parts *renames
	sources        sources
	// lastPacket and lastPart were given last, shown is how many packets have a number.
	lastPacket, lastPart, shown uint64
	// raw and printed are the lineage of the event before, which mostly is that of the next.
	raw, printed event.Lineage
}

func newNumbers(cpus uint32, followed int) *numbers {
	return &numbers{packets: newRenames(followed), parts: newRenames(followed), sources: newSources(cpus)}
}

// name replaces the numbers of an event that is printed.
func (n *numbers) name(l *event.Lineage) {
	if l.ID == 0 {
		return
	}
	if *l != n.raw {
		n.raw = *l
		n.notice(l.ID)
		n.printed = n.rename(l)
	}
	*l = n.printed
}

// notice takes note of a packet, printed or not: one that a limit holds back is no gap.
func (n *numbers) notice(id uint64) {
	if id != 0 {
		n.lastPacket = n.sources.notice(id, n.lastPacket)
	}
}

func (n *numbers) rename(l *event.Lineage) event.Lineage {
	packet := n.packet(l.ID)
	printed := event.Lineage{ID: packet.number, Origin: l.Origin}
	if l.Parent != 0 {
		printed.Parent = n.part(l.Parent)
	}
	printed.Part = n.part(l.Part)
	if l.Origin == event.First {
		packet.first = printed.Part
	}
	printed.First = packet.first
	return printed
}

func (n *numbers) packet(id uint64) *rename {
	known := n.packets.get(id)
	if known.number == 0 {
		if known.number = n.sources.reserved(id); known.number == 0 {
			n.lastPacket++
			known.number = n.lastPacket
		}
		n.shown++
	}
	return known
}

func (n *numbers) part(id uint64) uint64 {
	known := n.parts.get(id)
	if known.number == 0 {
		n.lastPart++
		known.number = n.lastPart
	}
	return known.number
}

// rename is the number printed, and of a packet the part that was its first.
type rename struct{ number, first uint64 }

// renames remembers those that were asked for lately: the last half of most at least, so that
// memory is bounded.
type renames struct {
	recent, older map[uint64]*rename
	half          int
}

// fewest are remembered in any case.
const fewest = 1 << 16

func newRenames(followed int) *renames {
	return &renames{recent: map[uint64]*rename{}, older: map[uint64]*rename{}, half: max(followed, fewest)}
}

// get is the rename of an id, without a number if it is new or was forgotten.
func (r *renames) get(id uint64) *rename {
	known := r.recent[id]
	if known != nil {
		return known
	}
	if known = r.older[id]; known == nil {
		known = &rename{}
	}
	if len(r.recent) >= r.half {
		r.older, r.recent = r.recent, r.older
		clear(r.recent)
	}
	r.recent[id] = known
	return known
}
