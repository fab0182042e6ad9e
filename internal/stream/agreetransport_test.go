// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"tracer/internal/event"
)

// transports are the names of layers with ports, which are also the prefixes of their fields.
var transports = map[uint8]string{6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udp"}

func (c *comparison) transport(e *event.Tuple) {
	if e.Protocol == 1 && e.Network == event.IPv4 || e.Protocol == 58 && e.Network == event.IPv6 {
		c.icmp(e)
		return
	}
	if e.ICMP.Recorded {
		c.complain("ICMP in protocol %d", e.Protocol)
	}
	prefix := transports[e.Protocol]
	if prefix == "" {
		if e.Ports {
			c.complain("ports of protocol %d", e.Protocol)
		}
		return
	}
	l := c.transportLayer(prefix, prefix+"lite")
	_, theirs := l.number(prefix + ".dstport")
	switch {
	case e.Ports:
		c.sameOrCut(l, prefix+".srcport", 0, 2, uint64(e.SourcePort))
		c.sameOrCut(l, prefix+".dstport", 2, 2, uint64(e.DestPort))
	case theirs:
		c.complain("no ports, tshark: %v", l.fields)
	}
	c.tcp(e, l)
	if length, shown := l.number("udp.length"); shown && length == 0 {
		c.endComparison("at a datagram longer than the maximum of its length field")
	}
}

func (c *comparison) tcp(e *event.Tuple, l layer) {
	switch flags, shown := l.number("tcp.flags"); {
	case e.HasTCPFlags && shown && uint8(flags) != e.TCPFlags:
		c.complain("TCP flags %#02x, tshark: %#04x", e.TCPFlags, flags)
	case e.HasTCPFlags && !shown:
		c.sameOrCut(l, "tcp.flags", 13, 1, uint64(e.TCPFlags))
	}
	if e.TCP.Recorded {
		c.same(l, "tcp.seq_raw", uint64(e.TCP.Seq))
		c.same(l, "tcp.ack_raw", uint64(e.TCP.Ack))
		c.same(l, "tcp.window_size_value", uint64(e.TCP.Window))
	}
}

func (c *comparison) icmp(e *event.Tuple) {
	name, id, seq := "icmp", "icmp.ident", "icmp.seq"
	if e.Network == event.IPv6 {
		name, id, seq = "icmpv6", "icmpv6.echo.identifier", "icmpv6.echo.sequence_number"
	}
	l := c.transportLayer(name)
	_, theirs := l.number(name + ".code")
	switch {
	case e.ICMP.Recorded:
		c.sameOrCut(l, name+".type", 0, 1, uint64(e.ICMP.Type))
		c.sameOrCut(l, name+".code", 1, 1, uint64(e.ICMP.Code))
	case theirs:
		c.complain("no ICMP, tshark: %v", l.fields)
	}
	if e.ICMP.Echo {
		c.same(l, id, uint64(e.ICMP.ID))
		c.same(l, seq, uint64(e.ICMP.Seq))
	}
}

// headers are the names of the layers of tunnels, and of their fields with the tunnel id.
var headers = map[event.TunnelKind][2]string{
	event.VXLAN: {"vxlan", "vxlan.vni"}, event.VXLANGPE: {"vxlan", "vxlan.vni"}, event.Geneve: {"geneve", "geneve.vni"}, event.GRE: {"gre", "gre.key"},
}

// byPort handles VXLAN that tshark takes for VXLAN-GPE because of the port, or the other way round. The P bit of
// the header distinguishes them.
func (c *comparison) byPort(u *event.Tunnel, l layer) {
	if bit, shown := l.number("vxlan.p_bit"); shown && bit == 1 {
		c.complain("tunnel %v, tshark: VXLAN-GPE", u.Kind)
	}
	c.omit("VXLAN-GPE, which tshark recognizes by the port")
}

// tunnel compares the inner packet.
func (c *comparison) tunnel(u *event.Tunnel, protocol uint8) {
	if u.Kind == event.NoTunnel || c.over {
		return
	}
	l := layer{fields: map[string]string{"eth.type": map[uint8]string{4: "0800", 41: "86dd"}[protocol]}}
	if h, named := headers[u.Kind]; named {
		if l = c.take(); l.name != h[0] {
			c.complain("tunnel %v, tshark: %q", u.Kind, l.name)
			return
		}
		if _, gpe := l.number("vxlan.next_proto"); gpe != (u.Kind == event.VXLANGPE) {
			c.byPort(u, l)
			return
		}
		if u.HasID {
			c.same(l, h[1], uint64(u.ID))
		}
	}
	switch {
	case c.next() == "eth":
		c.link(&u.Tuple)
	case c.isCut() && u.Tuple.Network == event.NoPacket:
	default:
		c.network(&u.Tuple, l)
	}
}
