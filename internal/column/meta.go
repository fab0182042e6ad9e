// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"

	"tracer/internal/event"
)

func metaColumns() []Column {
	return append(deviceColumns(), lengthColumns()...)
}

func deviceColumns() []Column {
	return []Column{
		{
			Name: "netns", Header: "NETNS", Key: "netns", Type: Number, Width: 10, Screen: steps(Step{38, 10}),
			Help: "inode number of the network namespace, 0 if unknown",
			Of:   OfMeta, Group: Meta, Text: netns, JSON: netns,
		},
		{
			Name: "mark", Header: "MARK/x", Key: "mark", Type: Number, Width: 8, Screen: steps(Step{46, 8}),
			Help: "mark of the skb, hexadecimal in text",
			Of:   OfMeta, Group: Meta, Text: markText, JSON: markJSON,
		},
		{
			// Width of 15 bytes of name, the colon, and five digits of index.
			Name: "iface", Header: "IFACE", Key: "iface", Type: String, Width: 21,
			Screen: Screen{Cut: cutName, Steps: []Step{{18, 8}, {32, 11}, {56, 21}}},
			Help:   "interface as name:index, 0 (JSON: null) without one",
			Of:     OfMeta, Group: Meta, Text: ifaceText, JSON: ifaceJSON,
		},
		{
			Name: "ifname", Key: "ifname", Type: String, Help: "name of the interface",
			Of: OfMeta, Group: Meta, JSON: ifname,
		},
		{
			Name: "ifindex", Key: "ifindex", Type: Number, Help: "index of the interface, 0 without one",
			Of: OfMeta, Group: Meta, JSON: ifindex,
		},
	}
}

func lengthColumns() []Column {
	return []Column{
		{
			Name: "proto", Header: "PROTO", Key: "proto", Type: Number, Width: 6, Screen: steps(Step{48, 6}),
			Help: "Ethertype in skb->protocol, 0 before it is set",
			Of:   OfMeta, Group: Meta, Text: protoText, JSON: protoJSON,
		},
		{
			Name: "mtu", Header: "MTU", Key: "mtu", Type: Number, Width: 5, Screen: steps(Step{50, 5}),
			Help: "MTU of the route, or else of the device, in bytes; 0 without both",
			Of:   OfMeta, Group: Meta, Text: mtu, JSON: mtu,
		},
		{
			// Six digits: BIG TCP goes up to 512 KiB.
			Name: "len", Header: "LEN", Key: "len", Type: Number, Width: 6, Screen: steps(Step{28, 6}),
			Help: "length of the skb in bytes, from its current layer on",
			Of:   OfLen, Group: Meta, Text: length, JSON: length,
		},
	}
}

func netns(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.Netns)) }

func markText(dst []byte, e *event.Event) []byte {
	return strconv.AppendUint(dst, uint64(e.Meta.Mark), 16)
}

func markJSON(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.Mark)) }

func ifaceText(dst []byte, e *event.Event) []byte {
	if e.Meta.Ifindex != 0 && e.Meta.Ifname[0] != 0 {
		dst = appendEscaped(dst, string(event.CString(e.Meta.Ifname[:])))
		dst = append(dst, ':')
	}
	return ifindex(dst, e)
}

func ifaceJSON(dst []byte, e *event.Event) []byte {
	if e.Meta.Ifindex == 0 {
		return appendNull(dst)
	}
	dst = append(dst, '"')
	if e.Meta.Ifname[0] != 0 {
		dst = appendJSONEscaped(dst, string(event.CString(e.Meta.Ifname[:])))
		dst = append(dst, ':')
	}
	dst = ifindex(dst, e)
	return append(dst, '"')
}

func ifname(dst []byte, e *event.Event) []byte {
	if e.Meta.Ifindex == 0 || e.Meta.Ifname[0] == 0 {
		return appendNull(dst)
	}
	return appendJSONString(dst, string(event.CString(e.Meta.Ifname[:])))
}

func ifindex(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.Ifindex)) }

func protoText(dst []byte, e *event.Event) []byte { return appendHex16(dst, e.Meta.Protocol) }

func protoJSON(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.Protocol)) }

func mtu(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.MTU)) }

func length(dst []byte, e *event.Event) []byte { return appendUint(dst, uint64(e.Meta.Len)) }
