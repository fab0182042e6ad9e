// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestSkb(t *testing.T) {
	checkCell(t, "skb", event.Event{Skb: 0xffff00005f10c300}, "0xffff00005f10c300", `"0xffff00005f10c300"`)
	checkCell(t, "cpu", event.Event{}, "0", "0")
	checkCell(t, "cpu", event.Event{CPU: 511}, "511", "511")
}
