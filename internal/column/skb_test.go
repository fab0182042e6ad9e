// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestSkb(t *testing.T) {
	checkCell(t, "skb", event.Event{Skb: 0xffff00005f10c300}, "0xffff00005f10c300", `"0xffff00005f10c300"`)
	checkCell(t, "skb", event.Event{}, "-", "null")
	checkCell(t, "cpu", event.Event{}, "0", "0")
	checkCell(t, "cpu", event.Event{CPU: 511}, "511", "511")
}

// TestHead checks the address of the data. An XDP frame and the sk_buff built from it have the same one.
func TestHead(t *testing.T) {
	checkCell(t, "head", event.Event{Head: 0xffff888004b30000}, "0xffff888004b30000", `"0xffff888004b30000"`)
	checkCell(t, "head", event.Event{}, "-", "null")
}
