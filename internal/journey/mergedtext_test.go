// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"fmt"
	"testing"

	"tracer/internal/event"
)

// queueText is a text like `queue of port 80 full on eth0, 129 of 128; ICMP sent`, with an optional owner and a note.
func queueText(waiting uint64, dev, owner, note string) []event.WhyPiece {
	list := []event.WhyPiece{
		{Text: "queue full on "}, {Key: "q.dev4", Text: dev}, {Text: ", "},
		{Key: "q.waiting", Text: fmt.Sprint(waiting), Number: waiting, IsNumber: true}, {Text: " of 128"},
	}
	if owner != "" {
		list = append(list, event.WhyPiece{Text: " (", Part: 1, Optional: true}, event.WhyPiece{Key: "owner", Text: owner, Part: 1, Optional: true}, event.WhyPiece{Text: ")", Part: 1, Optional: true})
	}
	if note != "" {
		list = append(list, event.WhyPiece{Text: note, Part: 9, Optional: true})
	}
	return list
}

// TestMergedText checks that a value that differs among the drops is not shown as if it were the same for all.
func TestMergedText(t *testing.T) {
	for want, texts := range map[string][][]event.WhyPiece{
		"queue full on eth0, 129 of 128 (nginx)":        {queueText(129, "eth0", "nginx", ""), queueText(129, "eth0", "nginx", "")},
		"queue full on eth0, 7 to 140 of 128 (nginx)":   {queueText(129, "eth0", "nginx", ""), queueText(140, "eth0", "nginx", ""), queueText(130, "eth0", "nginx", ""), queueText(7, "eth0", "nginx", "")},
		"queue full on eth0, 129 of 128":                {queueText(129, "eth0", "nginx", ""), queueText(129, "eth0", "", ""), queueText(129, "eth0", "nginx", "")},
		"queue full on eth0, 129 of 128; sent":          {queueText(129, "eth0", "a", "; sent"), queueText(129, "eth0", "b", "; sent")},
		"queue full on DEV, 1 to 2 of 128 (nginx)":      {queueText(1, "eth0", "nginx", "; sent"), queueText(2, "eth1", "nginx", "; not sent"), queueText(1, "eth0", "nginx", "; sent")},
		"queue full on eth0, 128 to 129 of 128 (nginx)": {queueText(128, "eth0", "nginx", "; sent"), queueText(129, "eth0", "nginx", "")},
	} {
		var m mergedText
		for _, text := range texts {
			m.add(text)
		}
		if got := m.text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTextsWithoutPieces checks that a text of an event without pieces is only shown if it is the same for all drops.
func TestTextsWithoutPieces(t *testing.T) {
	for _, texts := range [][3]string{{"a", "a", "a"}, {"a", "b", ""}, {"a", "", ""}} {
		var m mergedText
		m.add(piecesOf(&event.Why{Text: texts[0]}))
		m.add(piecesOf(&event.Why{Text: texts[1]}))
		if got := m.text(); got != texts[2] {
			t.Errorf("%q", got)
		}
	}
}
