// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

// shown returns a value with the same text in all formats.
func shown(s string) *event.Value { return &event.Value{Text: []byte(s), JSON: []byte(s)} }

func TestDump(t *testing.T) {
	e := event.Event{SkbDump: shown("{len=84}"), SharedInfo: shown("{nr_frags=1}")}
	checkCell(t, "skb_dump", e, "    {len=84}\n", "{len=84}")
	checkCell(t, "skb_shared_info", e, "    {nr_frags=1}\n", "{nr_frags=1}")
}

func TestDumpOfManyLines(t *testing.T) {
	e := event.Event{SkbDump: &event.Value{Text: []byte("{\n  len = 84,\n}"), JSON: []byte("{len=84}")}}
	checkCell(t, "skb_dump", e, "    {\n      len = 84,\n    }\n", "{len=84}")
}

func TestNoDump(t *testing.T) {
	checkCell(t, "skb_dump", event.Event{}, "", "null")
	checkCell(t, "skb_shared_info", event.Event{}, "", "null")
}
