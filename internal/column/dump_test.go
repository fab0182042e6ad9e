// SPDX-License-Identifier: Apache-2.0

package column

import (
	"fmt"
	"testing"

	"tracer/internal/event"
)

// shown is a value that is its bytes.
type shown string

func (s shown) AppendText(dst []byte) []byte { return append(dst, s...) }
func (s shown) AppendJSON(dst []byte) []byte { return append(dst, s...) }
func (s shown) AppendLines(dst []byte, indent int) []byte {
	return fmt.Appendf(dst, "%*s%s", indent, "", string(s))
}

func TestDump(t *testing.T) {
	e := event.Event{Names: event.Names{Skb: shown("{len=84}"), Shared: shown("{nr_frags=1}")}}
	checkCell(t, "skb_dump", e, "    {len=84}\n", "{len=84}")
	checkCell(t, "skb_shared_info", e, "    {nr_frags=1}\n", "{nr_frags=1}")
}

// lined is a value that has several lines.
type lined struct{ shown }

func (l lined) AppendLines(dst []byte, indent int) []byte {
	return fmt.Appendf(dst, "%*s{\n%*slen = 84,\n%*s}", indent, "", indent+2, "", indent, "")
}

func TestDumpOfManyLines(t *testing.T) {
	e := event.Event{Names: event.Names{Skb: lined{"{len=84}"}}}
	checkCell(t, "skb_dump", e, "    {\n      len = 84,\n    }\n", "{len=84}")
}

func TestNoDump(t *testing.T) {
	checkCell(t, "skb_dump", event.Event{}, "", "null")
	checkCell(t, "skb_shared_info", event.Event{}, "", "null")
}
