// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// legacyMatches are the matches that this package prints, by name and revision, with the least size of their data.
// Each returns false if the match has something that it does not print.
var legacyMatches = map[string]struct {
	size  int
	print func(x *legacyText, data []byte) bool
}{
	"tcp 0":       {12, (*legacyText).tcp},
	"udp 0":       {9, (*legacyText).udp},
	"icmp 0":      {4, func(x *legacyText, data []byte) bool { return x.icmp("icmp", "--icmp-type", data) }},
	"icmp6 0":     {4, func(x *legacyText, data []byte) bool { return x.icmp("icmp6", "--icmpv6-type", data) }},
	"comment 0":   {256, (*legacyText).comment},
	"conntrack 3": {154, (*legacyText).states},
	"multiport 1": {48, (*legacyText).ports},
	"mark 1":      {9, (*legacyText).mark},
}

// match adds a match.
func (x *legacyText) match(name string, revision byte, data []byte) {
	known, ok := legacyMatches[fmt.Sprint(name, " ", revision)]
	before := len(x.parts)
	if ok && len(data) >= known.size && known.print(x, data) {
		return
	}
	x.parts = x.parts[:before]
	x.unknown("-m " + name)
}

// portRange adds a range of ports, unless it has all.
func (x *legacyText) portRange(negated bool, option string, data []byte) {
	first, last := binary.NativeEndian.Uint16(data), binary.NativeEndian.Uint16(data[2:])
	switch {
	case first == 0 && last == 0xffff && !negated:
	case first == last:
		x.add(negated, option, strconv.Itoa(int(first)))
	default:
		x.add(negated, option, fmt.Sprintf("%d:%d", first, last))
	}
}

// tcp prints struct xt_tcp: source and destination ports, option, mask and value of the flags, inversions.
func (x *legacyText) tcp(data []byte) bool {
	inverse := data[11]
	x.add(false, "-m", "tcp")
	x.portRange(inverse&1 != 0, "--sport", data)
	x.portRange(inverse&2 != 0, "--dport", data[4:])
	if data[8] != 0 || inverse&8 != 0 {
		x.add(inverse&8 != 0, "--tcp-option", strconv.Itoa(int(data[8])))
	}
	if data[9] != 0 || inverse&4 != 0 {
		x.add(inverse&4 != 0, "--tcp-flags", legacyFlags(data[9]), legacyFlags(data[10]))
	}
	return true
}

// legacyFlags is like FIN,SYN.
func legacyFlags(mask byte) string {
	var names []string
	for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"} {
		if mask>>i&1 != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "NONE"
	}
	return strings.Join(names, ",")
}

// udp prints struct xt_udp: source and destination ports, inversions.
func (x *legacyText) udp(data []byte) bool {
	x.add(false, "-m", "udp")
	x.portRange(data[8]&1 != 0, "--sport", data)
	x.portRange(data[8]&2 != 0, "--dport", data[4:])
	return true
}

// icmp prints struct ipt_icmp or ip6t_icmp: type, range of codes, inversions.
func (x *legacyText) icmp(name, option string, data []byte) bool {
	x.add(false, "-m", name)
	text := strconv.Itoa(int(data[0]))
	switch first, last := data[1], data[2]; {
	case data[0] == 0xff && name == "icmp":
		text = "any"
	case first == last:
		text += "/" + strconv.Itoa(int(first))
	case first != 0 || last != 0xff:
		return false
	}
	x.add(data[3]&1 != 0, option, text)
	return true
}

func (x *legacyText) comment(data []byte) bool {
	text := cString(data)
	x.comments = append(x.comments, text)
	x.add(false, "-m", "comment", "--comment", quoteOption(text))
	return true
}

// quoteOption quotes a text as iptables-save does.
func quoteOption(text string) string {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !isPlain(r) }) < 0 {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`).Replace(text) + `"`
}

// conntrackStates are the bits of struct xt_conntrack_mtinfo3.state_mask, in the order of iptables-save.
var conntrackStates = []struct {
	bit  uint16
	name string
}{{1, "INVALID"}, {8, "NEW"}, {4, "RELATED"}, {2, "ESTABLISHED"}, {0x100, "UNTRACKED"}, {0x40, "SNAT"}, {0x80, "DNAT"}}

// states prints struct xt_conntrack_mtinfo3 if it matches states only: behind eight addresses and masks, two times
// and five numbers of 16 bits come the flags, their inversions, and the mask of the states.
func (x *legacyText) states(data []byte) bool {
	const stateFlag, aliasFlag = 1, 1 << 13 // the latter is for the match state
	flags, inverse, states := binary.NativeEndian.Uint16(data[146:]), binary.NativeEndian.Uint16(data[148:]), binary.NativeEndian.Uint16(data[150:])
	var names []string
	for _, s := range conntrackStates {
		if states&s.bit != 0 {
			names = append(names, s.name)
		}
	}
	match, option := "conntrack", "--ctstate"
	if flags&aliasFlag != 0 {
		match, option = "state", "--state"
	}
	if flags&^aliasFlag != stateFlag || len(names) == 0 {
		return false
	}
	x.add(false, "-m", match)
	x.add(inverse&stateFlag != 0, option, strings.Join(names, ","))
	return true
}

// ports prints struct xt_multiport_v1: which ports, their number, up to 15 ports, for each whether it begins a range,
// and whether the match is inverse.
func (x *legacyText) ports(data []byte) bool {
	const most = 15
	options := []string{"--sports", "--dports", "--ports"}
	kind, count := int(data[0]), int(data[1])
	if kind >= len(options) || count > most {
		return false
	}
	text := ""
	for i := range count {
		text += strconv.Itoa(int(binary.NativeEndian.Uint16(data[2+2*i:])))
		switch begins := data[2+2*most+i] != 0; {
		case begins:
			text += ":"
		case i < count-1:
			text += ","
		}
	}
	x.add(false, "-m", "multiport")
	x.add(data[2+3*most] != 0, options[kind], text)
	return true
}

// mark prints struct xt_mark_mtinfo1: mark, mask, and whether the match is inverse.
func (x *legacyText) mark(data []byte) bool {
	mark, mask := binary.NativeEndian.Uint32(data), binary.NativeEndian.Uint32(data[4:])
	text := fmt.Sprintf("%#x", mark)
	if mask != 0xffffffff {
		text += fmt.Sprintf("/%#x", mask)
	}
	x.add(false, "-m", "mark")
	x.add(data[8] != 0, "--mark", text)
	return true
}
