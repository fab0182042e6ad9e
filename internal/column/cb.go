// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func cbColumns() []Column {
	return []Column{{
		// Width of five words of ten characters, with commas and brackets.
		Name: "cb", Header: "CB", Key: "cb", Type: Array, Width: 56, Screen: asked(16, 56),
		Help:  "words of the qdisc part of skb->cb (--output-skb-cb)",
		Group: CB, Text: cbText, JSON: cbJSON,
	}}
}

// cbText appends text like [0x00000000,0x00000001,0x00000002,0x00000003,0x00000004], or - for an
// XDP frame.
func cbText(dst []byte, e *event.Event) []byte {
	if e.CB == nil || e.Skb == 0 {
		return append(dst, '-')
	}
	for i, word := range *e.CB {
		dst = appendHex16(append(dst, "[,,,,"[i]), uint16(word>>16))
		dst = appendDigits16(dst, uint16(word))
	}
	return append(dst, ']')
}

func cbJSON(dst []byte, e *event.Event) []byte {
	if e.CB == nil || e.Skb == 0 {
		return appendNull(dst)
	}
	for i, word := range *e.CB {
		dst = appendUint(append(dst, "[,,,,"[i]), uint64(word))
	}
	return append(dst, ']')
}
