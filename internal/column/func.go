// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strings"

	"tracer/internal/event"
)

func funcColumns(o Options) []Column {
	return append([]Column{
		{
			Name: "func", Header: "FUNC", Key: "func", Type: String, Width: 32,
			Screen: funcScreen(o),
			Help:   "function, tp:TRACEPOINT or NAME[bpf](tc), result, reason, location",
			Group:  Packet, Text: funcText, JSON: funcJSON,
		},
		{
			Name: "module", Key: "module", Type: String, Help: "kernel module of the function",
			Group: Packet, JSON: module,
		},
		{
			Name: "addr", Key: "addr", Type: String, Help: "address of the function or BPF program, null for a tracepoint",
			Group: Packet, JSON: addr,
		},
	}, dropColumns()...)
}

func dropColumns() []Column {
	return []Column{
		{
			Name: "dropped", Key: "dropped", Type: Bool, Help: "true if the packet was dropped here",
			Group: Packet, JSON: dropped,
		},
		{
			Name: "benign", Key: "benign", Type: Bool, Help: "true if this drop is normal on a healthy network",
			Group: Packet, JSON: isBenign,
		},
		{
			Name: "reason", Key: "reason", Type: String, Help: "name of the drop reason (Linux 5.17)",
			Group: Packet, JSON: reason,
		},
		{
			Name: "reason_code", Key: "reason_code", Type: Number, Help: "number of the drop reason",
			Group: Packet, JSON: reasonCode,
		},
		{
			Name: "location", Key: "location", Type: String, Help: "code that dropped the packet, as symbol+0xoffset",
			Group: Packet, JSON: location,
		},
	}
}

// funcScreen gives the function the lowest rank, so it is always shown. If only drops are traced, the column
// gets wide before others, since it also has the drop reason and the location.
func funcScreen(o Options) Screen {
	s := Screen{Text: shortFuncText, Steps: []Step{{0, 20}, {12, 26}, {20, 32}, {26, 38}, {34, 44}, {44, 50}, {60, 64}}}
	if o.Drops {
		s.Steps = []Step{{0, 20}, {12, 26}, {17, 38}, {19, 48}, {44, 64}}
	}
	return s
}

// funcText appends text like `tp:kfree_skb(SKB_DROP_REASON_NO_SOCKET) at icmp_rcv+0x1a3`
// or `nf_nat_inet_fn [nf_nat]`.
func funcText(dst []byte, e *event.Event) []byte { return appendFuncText(dst, e, "") }

// shortFuncText omits the common prefix of all reasons: `tp:kfree_skb(NO_SOCKET) at icmp_rcv+0x1a3`.
func shortFuncText(dst []byte, e *event.Event) []byte {
	return appendFuncText(dst, e, event.ReasonPrefix)
}

func appendFuncText(dst []byte, e *event.Event, prefix string) []byte {
	if isPlainEntry(e) {
		return append(dst, e.Names.Func...)
	}
	if e.Kind == event.Tracepoint {
		dst = append(dst, "tp:"...)
	}
	dst = appendFunc(dst, e)
	dst = appendKind(dst, e)
	dst = appendReturned(dst, e)
	dst = appendReason(dst, e, prefix)
	if e.Names.Module != "" {
		dst = append(append(append(dst, " ["...), e.Names.Module...), ']')
	}
	return appendLocation(dst, e)
}

// isPlainEntry reports whether the text is only the name of the function. This is a fast path for nearly
// all events.
func isPlainEntry(e *event.Event) bool {
	return e.Kind == event.Function && e.Names.Func != "" && e.Names.Module == "" && !e.Drop.HasReason && e.Drop.Location == 0
}

func appendFunc(dst []byte, e *event.Event) []byte {
	if e.Names.Func == "" && isProgram(e) {
		return appendUint(append(dst, "id:"...), uint64(programOf(e).ID))
	}
	if e.Names.Func == "" {
		return appendHex(dst, e.Addr)
	}
	return append(dst, e.Names.Func...)
}

func appendReason(dst []byte, e *event.Event, prefix string) []byte {
	if !e.Drop.HasReason {
		return dst
	}
	dst = append(dst, '(')
	if e.Names.Reason == "" {
		dst = appendUint(dst, uint64(e.Drop.Reason))
	}
	dst = append(dst, strings.TrimPrefix(e.Names.Reason, prefix)...)
	if e.Drop.Benign {
		dst = append(dst, ",benign"...)
	}
	return append(dst, ')')
}

func appendLocation(dst []byte, e *event.Event) []byte {
	if e.Drop.Location == 0 {
		return dst
	}
	dst = append(dst, " at "...)
	if e.Names.Location == "" {
		return appendHex(dst, e.Drop.Location)
	}
	return append(dst, e.Names.Location...)
}

func funcJSON(dst []byte, e *event.Event) []byte {
	if e.Names.Func == "" {
		return append(appendFunc(append(dst, '"'), e), '"')
	}
	return appendJSONString(dst, e.Names.Func)
}

func module(dst []byte, e *event.Event) []byte { return appendStringOrNull(dst, e.Names.Module) }

func addr(dst []byte, e *event.Event) []byte {
	switch {
	case isProgram(e) && programOf(e).Addr != 0:
		return appendHexString(dst, programOf(e).Addr)
	case isProgram(e), e.Kind == event.Tracepoint:
		return appendNull(dst)
	}
	return appendHexString(dst, e.Addr)
}

func dropped(dst []byte, e *event.Event) []byte { return appendBool(dst, e.IsDrop()) }

func isBenign(dst []byte, e *event.Event) []byte { return appendBool(dst, e.Drop.Benign) }

func reason(dst []byte, e *event.Event) []byte {
	if !e.Drop.HasReason {
		return appendNull(dst)
	}
	return appendStringOrNull(dst, e.Names.Reason)
}

func reasonCode(dst []byte, e *event.Event) []byte {
	if !e.Drop.HasReason {
		return appendNull(dst)
	}
	return appendUint(dst, uint64(e.Drop.Reason))
}

func location(dst []byte, e *event.Event) []byte {
	switch {
	case e.Drop.Location == 0:
		return appendNull(dst)
	case e.Names.Location == "":
		return appendHexString(dst, e.Drop.Location)
	}
	return appendJSONString(dst, e.Names.Location)
}
