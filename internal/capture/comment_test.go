// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"testing"

	"tracer/internal/event"
)

// TestCommentsAreNotMixed checks that a comment that is kept is that of the event, whatever changes.
func TestCommentsAreNotMixed(t *testing.T) {
	var r recent
	kinds := []event.Kind{event.Function, event.Tracepoint, event.Return, event.Program}
	d := newDice(4)
	for range 2000 {
		e := &event.Event{Kind: kinds[d.IntN(len(kinds))], Names: event.Names{Func: []string{"ip_rcv", "ip_output"}[d.IntN(2)]}}
		e.Process.PID = uint32(d.IntN(2))
		e.Names.Netns = []string{"", "pod1"}[d.IntN(2)]
		if d.IntN(3) == 0 {
			e.Names.Reason = "SKB_DROP_REASON_NO_SOCKET"
		}
		if d.IntN(3) == 0 {
			e.Why = &event.Why{Cause: "x"}
		}
		if got, want := r.appendComment(nil, e), appendComment(nil, e); !bytes.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}
