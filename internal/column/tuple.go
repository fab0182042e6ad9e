// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"

	"tracer/internal/event"
)

func tupleColumns(o Options) []Column {
	return []Column{{
		Name: "tuple", Header: "TUPLE", Key: "tuple", Type: Object, Width: 64,
		Screen: Screen{Cut: cutTuple, Steps: []Step{{3, 19}, {10, 20}, {15, 24}, {16, 31}, {22, 44}, {42, 52}, {52, 64}}},
		Help:   "addresses, ports and fields of the transport header",
		Of:     OfTuple, Group: Tuple, Text: formOf(o).text, JSON: tupleJSON,
	}}
}

// tupleForm selects the TCP fields in the text of a tuple.
type tupleForm struct{ flags, seq bool }

func formOf(o Options) tupleForm { return tupleForm{flags: o.TCPFlags || o.TCPSeq, seq: o.TCPSeq} }

func (f tupleForm) text(dst []byte, e *event.Event) []byte { return f.appendTuple(dst, &e.Tuple) }

// appendTuple appends SOURCE->DEST(PROTOCOL,DETAILS), or only (KIND) for an skb without
// addresses. The text has no blanks, so that scripts can count columns.
func (f tupleForm) appendTuple(dst []byte, t *event.Tuple) []byte {
	dst = appendEndpoints(dst, t)
	dst = append(dst, '(')
	dst = f.appendContent(dst, t)
	return append(appendVLAN(dst, t), ')')
}

// shownTags is the maximum number of VLAN ids in a tuple.
const shownTags = 3

// appendVLAN appends text like `,vlan=5`; `,vlan=5.7.9` for three tags, the outermost first; or
// `,vlan=5.7.9+1` for one more tag.
func appendVLAN(dst []byte, t *event.Tuple) []byte {
	if !t.HasVLAN {
		return dst
	}
	dst = appendUint(append(dst, ",vlan="...), uint64(t.VLAN))
	if t.HasInnerVLAN {
		dst = appendUint(append(dst, '.'), uint64(t.InnerVLAN))
	}
	if t.Tags >= shownTags {
		dst = appendUint(append(dst, '.'), uint64(t.ThirdVLAN))
	}
	if t.Tags > shownTags {
		dst = appendUint(append(dst, '+'), uint64(t.Tags-shownTags))
	}
	return dst
}

func appendEndpoints(dst []byte, t *event.Tuple) []byte {
	if !hasAddresses(t) {
		return dst
	}
	dst = appendEndpoint(dst, t, t.Source, t.SourcePort)
	dst = append(dst, "->"...)
	return appendEndpoint(dst, t, t.Dest, t.DestPort)
}

func hasAddresses(t *event.Tuple) bool {
	return isIP(t) || t.Network == event.ARP && t.Source.IsValid() && t.Dest.IsValid()
}

func isIP(t *event.Tuple) bool { return t.Network == event.IPv4 || t.Network == event.IPv6 }

// appendEndpoint appends ADDRESS:PORT, or ADDRESS if the packet has no ports (another protocol, or a later
// fragment). ICMP always has port 0, since scripts that parse such output expect a port there.
func appendEndpoint(dst []byte, t *event.Tuple, a netip.Addr, port uint16) []byte {
	dst = appendAddress(dst, t, a)
	switch {
	case t.Ports:
		return appendUint(append(dst, ':'), uint64(port))
	case isICMP(t):
		return append(dst, ":0"...)
	}
	return dst
}

func appendAddress(dst []byte, t *event.Tuple, a netip.Addr) []byte {
	if t.Network != event.IPv6 {
		return a.AppendTo(dst)
	}
	return append(a.AppendTo(append(dst, '[')), ']')
}

func (f tupleForm) appendContent(dst []byte, t *event.Tuple) []byte {
	switch t.Network {
	case event.IPv4, event.IPv6:
		return f.appendTransport(dst, t)
	case event.ARP:
		return appendARP(dst, t)
	case event.OtherNetwork:
		return appendEtherType(dst, t.EtherType)
	case event.LLC:
		return appendLLC(dst, t)
	case event.Netlink:
		return append(dst, "netlink"...)
	case event.Unix:
		return append(dst, "unix"...)
	case event.OtherSocket:
		return appendFamily(dst, t.SocketFamily)
	}
	return append(dst, "no-packet"...)
}

func (f tupleForm) appendTransport(dst []byte, t *event.Tuple) []byte {
	dst = appendProtocol(dst, t.Protocol)
	switch {
	case hasICMP(t):
		dst = appendICMP(append(dst, ','), t)
	case hasTCP(t):
		dst = f.appendTCP(dst, t)
	}
	if t.Fragment {
		dst = appendUint(append(dst, ",frag="...), uint64(t.FragmentOffset))
	}
	return dst
}
