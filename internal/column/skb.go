// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func skbColumns(o Options) []Column {
	return []Column{
		{
			Name: "skb", Header: "SKB", Key: "skb", Type: String, Width: 18, Screen: skbScreen(o),
			Help: "kernel address of the sk_buff (none for XDP frames)",
			Of:   OfSkb, Group: Packet, Text: skbText, JSON: skbJSON,
		},
		{
			Name: "cpu", Header: "CPU", Key: "cpu", Type: Number, Width: 3, Screen: steps(Step{36, 3}),
			Help: "CPU of the event",
			Of:   OfCPU, Group: Packet, Text: cpu, JSON: cpu,
		},
	}
}

// skbScreen makes the address less important if packets can be distinguished without it: by their numbers
// (o.ID), or because each has only one row (o.Drops).
func skbScreen(o Options) Screen {
	s := Screen{Cut: cutStart, Steps: []Step{{14, 9}, {58, 18}}}
	if o.ID || o.Drops {
		s.Steps[0].Rank = 57
	}
	return s
}

func headColumns() []Column {
	return []Column{{
		Name: "head", Header: "HEAD", Key: "head", Type: String, Width: 18,
		Screen: Screen{Cut: cutStart, Steps: asked(9, 18).Steps},
		Help:   "address of the data (skb->head), also for XDP frames",
		Group:  Head, Text: headText, JSON: headJSON,
	}}
}

func skbText(dst []byte, e *event.Event) []byte { return appendPointer(dst, e.Skb) }

func skbJSON(dst []byte, e *event.Event) []byte { return appendPointerOrNull(dst, e.Skb) }

func headText(dst []byte, e *event.Event) []byte { return appendPointer(dst, e.Head) }

func headJSON(dst []byte, e *event.Event) []byte { return appendPointerOrNull(dst, e.Head) }

// appendPointer appends an address, or - for 0.
func appendPointer(dst []byte, address uint64) []byte {
	if address == 0 {
		return append(dst, '-')
	}
	return appendHex(dst, address)
}

func appendPointerOrNull(dst []byte, address uint64) []byte {
	if address == 0 {
		return appendNull(dst)
	}
	return appendHexString(dst, address)
}

func cpu(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.CPU)) }
