// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"

	"tracer/internal/event"
)

func dumpColumns() []Column {
	return []Column{
		{
			Name: "skb_dump", Key: "skb_dump", Type: Object, Block: true,
			Help:  "members of the sk_buff, below the row (--output-skb)",
			Group: Skb, Text: skbDumpText, JSON: skbDumpJSON,
		},
		{
			Name: "skb_shared_info", Key: "skb_shared_info", Type: Object, Block: true,
			Help:  "members of skb_shared_info, below the row (--output-skb-shared-info)",
			Group: Shared, Text: sharedText, JSON: sharedJSON,
		},
	}
}

func skbDumpText(dst []byte, e *event.Event) []byte { return appendBlock(dst, e.SkbDump) }

func skbDumpJSON(dst []byte, e *event.Event) []byte { return appendValueOrNull(dst, e.SkbDump) }

func sharedText(dst []byte, e *event.Event) []byte { return appendBlock(dst, e.SharedInfo) }

func sharedJSON(dst []byte, e *event.Event) []byte { return appendValueOrNull(dst, e.SharedInfo) }

// appendBlock appends the indented lines of the value.
func appendBlock(dst []byte, v *event.Value) []byte {
	if v == nil {
		return dst
	}
	for rest, more := v.Text, true; more; {
		var line []byte
		line, rest, more = bytes.Cut(rest, []byte{'\n'})
		dst = append(append(append(dst, indent...), line...), '\n')
	}
	return dst
}

func appendValueOrNull(dst []byte, v *event.Value) []byte {
	if v == nil {
		return appendNull(dst)
	}
	return append(dst, v.JSON...)
}
