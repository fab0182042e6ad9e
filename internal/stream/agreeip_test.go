// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"slices"

	"tracer/internal/event"
)

func (c *comparison) ipv4(e *event.Tuple) {
	l := c.take()
	if l.name != "ip" {
		c.complain("IPv4, tshark: %q", l.name)
		return
	}
	if _, shown := l.fields["ip.src"]; !shown { // tshark stops at impossible lengths
		c.bad(e)
		return
	}
	c.sameAddress(l, "ip.src", e.Source)
	if _, shown := l.fields["ip.dst"]; shown || !c.isCut() { // tshark shows it only if all options are there
		c.sameAddress(l, "ip.dst", e.Dest)
	}
	offset, _ := l.number("ip.frag_offset")
	more, _ := l.number("ip.flags.mf")
	c.fragment(e, offset*8, more == 1)
	proto, _ := l.number("ip.proto")
	c.protocol(e, []uint64{proto})
}

// bad handles a packet with a bad IP header, of which tshark dissects only the fixed fields.
func (c *comparison) bad(e *event.Tuple) {
	if e.Ports || e.HasTCPFlags || e.ICMP.Recorded {
		c.complain("a transport header, tshark: none after a bad IP header")
	}
	c.rest = nil
}

func (c *comparison) fragment(e *event.Tuple, offset uint64, more bool) {
	if fragment := offset > 0 || more; fragment != e.Fragment || offset != uint64(e.FragmentOffset) {
		c.complain("fragment %v at %d, tshark: %v at %d", e.Fragment, e.FragmentOffset, fragment, offset)
	}
}

func (c *comparison) ipv6(e *event.Tuple) {
	l := c.take()
	if l.name != "ipv6" {
		c.complain("IPv6, tshark: %q", l.name)
		return
	}
	c.sameAddress(l, "ipv6.src", e.Source)
	c.sameAddress(l, "ipv6.dst", e.Dest)
	next, _ := l.number("ipv6.nxt")
	if length, _ := l.number("ipv6.plen"); length == 0 && next == 0 {
		c.endComparison("at a jumbogram without its option")
		return
	}
	c.protocol(e, []uint64{next})
}

// nextFields are the fields with the protocol after an extension header.
var nextFields = map[string]string{
	"ipv6.hopopts": "ipv6.hopopts.nxt", "ipv6.dstopts": "ipv6.dstopts.nxt", "ipv6.routing": "ipv6.routing.nxt",
	"ipv6.fraghdr": "ipv6.fraghdr.nxt", "ah": "ah.next_header",
}

// maxExtensions is the maximum number of extension headers that the BPF programs skip.
const maxExtensions = 8

// protocol compares the protocol with the chain of extension headers, where the event may have stopped at
// one of them, and then the transport header.
func (c *comparison) protocol(e *event.Tuple, chain []uint64) {
	fragment := e.Network == event.IPv4
	for nextFields[c.next()] != "" {
		l := c.take()
		if l.name == "ipv6.fraghdr" && !fragment && len(chain) <= maxExtensions {
			offset, _ := l.number("ipv6.fraghdr.offset")
			more, _ := l.number("ipv6.fraghdr.more")
			c.fragment(e, offset*8, more == 1)
			fragment = offset > 0 || more == 1
		}
		if n, found := l.number(nextFields[l.name]); found {
			chain = append(chain, n)
		}
		if c.isCut() && l.name != "ah" && l.name != "ipv6.fraghdr" {
			c.endComparison("at options that tshark can't read")
			return
		}
	}
	switch last := len(chain) - 1; {
	case uint64(e.Protocol) == chain[last]:
		c.transport(e)
	case last > maxExtensions && uint64(e.Protocol) == chain[maxExtensions]:
		c.stop(e, "more than 8 extension headers")
	case slices.Contains(chain, uint64(e.Protocol)) && (isForeign(e) || e.Fragment || c.isCut()):
		c.stop(e, "extension headers foreign to IPv4, of fragments or cut off")
	default:
		c.complain("protocol %d, tshark: %v", e.Protocol, chain)
	}
}

// isForeign reports whether the protocol is an extension header of IPv6 in an IPv4 packet. Only tshark skips
// these.
func isForeign(e *event.Tuple) bool {
	const ah = 51
	return e.Network == event.IPv4 && e.Protocol != ah
}

// stop handles an event that stopped at an extension header.
func (c *comparison) stop(e *event.Tuple, why string) {
	if e.Ports || e.HasTCPFlags || e.ICMP.Recorded {
		c.complain("a transport header after protocol %d", e.Protocol)
	}
	c.omit(why)
	c.rest, c.over = nil, true
}
