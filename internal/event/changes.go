// SPDX-License-Identifier: Apache-2.0

package event

// Members is a set of members of an [Event]: those that mostly stay what they were from one
// event to the next, as a packet goes from function to function.
type Members uint8

const (
	// OfSkb is Skb, OfCPU CPU, OfProcess Process.
	OfSkb Members = 1 << iota
	OfCPU
	OfProcess
	// OfMeta is Meta but for its length, which is OfLen.
	OfMeta
	OfLen
	// OfTuple is Tuple, OfTunnel Tunnel.
	OfTuple
	OfTunnel
	// OfAll is all of these.
	OfAll Members = 1<<iota - 1
)

// Changes tells what is new from one event to the next. Its zero value has seen none.
type Changes struct {
	begun   bool
	skb     uint64
	cpu     uint32
	process Process
	meta    Meta
	length  uint32
	tuple   Tuple
	tunnel  Tunnel
}

// To takes the next event, and returns which members differ from those of the one before, as
// far as they are among the ones asked for.
func (c *Changes) To(e *Event, asked Members) (changed Members) {
	if !c.begun {
		c.begun, changed = true, OfAll
	}
	changed |= differ(&c.skb, &e.Skb, asked&OfSkb)
	changed |= differ(&c.cpu, &e.CPU, asked&OfCPU)
	changed |= differ(&c.process, &e.Process, asked&OfProcess)
	meta := e.Meta
	meta.Len = 0
	changed |= differ(&c.meta, &meta, asked&OfMeta)
	changed |= differ(&c.length, &e.Meta.Len, asked&OfLen)
	changed |= differ(&c.tuple, &e.Tuple, asked&OfTuple)
	changed |= differ(&c.tunnel, &e.Tunnel, asked&OfTunnel)
	return changed
}

// differ keeps what is new, and returns the member where it is and was asked for.
func differ[T comparable](last, next *T, member Members) Members {
	if member == 0 || *last == *next {
		return 0
	}
	*last = *next
	return member
}
