// SPDX-License-Identifier: Apache-2.0

// Package journey tracks packets in a stream of events: it finds their ends, numbers and counts them, and limits
// the packets and the events of each packet that are printed.
package journey

import (
	"slices"

	"tracer/internal/event"
)

// lastFunction frees the memory of an sk_buff, so no function sees it later.
const lastFunction = "kfree_skbmem"

// lastTracepoints report that an sk_buff is freed.
var lastTracepoints = []string{"kfree_skb", "consume_skb"}

// Scope describes which events of a source end a packet, and whether functions have return events. In the zero
// value, no event ends a packet.
type Scope struct {
	// EndsAtFunction means that lastFunction is traced. EndsAtTracepoint means that no functions are traced,
	// so that lastTracepoints are the last events of an sk_buff.
	EndsAtFunction, EndsAtTracepoint bool
	// EveryEnd means that no sk_buff is freed without such an event.
	EveryEnd bool
	// Returns means that every function entry is followed by a return event.
	Returns bool
}

// NewScope returns the scope of a source with these functions and tracepoints.
func NewScope(functions, tracepoints []string) Scope {
	s := Scope{EndsAtFunction: slices.Contains(functions, lastFunction), EndsAtTracepoint: len(functions) == 0}
	s.EveryEnd = s.EndsAtFunction || s.EndsAtTracepoint && showEveryEnd(tracepoints)
	return s
}

// showEveryEnd reports whether all of lastTracepoints are traced, or only some of them and nothing else.
func showEveryEnd(tracepoints []string) bool {
	last := 0
	for _, name := range tracepoints {
		if slices.Contains(lastTracepoints, name) {
			last++
		}
	}
	return last == len(lastTracepoints) || last > 0 && last == len(tracepoints)
}

// Ends reports whether e, which has its function's name, is the last event of its packet. A packet that is
// followed by number may continue in other sk_buffs, so its end is never known.
func (s Scope) Ends(e *event.Event) bool {
	return e.Lineage.ID == 0 && (s.freesSkb(e) || endsFrame(e))
}

func (s Scope) freesSkb(e *event.Event) bool {
	switch e.Kind {
	case event.Function:
		return s.EndsAtFunction && e.Names.Func == lastFunction
	case event.Tracepoint:
		return s.EndsAtTracepoint && slices.Contains(lastTracepoints, e.Names.Func)
	}
	return false
}

// endsFrame reports whether e is the verdict of an XDP program on a frame. Later events of the frame have other
// addresses, and its memory is reused for the next frame.
func endsFrame(e *event.Event) bool { return e.Kind == event.Verdict && e.Skb == 0 }
