// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// legacyText is the text of a rule, in the words of iptables-save.
type legacyText struct {
	parts    []string
	comments []string
	partial  bool
}

func (x *legacyText) String() string { return strings.Join(x.parts, " ") }

// add adds an option.
func (x *legacyText) add(negated bool, option string, values ...string) {
	if negated {
		x.parts = append(x.parts, "!")
	}
	x.parts = append(append(x.parts, option), values...)
}

// unknown adds something that this package does not print in full, in brackets.
func (x *legacyText) unknown(text string) {
	x.parts = append(x.parts, "["+text+"]")
	x.partial = true
}

// unless calls unknown if bytes are not all zero.
func (x *legacyText) unless(zero []byte, text string) {
	if len(bytes.Trim(zero, "\x00")) > 0 {
		x.unknown(text)
	}
}

// Inversions of conditions (IPT_INV_ and the same of IP6T_INV_), and flags.
const (
	inverseIn       = 1
	inverseOut      = 2
	inverseSource   = 8
	inverseTarget   = 0x10
	inverseFragment = 0x20
	inverseProtocol = 0x40
	fragmentFlag    = 1 // IPT_F_FRAG
	classFlag       = 2 // IP6T_F_TOS
)

// printIP4 prints a rule of iptables-legacy (struct ipt_ip: source, target, their masks, names of interfaces, their
// masks, protocol, flags, inversions).
func printIP4(t *legacyTable, r *legacyRule) *legacyText {
	x, e := &legacyText{}, r.entry
	inverse := e[83]
	x.address(inverse&inverseSource != 0, "-s", e[0:4], e[8:12])
	x.address(inverse&inverseTarget != 0, "-d", e[4:8], e[12:16])
	x.device(inverse&inverseIn != 0, "-i", e[16:32], e[48:64])
	x.device(inverse&inverseOut != 0, "-o", e[32:48], e[64:80])
	x.protocol(inverse&inverseProtocol != 0, e[80:82])
	if e[82]&fragmentFlag != 0 {
		x.add(inverse&inverseFragment != 0, "-f")
	}
	x.rest(t, r, rejectIP4)
	return x
}

// printIP6 prints a rule of ip6tables-legacy (struct ip6t_ip6: as struct ipt_ip, with a traffic class).
func printIP6(t *legacyTable, r *legacyRule) *legacyText {
	x, e := &legacyText{}, r.entry
	inverse := e[132]
	x.address(inverse&inverseSource != 0, "-s", e[0:16], e[32:48])
	x.address(inverse&inverseTarget != 0, "-d", e[16:32], e[48:64])
	x.device(inverse&inverseIn != 0, "-i", e[64:80], e[96:112])
	x.device(inverse&inverseOut != 0, "-o", e[80:96], e[112:128])
	x.protocol(inverse&inverseProtocol != 0, e[128:130])
	if e[131]&classFlag != 0 {
		x.unknown(fmt.Sprintf("traffic class %#x", e[130]))
	}
	x.rest(t, r, rejectIP6)
	return x
}

// printARP prints a rule of arptables-legacy (struct arpt_arp).
func printARP(t *legacyTable, r *legacyRule) *legacyText {
	const inverseSource, inverseTarget, inverseOperation = 4, 8, 0x40
	x, e := &legacyText{}, r.entry
	inverse := binary.NativeEndian.Uint16(e[160:])
	x.address(inverse&inverseSource != 0, "-s", e[0:4], e[8:12])
	x.address(inverse&inverseTarget != 0, "-d", e[4:8], e[12:16])
	x.device(inverse&inverseIn != 0, "-i", e[94:110], e[126:142])
	x.device(inverse&inverseOut != 0, "-o", e[110:126], e[142:158])
	if binary.BigEndian.Uint16(e[84:]) == 0xffff {
		x.add(inverse&inverseOperation != 0, "--opcode", strconv.Itoa(int(binary.BigEndian.Uint16(e[82:]))))
	} else {
		x.unless(e[84:86], "an opcode")
	}
	const ethernet = 6
	if e[16] != ethernet || e[17] != 0xff { // arptables sets it by default
		x.unless(e[17:18], "a length")
	}
	x.unless(e[34:50], "a source MAC")
	x.unless(e[66:82], "a target MAC")
	x.unless(e[88:90], "a hardware type")
	x.unless(e[92:94], "a protocol type")
	x.rest(t, r, nil)
	return x
}

