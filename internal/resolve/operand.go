// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// operand is the value that an expression loads into a register, with nft's name for it.
type operand struct {
	name string
	kind *valueType
	// size is the number of bytes that were loaded, whole the size of the field. A shorter load is a prefix.
	size, whole int
	mask        []byte // of a bitwise expression on the register
	opens       string // the layer whose protocol is known after a comparison of this field
	// needs are the layers whose comparisons the field implies: nft does not print these.
	needs []string
	last  *comparison
	// parts are the fields if several adjacent ones were loaded at once.
	parts []*operand
	// swapped is set if the value was converted to network order.
	swapped bool
}

// comparison is the last comparison of an operand: >= followed by <= is a range.
type comparison struct {
	op    expr.CmpOp
	value []byte
	at    int // index of its statement
}

// field is a field of a protocol header.
type field struct {
	offset, size int
	name         string
	kind         *valueType
}

// The layers of a packet whose protocols may be known.
const (
	linkLayer      = "link"
	networkLayer   = "network"
	transportLayer = "transport"
)

// contradiction is the network protocol of a rule that requires two different ones.
const contradiction = "contradiction"

var (
	ipv4Fields = []field{
		{2, 2, "ip length", decimal}, {4, 2, "ip id", decimal}, {6, 2, "ip frag-off", decimal}, {8, 1, "ip ttl", decimal}, {9, 1, "ip protocol", protocols}, {12, 4, "ip saddr", address}, {16, 4, "ip daddr", address},
	}
	ipv6Fields = []field{
		{4, 2, "ip6 length", decimal}, {6, 1, "ip6 nexthdr", protocols}, {7, 1, "ip6 hoplimit", decimal}, {8, 16, "ip6 saddr", address}, {24, 16, "ip6 daddr", address},
	}
	linkFields      = []field{{0, 6, "ether daddr", ether}, {6, 6, "ether saddr", ether}, {12, 2, "ether type", etherTypes}}
	transportFields = map[string][]field{
		"tcp":       {{0, 2, "tcp sport", decimal}, {2, 2, "tcp dport", decimal}, {13, 1, "tcp flags", tcpFlags}},
		"udp":       {{0, 2, "udp sport", decimal}, {2, 2, "udp dport", decimal}, {4, 2, "udp length", decimal}},
		"udplite":   {{0, 2, "udplite sport", decimal}, {2, 2, "udplite dport", decimal}},
		"sctp":      {{0, 2, "sctp sport", decimal}, {2, 2, "sctp dport", decimal}},
		"dccp":      {{0, 2, "dccp sport", decimal}, {2, 2, "dccp dport", decimal}},
		"icmp":      {{0, 1, "icmp type", icmpTypes}, {1, 1, "icmp code", icmpCodeType}},
		"ipv6-icmp": {{0, 1, "icmpv6 type", icmp6Types}, {1, 1, "icmpv6 code", icmp6CodeType}},
		"":          {{0, 2, "th sport", decimal}, {2, 2, "th dport", decimal}},
	}
)

// metaKeys are the keys of meta that can be printed. As in nft's output, some have no word meta.
var metaKeys = map[expr.MetaKey]operand{
	expr.MetaKeyL4PROTO:  {name: "meta l4proto", kind: protocols, size: 1, opens: transportLayer},
	expr.MetaKeyNFPROTO:  {name: "meta nfproto", kind: nfprotos, size: 1, opens: networkLayer},
	expr.MetaKeyPROTOCOL: {name: "meta protocol", kind: etherTypes, size: 2, opens: networkLayer},
	expr.MetaKeyIIFTYPE:  {name: "meta iiftype", kind: deviceTypes, size: 2, opens: linkLayer},
	expr.MetaKeyIIFNAME:  {name: "iifname", kind: ifname, size: ifnameSize},
	expr.MetaKeyOIFNAME:  {name: "oifname", kind: ifname, size: ifnameSize},
	expr.MetaKeyMARK:     {name: "meta mark", kind: markType, size: 4},
	expr.MetaKeySKUID:    {name: "meta skuid", kind: hostDecimal, size: 4},
	expr.MetaKeySKGID:    {name: "meta skgid", kind: hostDecimal, size: 4},
	expr.MetaKeyPKTTYPE:  {name: "meta pkttype", kind: packetTypes, size: 1},
	expr.MetaKeyLEN:      {name: "meta length", kind: hostDecimal, size: 4},
	expr.MetaKeyCPU:      {name: "meta cpu", kind: hostDecimal, size: 4},
}

var ctKeys = map[expr.CtKey]operand{
	expr.CtKeySTATE:     {name: "ct state", kind: ctStates, size: 4},
	expr.CtKeySTATUS:    {name: "ct status", kind: ctStatuses, size: 4},
	expr.CtKeyMARK:      {name: "ct mark", kind: markType, size: 4},
	expr.CtKeyDIRECTION: {name: "ct direction", kind: directions, size: 1},
}

// payload returns the operand for a load of a part of the packet, or nil if it is unknown.
func (p *printer) payload(e *expr.Payload) *operand {
	if e.OperationType != expr.PayloadLoad || p.network == contradiction {
		return nil
	}
	var fields []field
	var needs []string
	switch e.Base {
	case expr.PayloadBaseLLHeader:
		fields, needs = linkFields, []string{linkLayer}
	case expr.PayloadBaseNetworkHeader:
		switch p.network {
		case "ipv4":
			fields, needs = ipv4Fields, []string{networkLayer}
		case "ipv6":
			fields, needs = ipv6Fields, []string{networkLayer}
		}
	case expr.PayloadBaseTransportHeader:
		fields, needs = transportFields[p.transport], []string{transportLayer}
		if p.transport == "icmp" && p.network == "ipv4" || p.transport == "ipv6-icmp" && p.network == "ipv6" {
			needs = append(needs, networkLayer)
		}
	}
	for _, f := range fields {
		if int(e.Offset) == f.offset && (int(e.Len) == f.size || f.kind.isAddress && int(e.Len) < f.size) {
			return f.operand(int(e.Len), needs)
		}
	}
	return adjacent(fields, int(e.Offset), int(e.Len), needs)
}

// operand returns the operand for the first size bytes of the field.
func (f field) operand(size int, needs []string) *operand {
	o := &operand{name: f.name, kind: f.kind, size: size, whole: f.size, needs: needs}
	switch f.kind {
	case protocols:
		o.opens = transportLayer
	case etherTypes:
		o.opens = networkLayer
	}
	return o
}

// adjacent returns an operand for several fields without gaps, or nil.
func adjacent(fields []field, offset, size int, needs []string) *operand {
	o := &operand{size: size, whole: size}
	for _, f := range fields {
		if f.offset == offset && f.size <= size {
			o.parts = append(o.parts, f.operand(f.size, needs))
			offset, size = offset+f.size, size-f.size
		}
	}
	if size != 0 || len(o.parts) == 0 {
		return nil
	}
	return o
}

// networkOf returns the network protocol of all packets of a family of tables, or "".
func networkOf(family uint8) string {
	switch family {
	case unix.NFPROTO_IPV4:
		return "ipv4"
	case unix.NFPROTO_IPV6:
		return "ipv6"
	}
	return ""
}

// slot returns the position of a register in units of four bytes: NFT_REG_1 and NFT_REG32_00 are at 0. Register 0,
// the verdict, has no position.
func slot(register uint32) int {
	if register >= unix.NFT_REG32_00 {
		return int(register - unix.NFT_REG32_00)
	}
	return int(register-1) * 4
}
