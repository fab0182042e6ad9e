// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"strconv"
	"testing"

	"tracer/internal/event"
)

func TestReasonNames(t *testing.T) {
	given := map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET"}
	r := newReasons(given)
	for reason, want := range map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET", 77: "77", 0x10001: "65537"} {
		for range 2 {
			if got := r.name(reason); got != want {
				t.Errorf("reason %d is %q, want %q", reason, got, want)
			}
		}
	}
	if len(given) != 1 {
		t.Errorf("the given map has changed to %v", given)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	r := newReasons(nil)
	for i := range uint32(3 * unknownReasonsMost) {
		if got, want := r.name(i), strconv.Itoa(int(i)); got != want {
			t.Fatalf("reason %d is %q, want %q", i, got, want)
		}
	}
	if len(r.names) > unknownReasonsMost {
		t.Errorf("%d numbers are cached, want at most %d", len(r.names), unknownReasonsMost)
	}
}

// TestConsumedIsNoDrop checks that the reason of a consumed packet is removed from functions, so that it does
// not look like a drop, and kept at the drop tracepoint.
func TestConsumedIsNoDrop(t *testing.T) {
	r := New(Options{Reasons: map[uint32]string{2: "SKB_DROP_REASON_NOT_SPECIFIED", 3: "SKB_DROP_REASON_NO_SOCKET"}})
	for _, test := range []struct {
		reason  uint32
		dropped bool
		want    string
	}{
		{2, false, ""}, {3, false, "SKB_DROP_REASON_NO_SOCKET"}, {2, true, "SKB_DROP_REASON_NOT_SPECIFIED"},
	} {
		e := event.Event{Kind: event.Function, Drop: event.Drop{Dropped: test.dropped, HasReason: true, Reason: test.reason}}
		r.Enrich(&e)
		if e.Names.Reason != test.want || e.Drop.HasReason != (test.want != "") {
			t.Errorf("reason %d, dropped %v: %q", test.reason, test.dropped, e.Names.Reason)
		}
	}
}
