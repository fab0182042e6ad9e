// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func skbColumns() []Column {
	return []Column{
		{
			Name: "skb", Header: "SKB", Key: "skb", Type: String, Width: 18,
			Help:  "kernel address of the sk_buff",
			Group: Packet, Text: skbText, JSON: skbJSON,
		},
		{
			Name: "cpu", Header: "CPU", Key: "cpu", Type: Number, Width: 3,
			Help:  "CPU that the event happened on",
			Group: Packet, Text: cpu, JSON: cpu,
		},
	}
}

func skbText(dst []byte, e *event.Event) []byte { return appendHex(dst, e.Skb) }

func skbJSON(dst []byte, e *event.Event) []byte { return appendHexString(dst, e.Skb) }

func cpu(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.CPU)) }
