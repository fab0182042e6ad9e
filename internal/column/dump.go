// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

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

func skbDumpText(dst []byte, e *event.Event) []byte { return appendBlock(dst, e.Names.Skb) }

func skbDumpJSON(dst []byte, e *event.Event) []byte { return appendValueOrNull(dst, e.Names.Skb) }

func sharedText(dst []byte, e *event.Event) []byte { return appendBlock(dst, e.Names.Shared) }

func sharedJSON(dst []byte, e *event.Event) []byte { return appendValueOrNull(dst, e.Names.Shared) }

// appendBlock appends the lines of the value.
func appendBlock(dst []byte, v event.Value) []byte {
	if v == nil {
		return dst
	}
	return append(v.AppendLines(dst, len(indent)), '\n')
}

func appendValueOrNull(dst []byte, v event.Value) []byte {
	if v == nil {
		return appendNull(dst)
	}
	return v.AppendJSON(dst)
}
