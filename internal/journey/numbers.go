// SPDX-License-Identifier: Apache-2.0

package journey

import "tracer/internal/event"

// Numbers replaces the kernel's packet numbers with the printed ones: 1, 2, 3 … in the order of
// first appearance, and does the same for parts. The kernel's numbers are unique, but each CPU
// counts separately, and counts packets that are not printed, too.
//
// A number is left out for each packet whose first event was lost, so that a gap shows the loss.
// If a later event of such a packet arrives, it gets the number.
type Numbers struct {
	packets, parts *renames
	counters       kernelCounters
	// lastPacket and lastPart are the last numbers given.
	lastPacket, lastPart uint64
	// noticed is the packet of the previous event.
	noticed uint64
	// raw and printed are the lineage of the previous printed event, which the next one often has, too.
	raw, printed event.Lineage
}

// NewNumbers returns numbers for packets counted on that many CPUs. followed is the maximum number of sk_buffs
// that the kernel follows at a time.
func NewNumbers(cpus uint32, followed int) *Numbers {
	return &Numbers{packets: newRenames(followed), parts: newRenames(followed), counters: newKernelCounters(cpus)}
}

// Notice must be called with each event of the source, printed or not, in the order of the source. It finds out
// which packets were lost: only these leave gaps in the numbers, not packets that a limit suppresses.
func (n *Numbers) Notice(e *event.Event) {
	if e.Kind == event.Lost || e.Lineage.ID != n.noticed {
		n.noticeChange(e)
	}
}

func (n *Numbers) noticeChange(e *event.Event) {
	if e.Kind == event.Lost {
		n.counters.lose(e.CPU, e.Loss.Count)
	} else {
		n.notice(e.Lineage.ID)
	}
}

func (n *Numbers) notice(id uint64) {
	if id != 0 {
		n.noticed = id
		n.lastPacket = n.counters.notice(id, n.lastPacket)
	}
}

// Rename replaces the numbers of an event that is printed. [Numbers.Notice] must have been called with it before.
func (n *Numbers) Rename(e *event.Event) {
	if e.Lineage.ID != 0 {
		n.replace(&e.Lineage)
	}
}

func (n *Numbers) replace(l *event.Lineage) {
	if *l != n.raw {
		n.raw = *l
		n.printed = n.rename(l)
	}
	*l = n.printed
}

func (n *Numbers) rename(l *event.Lineage) event.Lineage {
	packet := n.packet(l.ID)
	printed := event.Lineage{ID: packet.number, Origin: l.Origin}
	if l.Parent != 0 {
		printed.Parent = n.part(l.Parent)
	}
	printed.Part = n.part(l.Part)
	if l.Origin == event.First && packet.first != printed.Part {
		packet.first = printed.Part
		n.packets.set(l.ID, packet)
	}
	printed.First = packet.first
	return printed
}

func (n *Numbers) packet(id uint64) rename {
	known := n.packets.get(id)
	if known.number != 0 {
		return known
	}
	if known.number = n.counters.reserved(id); known.number == 0 {
		n.lastPacket++
		known.number = n.lastPacket
	}
	n.packets.set(id, known)
	return known
}

func (n *Numbers) part(id uint64) uint64 {
	known := n.parts.get(id)
	if known.number == 0 {
		n.lastPart++
		known.number = n.lastPart
		n.parts.set(id, known)
	}
	return known.number
}

// rename is the printed number, and for a packet its first part.
type rename struct{ number, first uint64 }

// renames maps ids of the kernel to printed numbers. It keeps at least the most recently used ids, as many as
// half, and at most twice as many. The maps hold no pointers and are reused, so that new packets allocate nothing.
type renames struct {
	recent, older map[uint64]rename
	half          int
}

// fewest is the lower bound of half.
const fewest = 1 << 16

func newRenames(followed int) *renames {
	return &renames{recent: map[uint64]rename{}, older: map[uint64]rename{}, half: max(followed, fewest)}
}

// get returns the rename of an id, the zero value if it is new or was forgotten.
func (r *renames) get(id uint64) rename {
	known, isRecent := r.recent[id]
	if isRecent {
		return known
	}
	if known = r.older[id]; known.number != 0 {
		r.set(id, known)
	}
	return known
}

func (r *renames) set(id uint64, to rename) {
	if len(r.recent) >= r.half {
		r.older, r.recent = r.recent, r.older
		clear(r.recent)
	}
	r.recent[id] = to
}
