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

// tupleForm is how much the text of a tuple tells.
type tupleForm struct{ flags, seq bool }

func formOf(o Options) tupleForm { return tupleForm{flags: o.TCPFlags || o.TCPSeq, seq: o.TCPSeq} }

func (f tupleForm) text(dst []byte, e *event.Event) []byte { return f.appendTuple(dst, &e.Tuple) }

// appendTuple is SOURCE->DEST(PROTOCOL,DETAILS), or (WHAT-IT-IS) for an skb
// without addresses: a tuple is never made up. It is one word, so that scripts
// that count columns find FUNC behind it.
func (f tupleForm) appendTuple(dst []byte, t *event.Tuple) []byte {
	dst = appendEndpoints(dst, t)
	dst = append(dst, '(')
	dst = f.appendContent(dst, t)
	return append(appendVLAN(dst, t), ')')
}

// shownTags is how many VLAN ids a tuple has.
const shownTags = 3

// appendVLAN is like `,vlan=5`, or `,vlan=5.7.9` with the ids from the outermost tag on, and
// `,vlan=5.7.9+1` where there is one more tag.
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

// appendEndpoint writes port 0 for ICMP, which has none, in each of its
// fragments: it is what eyes and scripts that know this kind of output look for.
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
