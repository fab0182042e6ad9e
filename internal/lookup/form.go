// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"tracer/internal/event"
)

// Value is the value of an expression. A number has eight bytes in the byte order of this
// machine.
type Value []byte

func (v Value) number() uint64 { return binary.NativeEndian.Uint64(v) }

// Form is the format of a field.
type Form struct {
	kind event.FactKind
	// append appends the text of the field's values. It is only called if all could be read.
	append func(dst []byte, v []Value) []byte
	// usual is set for a number that is usually zero; outputs may leave out a zero.
	usual bool
}

func word(f func(dst []byte, v []Value) []byte) Form { return Form{kind: event.WordFact, append: f} }

func numeric(f func(dst []byte, v []Value) []byte) Form {
	return Form{kind: event.NumberFact, append: f}
}

// rare marks a number that is usually zero.
func rare(f Form) Form {
	f.usual = true
	return f
}

var (
	number      = numeric(appendNumber)
	hexadecimal = numeric(appendHex)
	routeTable  = numeric(appendTable)

	ipv4        = word(func(dst []byte, v []Value) []byte { return address4(v[0]).AppendTo(dst) })
	ipv6        = word(func(dst []byte, v []Value) []byte { return address6(v[0]).AppendTo(dst) })
	prefix4     = word(func(dst []byte, v []Value) []byte { return appendPrefix(dst, address4(v[0]), v[1]) })
	prefix6     = word(func(dst []byte, v []Value) []byte { return appendPrefix(dst, address6(v[0]), v[1]) })
	byFamily    = word(appendByFamily)
	byLength    = word(appendByLength)
	linkAddress = word(appendLinkAddress)
	device      = word(appendString)
	handle      = word(appendHandle)

	routeType     = named(routeTypes)
	socketState   = named(socketStates)
	protocol      = named(protocols)
	directionName = named(map[uint64]string{0: "original", 1: "reply"})

	conntrackState = word(func(dst []byte, v []Value) []byte {
		return append(dst, event.ConntrackState(v[0].number()+1).String()...)
	})
	conntrackTCP = word(func(dst []byte, v []Value) []byte {
		return append(dst, event.TCPState(v[0].number()).String()...)
	})
	conntrackStatus = flags(event.StatusNames[:])
	nud             = flags(neighbourStates)
)

// named prints the name of a number, or the number if it has no name.
func named(names map[uint64]string) Form {
	return word(func(dst []byte, v []Value) []byte {
		if name, ok := names[v[0].number()]; ok {
			return append(dst, name...)
		}
		return appendNumber(dst, v)
	})
}

// flags prints the names of the bits that are set, separated by |, or NONE.
func flags(names []string) Form {
	return Form{kind: event.WordsFact, append: func(dst []byte, v []Value) []byte {
		rest := v[0].number()
		from := len(dst)
		for i, name := range names {
			if rest>>i&1 != 0 {
				dst, rest = append(append(dst, name...), '|'), rest&^(1<<i)
			}
		}
		switch {
		case rest != 0:
			return strconv.AppendUint(append(dst, "0x"...), rest, 16)
		case len(dst) == from:
			return append(dst, "NONE"...)
		}
		return dst[:len(dst)-1]
	}}
}

func appendNumber(dst []byte, v []Value) []byte { return strconv.AppendUint(dst, v[0].number(), 10) }

func appendHex(dst []byte, v []Value) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v[0].number(), 16)
}

// appendTable appends the name of a routing table, or its number.
func appendTable(dst []byte, v []Value) []byte {
	switch v[0].number() {
	case unix.RT_TABLE_DEFAULT:
		return append(dst, "default"...)
	case unix.RT_TABLE_MAIN:
		return append(dst, "main"...)
	case unix.RT_TABLE_LOCAL:
		return append(dst, "local"...)
	}
	return appendNumber(dst, v)
}

// address4 returns the address in the first four bytes, in network byte order.
func address4(v Value) netip.Addr { return netip.AddrFrom4([4]byte(v[:4])) }
func address6(v Value) netip.Addr { return netip.AddrFrom16([16]byte(v[:16])) }

func appendPrefix(dst []byte, a netip.Addr, length Value) []byte {
	return appendNumber(append(a.AppendTo(dst), '/'), []Value{length})
}

// appendByFamily appends an address; the second value is its family.
func appendByFamily(dst []byte, v []Value) []byte {
	switch family := v[1].number(); family {
	case unix.AF_INET:
		return address4(v[0]).AppendTo(dst)
	case unix.AF_INET6:
		return address6(v[0]).AppendTo(dst)
	default:
		return strconv.AppendUint(append(dst, "family-"...), family, 10)
	}
}

// appendByLength appends an address; the second value is its length.
func appendByLength(dst []byte, v []Value) []byte {
	switch v[1].number() {
	case 4:
		return address4(v[0]).AppendTo(dst)
	case 16:
		return address6(v[0]).AppendTo(dst)
	}
	return appendLinkAddress(dst, v)
}

// appendLinkAddress appends a link-layer address; the second value is its length. A longer address is
// truncated to the bytes that were read.
func appendLinkAddress(dst []byte, v []Value) []byte {
	for i := range min(int(v[1].number()), len(v[0])) {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, v[0][i:i+1])
	}
	return dst
}

func appendString(dst []byte, v []Value) []byte { return append(dst, event.CString(v[0])...) }

// appendHandle appends the handle of a queueing discipline in the format of tc: major:minor,
// or major: if the minor is 0.
func appendHandle(dst []byte, v []Value) []byte {
	const root = 0xffffffff
	n := v[0].number()
	if n == root {
		return append(dst, "root"...)
	}
	dst = append(strconv.AppendUint(dst, n>>16, 16), ':')
	if n&0xffff == 0 {
		return dst
	}
	return strconv.AppendUint(dst, n&0xffff, 16)
}

// routeTypes are RTN_*.
var routeTypes = map[uint64]string{
	0: "unspec", 1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
	8: "prohibit", 9: "throw", 10: "nat", 11: "xresolve",
}

// neighbourStates are the bits NUD_*.
var neighbourStates = []string{"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT"}

// socketStates are the states of TCP, which sockets of other protocols share.
var socketStates = map[uint64]string{
	1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT",
	9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "NEW_SYN_RECV", 13: "BOUND_INACTIVE",
}

var protocols = map[uint64]string{
	unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_ICMPV6: "icmp6",
	unix.IPPROTO_SCTP: "sctp", unix.IPPROTO_DCCP: "dccp", unix.IPPROTO_UDPLITE: "udplite", unix.IPPROTO_GRE: "gre",
}