// address adds an address with its mask, unless that is zero.
func (x *legacyText) address(negated bool, option string, address, mask []byte) {
	addr, _ := netip.AddrFromSlice(address)
	ones, contiguous := maskLength(mask)
	switch {
	case ones == 0 && contiguous && !negated && addr.IsUnspecified():
	case contiguous:
		x.add(negated, option, fmt.Sprintf("%s/%d", addr, ones))
	default:
		m, _ := netip.AddrFromSlice(mask)
		x.add(negated, option, fmt.Sprintf("%s/%s", addr, m))
	}
}

// maskLength returns the number of leading ones of a mask, and whether it has no others.
func maskLength(mask []byte) (ones int, contiguous bool) {
	total := 0
	for _, b := range mask {
		total += bits.OnesCount8(b)
	}
	for _, b := range mask {
		n := bits.LeadingZeros8(^b)
		ones += n
		if n < 8 {
			break
		}
	}
	return ones, ones == total
}

// device adds the name of an interface. A mask that does not cover the NUL at the end matches a prefix.
func (x *legacyText) device(negated bool, option string, name, mask []byte) {
	covered := len(bytes.TrimRight(mask, "\x00"))
	if covered == 0 {
		return
	}
	text := cString(name[:covered])
	if len(text) == covered && covered < len(name) {
		text += "+"
	}
	x.add(negated, option, text)
}

// protocolNames are the names that iptables-save prints.
var protocolNames = map[uint16]string{
	1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp", 132: "sctp", 136: "udplite",
}

func (x *legacyText) protocol(negated bool, number []byte) {
	n := binary.NativeEndian.Uint16(number)
	if n == 0 {
		return
	}
	name := protocolNames[n]
	if name == "" {
		name = strconv.Itoa(int(n))
	}
	x.add(negated, "-p", name)
}

// rest adds the matches and the target.
func (x *legacyText) rest(t *legacyTable, r *legacyRule, rejects map[uint32]string) {
	t.format.matches(r.entry, x.match)
	target := t.format.target(r.entry)
	switch {
	case r.to >= 0 && r.isGoto:
		x.add(false, "-g", t.chainName(r.to))
	case r.to >= 0:
		x.add(false, "-j", t.chainName(r.to))
	case target.name == "":
		if name := verdictNames[target.verdict]; name != "" {
			x.add(false, "-j", name)
		}
	case target.name == rejectTarget && len(target.data) >= 4 && rejects[binary.NativeEndian.Uint32(target.data)] != "":
		x.add(false, "-j", rejectTarget, "--reject-with", rejects[binary.NativeEndian.Uint32(target.data)])
	default:
		x.unknown("-j " + target.name)
	}
}

var verdictNames = map[int]string{verdictDrop: "DROP", verdictAccept: "ACCEPT", verdictReturn: "RETURN"}

// rejectIP4 and rejectIP6 are the words for enum ipt_reject_with and ip6t_reject_with.
var (
	rejectIP4 = map[uint32]string{
		0: "icmp-net-unreachable", 1: "icmp-host-unreachable", 2: "icmp-proto-unreachable", 3: "icmp-port-unreachable",
		5: "icmp-net-prohibited", 6: "icmp-host-prohibited", 7: "tcp-reset", 8: "icmp-admin-prohibited",
	}
	rejectIP6 = map[uint32]string{
		0: "icmp6-no-route", 1: "icmp6-adm-prohibited", 3: "icmp6-addr-unreachable", 4: "icmp6-port-unreachable",
		6: "tcp-reset", 7: "icmp6-policy-fail", 8: "icmp6-reject-route",
	}
)
