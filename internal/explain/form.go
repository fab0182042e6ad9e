// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"tracer/internal/event"
	"tracer/internal/lookup"
)

var (
	// size is a number of bytes.
	size = lookup.NumberAs(func(dst []byte, v []lookup.Value) []byte {
		return append(strconv.AppendUint(dst, v[0].Number(), 10), " B"...)
	})
	// elapsed is a time in ns.
	elapsed = lookup.NumberAs(func(dst []byte, v []lookup.Value) []byte { return appendNanoseconds(dst, v[0].Number()) })
	// errno is an error number, positive.
	errno = lookup.NumberAs(func(dst []byte, v []lookup.Value) []byte {
		if name := unix.ErrnoName(unix.Errno(v[0].Number())); name != "" {
			return append(dst, name...)
		}
		return strconv.AppendUint(dst, v[0].Number(), 10)
	})
	hex16 = hexOf(4)
	hex32 = hexOf(8)

	portState = lookup.Named(map[uint64]string{0: "DISABLED", 1: "LISTENING", 2: "LEARNING", 3: "FORWARDING", 4: "BLOCKING"})
	// floodedPacket is an enum br_pkt_type.
	floodedPacket = lookup.Named(map[uint64]string{0: "unicast", 1: "multicast", 2: "broadcast"})
	hookName      = lookup.Named(map[uint64]string{0: "prerouting", 1: "input", 2: "forward", 3: "output", 4: "postrouting"})
	verdict       = lookup.Named(map[uint64]string{0: "XDP_ABORTED", 1: "XDP_DROP", 2: "XDP_PASS", 3: "XDP_TX", 4: "XDP_REDIRECT"})
	nftFamily     = lookup.Named(map[uint64]string{1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"})
	// hookOf is the name of a hook, from its family in bits 8 to 15 and its number.
	hookOf = lookup.Word(func(dst []byte, v []lookup.Value) []byte {
		return appendHook(dst, v[0].Number()>>8, v[0].Number()&0xff)
	})
	// legacyTool is the program that shows the rules of a family.
	legacyTool = lookup.Named(map[uint64]string{unix.NFPROTO_IPV4: "iptables-legacy", unix.NFPROTO_IPV6: "ip6tables-legacy", unix.NFPROTO_ARP: "arptables-legacy"})
	signed     = lookup.NumberAs(func(dst []byte, v []lookup.Value) []byte { return strconv.AppendInt(dst, int64(v[0].Number()), 10) })
	// cutName is a name that the BPF program may truncate; a truncated one has no NUL.
	cutName = lookup.Word(func(dst []byte, v []lookup.Value) []byte {
		dst = append(dst, event.CString(v[0])...)
		if !bytes.Contains(v[0], []byte{0}) {
			dst = append(dst, "…"...)
		}
		return dst
	})
	queueState = lookup.Flags([]string{"DRV_XOFF", "STACK_XOFF", "FROZEN"})
)

// appendNanoseconds appends a time in ns, µs, ms or s, in the smallest unit in which it has at most four digits.
func appendNanoseconds(dst []byte, ns uint64) []byte {
	switch {
	case ns < 1e4:
		return fmt.Appendf(dst, "%d ns", ns)
	case ns < 1e7:
		return fmt.Appendf(dst, "%d µs", ns/1e3)
	case ns < 1e10:
		return fmt.Appendf(dst, "%d ms", ns/1e6)
	}
	return fmt.Appendf(dst, "%d s", ns/1e9)
}

// hexOf returns a form for a number with at least this many hexadecimal digits.
func hexOf(digits int) lookup.Form {
	return lookup.NumberAs(func(dst []byte, v []lookup.Value) []byte {
		return fmt.Appendf(dst, "0x%0*x", digits, v[0].Number())
	})
}

// hookNames are the names of the hooks of netfilter families by number. Families that are not listed have ipHooks.
var hookNames = map[uint64][]string{
	unix.NFPROTO_ARP:    {"input", "output", "forward"},
	unix.NFPROTO_NETDEV: {"ingress", "egress"},
	unix.NFPROTO_BRIDGE: {"prerouting", "input", "forward", "output", "postrouting", "brouting"},
}

// ipHooks end with that of a device, for tables of the family inet.
var ipHooks = []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}

// appendHook appends the name of a hook, or its number.
func appendHook(dst []byte, family, hook uint64) []byte {
	names, ok := hookNames[family]
	if !ok {
		names = ipHooks
	}
	if hook < uint64(len(names)) {
		return append(dst, names[hook]...)
	}
	return strconv.AppendUint(dst, hook, 10)
}
