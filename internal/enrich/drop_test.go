// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"strconv"
	"testing"
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
		t.Errorf("the names given have grown to %v", given)
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
		t.Errorf("%d numbers are kept, want at most %d", len(r.names), unknownReasonsMost)
	}
}
