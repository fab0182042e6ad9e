// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// valueType describes nft's form of a type of values.
type valueType struct {
	format func(b []byte) string
	// host is set for numbers in host byte order; nft sorts the elements of sets by them.
	host bool
	// flags are the names of bits, lowest bit first, for values that are sets of bits.
	flags []flag
	// isAddress is set for values whose masks are written as prefixes.
	isAddress bool
}

type flag struct {
	bit  uint32
	name string
}

var (
	decimal     = &valueType{format: formatDecimal}
	hostDecimal = &valueType{format: func(b []byte) string { return strconv.FormatUint(hostNumber(b), 10) }, host: true}
	markType    = &valueType{format: func(b []byte) string { return fmt.Sprintf("%#08x", hostNumber(b)) }, host: true}
	address     = &valueType{format: formatAddress, isAddress: true}
	ether       = &valueType{format: func(b []byte) string { return net.HardwareAddr(b).String() }}
	ifname      = &valueType{format: formatIfname, host: true}
	protocols   = named(false, map[uint64]string{
		1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp", 89: "ospf", 132: "sctp", 136: "udplite",
	}, formatDecimal)
	nfprotos   = named(false, map[uint64]string{2: "ipv4", 10: "ipv6"}, formatDecimal)
	etherTypes = named(false, map[uint64]string{0x0800: "ip", 0x86dd: "ip6", 0x0806: "arp", 0x8100: "8021q", 0x88a8: "8021ad"},
		func(b []byte) string { return fmt.Sprintf("0x%04x", binary.BigEndian.Uint16(b)) })
	icmpTypes = named(false, map[uint64]string{
		0: "echo-reply", 3: "destination-unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request", 9: "router-advertisement", 10: "router-solicitation",
		11: "time-exceeded", 12: "parameter-problem", 13: "timestamp-request", 14: "timestamp-reply", 15: "info-request", 16: "info-reply", 17: "address-mask-request", 18: "address-mask-reply",
	}, formatDecimal)
	icmp6Types = named(false, map[uint64]string{
		1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 4: "parameter-problem", 128: "echo-request", 129: "echo-reply", 130: "mld-listener-query",
		131: "mld-listener-report", 132: "mld-listener-done", 133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert",
		137: "nd-redirect", 138: "router-renumbering", 141: "ind-neighbor-solicit", 142: "ind-neighbor-advert", 143: "mld2-listener-report",
	}, formatDecimal)
	icmpCodeType  = named(false, wide(icmpCodes), formatDecimal)
	icmp6CodeType = named(false, wide(icmp6Codes), formatDecimal)
	deviceTypes   = named(true, map[uint64]string{1: "ether", 512: "ppp", 768: "ipip", 769: "ipip6", 772: "loopback", 776: "sit", 778: "ipgre"}, formatDecimal)
	packetTypes   = named(true, map[uint64]string{0: "host", 1: "broadcast", 2: "multicast", 3: "other"}, formatDecimal)
	directions    = named(true, map[uint64]string{0: "original", 1: "reply"}, formatDecimal)
	ctStates      = flagged(flag{1, "invalid"}, flag{2, "established"}, flag{4, "related"}, flag{8, "new"}, flag{64, "untracked"})
	ctStatuses    = flagged(flag{1, "expected"}, flag{2, "seen-reply"}, flag{4, "assured"}, flag{8, "confirmed"}, flag{16, "snat"}, flag{32, "dnat"}, flag{512, "dying"})
	tcpFlags      = flagged(flag{1, "fin"}, flag{2, "syn"}, flag{4, "rst"}, flag{8, "psh"}, flag{16, "ack"}, flag{32, "urg"}, flag{64, "ecn"}, flag{128, "cwr"})
)

// named returns a type with names for some values. other formats the others.
func named(host bool, names map[uint64]string, other func([]byte) string) *valueType {
	number := bigNumber
	if host {
		number = hostNumber
	}
	return &valueType{host: host, format: func(b []byte) string {
		if name, ok := names[number(b)]; ok {
			return name
		}
		return other(b)
	}}
}

func wide(names map[uint8]string) map[uint64]string {
	all := map[uint64]string{}
	for number, name := range names {
		all[uint64(number)] = name
	}
	return all
}

// flagged returns a type whose values are sets of bits, in host byte order.
func flagged(flags ...flag) *valueType {
	t := &valueType{host: true, flags: flags}
	t.format = func(b []byte) string { return t.names(uint32(hostNumber(b))) }
	return t
}

// names lists the names of the bits that are set.
func (t *valueType) names(bits uint32) string {
	var set []string
	for _, f := range t.flags {
		if bits&f.bit != 0 {
			set, bits = append(set, f.name), bits&^f.bit
		}
	}
	if bits != 0 || len(set) == 0 {
		set = append(set, fmt.Sprintf("%#x", bits))
	}
	return strings.Join(set, ",")
}

func formatDecimal(b []byte) string { return strconv.FormatUint(bigNumber(b), 10) }

func formatAddress(b []byte) string {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return fmt.Sprintf("%#x", b)
	}
	return a.String()
}

// formatIfname quotes a name. A name without a NUL at the end is a prefix.
func formatIfname(b []byte) string {
	name, _, isWhole := strings.Cut(string(b), "\x00")
	if !isWhole && len(b) < ifnameSize {
		name += "*"
	}
	return `"` + name + `"`
}

// ifnameSize is IFNAMSIZ.
const ifnameSize = 16

// bigNumber returns the value of at most eight bytes in network byte order.
func bigNumber(b []byte) (n uint64) {
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// hostNumber returns the value of at most eight bytes in host byte order.
func hostNumber(b []byte) uint64 {
	var whole [8]byte
	copy(whole[:], b)
	n := binary.NativeEndian.Uint64(whole[:])
	if isBigEndian && len(b) < 8 {
		n >>= 8 * (8 - len(b))
	}
	return n
}

var isBigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// ordered returns the bytes of a value in the order in which nft compares them.
func (t *valueType) ordered(b []byte) []byte {
	b = slices.Clone(b)
	if t.host && !isBigEndian {
		slices.Reverse(b)
	}
	return b
}
