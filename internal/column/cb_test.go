// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestCB(t *testing.T) {
	checkCell(t, "cb", event.Event{}, "-", "null")
	checkCell(t, "cb", event.Event{Skb: 1, CB: &event.CB{}}, "[0x00000000,0x00000000,0x00000000,0x00000000,0x00000000]", "[0,0,0,0,0]")
	checkCell(t, "cb", event.Event{Skb: 1, CB: &event.CB{1, 0xdeadbeef, 0x10000, 0, 0xffffffff}},
		"[0x00000001,0xdeadbeef,0x00010000,0x00000000,0xffffffff]", "[1,3735928559,65536,0,4294967295]")
}
