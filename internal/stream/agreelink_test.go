// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/event"
)

// link compares an Ethernet header and its tags.
func (c *comparison) link(e *event.Tuple) {
	header := c.take()
	if header.name != "eth" {
		c.complain("a frame, tshark: %q", header.name)
		return
	}
	seen, before := c.tags(e, header)
	switch {
	case int(e.Tags) == seen:
		c.network(e, before)
	case e.Tags == maxTags && seen > maxTags && e.Network == event.OtherNetwork && isTag(e.EtherType):
		c.omit("tags")
	default:
		c.complain("%d tags, tshark: %d", e.Tags, seen)
	}
}

// tags compares the ids of tags. It returns the number of tags, and the last header that has the Ethertype of
// the next header.
func (c *comparison) tags(e *event.Tuple, before layer) (seen int, last layer) {
	last = before
	for c.next() == "vlan" || c.next() == "ieee8021ad" {
		l := c.take()
		if _, shown := firstOf(l, slices.Concat(typeFields, lengthFields)...); shown {
			last = l
		}
		for _, field := range idFields {
			if _, found := l.number(field); found {
				c.tag(e, l, field, seen)
				seen++
			}
		}
	}
	if seen < int(e.Tags) && c.isCut() { // the frame ends after the id
		c.more = append(c.more, "tag")
		seen++
	}
	return seen, last
}

func (c *comparison) tag(e *event.Tuple, l layer, field string, i int) {
	if shown := []uint16{e.VLAN, e.InnerVLAN, e.ThirdVLAN}; i < min(int(e.Tags), len(shown)) {
		c.same(l, field, uint64(shown[i]))
	}
}

// maxTags is the maximum number of tags that the BPF programs skip.
const maxTags = 8

func isTag(etherType uint16) bool {
	return etherType == 0x8100 || etherType == 0x88a8 || etherType == 0x9100
}

// idFields are the fields with a tag's id. A layer of 802.1ad may have two.
var idFields = []string{"vlan.id", "ieee8021ad.id", "ieee8021ad.svid", "ieee8021ad.cvid"}

func firstOf(l layer, fields ...string) (uint64, bool) {
	for _, f := range fields {
		if n, found := l.number(f); found {
			return n, true
		}
	}
	return 0, false
}

// network compares the network header and the headers after it. The layer before has the Ethertype.
func (c *comparison) network(e *event.Tuple, before layer) {
	switch e.Network {
	case event.IPv4:
		c.ipv4(e)
	case event.IPv6:
		c.ipv6(e)
	case event.ARP:
		c.arp(e)
	case event.LLC:
		c.llc(e, before)
	case event.OtherNetwork:
		c.other(e, before)
	case event.NoPacket:
		if _, shown := etherType(before); shown {
			c.complain("no packet, tshark: %v", before)
		}
	default:
		c.complain("network %d", e.Network)
	}
}

// typeFields are the fields with the Ethertype of the next layer.
var typeFields = []string{"vlan.etype", "ieee8021ah.etype", "eth.type", "gre.proto", "geneve.proto_type"}

// lengthFields are the fields with the length of an 802.3 frame.
var lengthFields = []string{"vlan.len", "eth.len", "eth.invalid_lentype", "vlan.invalid_lentype"}

// gpeTypes are the Ethertypes for the protocol numbers of VXLAN-GPE.
var gpeTypes = map[uint64]uint64{1: 0x0800, 2: 0x86dd, 4: 0x894f, 5: 0x8847}

// etherType returns the Ethertype of the next layer.
func etherType(l layer) (uint64, bool) {
	if protocol, gpe := l.number("vxlan.next_proto"); gpe {
		t, found := gpeTypes[protocol]
		return t, found
	}
	return firstOf(l, typeFields...)
}

// hasLength reports whether the frame has a length instead of an Ethertype. tshark sometimes shows the length
// as a type.
func hasLength(l layer) bool {
	_, found := firstOf(l, lengthFields...)
	t, named := firstOf(l, typeFields...)
	return found || named && t < 0x600
}

// other compares a packet of which the event has only the Ethertype.
func (c *comparison) other(e *event.Tuple, before layer) {
	theirs, found := etherType(before)
	length := hasLength(before)
	switch {
	case e.EtherType == 1 && length: // ETH_P_802_3, the kernel's number for 802.3
	case e.EtherType == 0 && length: // a length of 0 bytes
	case !found || theirs != uint64(e.EtherType):
		c.complain("Ethertype %#04x, tshark: %#04x in %q", e.EtherType, theirs, before.name)
	}
	l := c.take()
	for _, address := range []string{"ip.src", "ipv6.src", "arp.src.proto_ipv4"} {
		if _, shown := l.fields[address]; shown {
			c.omit(fmt.Sprintf("%s of Ethertype %#04x", address, e.EtherType))
		}
	}
}

func (c *comparison) llc(e *event.Tuple, before layer) {
	if !hasLength(before) {
		c.complain("802.3, tshark: %v", before.fields)
	}
	if !e.SAP.Recorded {
		return
	}
	if _, named := firstOf(before, "ieee8021ah.etype"); named { // tshark takes the length for an Ethertype
		c.omit("LLC in 802.1ad")
		return
	}
	l := c.take()
	c.same(l, "llc.dsap", uint64(e.SAP.Dest))
	c.same(l, "llc.ssap", uint64(e.SAP.Source))
	if !e.SNAP.Recorded {
		return
	}
	c.same(l, "llc.oui", uint64(e.SNAP.OUI))
	if theirs, found := snapProtocol(l); found && theirs != uint64(e.SNAP.Protocol) {
		c.complain("SNAP protocol %#04x, tshark: %#04x", e.SNAP.Protocol, theirs)
	}
}

// snapProtocol returns the protocol of a SNAP header. The field's name depends on the organization.
func snapProtocol(l layer) (uint64, bool) {
	for field := range l.fields {
		if strings.HasPrefix(field, "llc.") && (strings.HasSuffix(field, "_pid") || strings.HasSuffix(field, ".pid") || field == "llc.type") {
			return l.number(field)
		}
	}
	return 0, false
}

func (c *comparison) arp(e *event.Tuple) {
	l := c.take()
	c.sameAddress(l, "arp.src.proto_ipv4", e.Source)
	c.sameAddress(l, "arp.dst.proto_ipv4", e.Dest)
	c.same(l, "arp.opcode", uint64(e.ARPOperation))
}
