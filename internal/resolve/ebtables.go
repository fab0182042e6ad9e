// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ebtReplace is struct ebt_replace of include/uapi/linux/netfilter_bridge/ebtables.h.
type ebtReplace struct {
	name          [tableNameSize]byte
	hooks         uint32
	entries, size uint32
	_             uint32
	hookEntries   [6]uintptr
	counters      uint32
	_             uint32
	counterList   uintptr
	entryList     uintptr
}

// Positions in struct ebt_entries, the head of a chain, and in struct ebt_entry, a rule.
const (
	ebtChainName    = 4
	ebtChainPolicy  = 40
	ebtChainSize    = 48
	ebtIsEntry      = 1 // a bit of the first word of a rule
	ebtWatchers     = 100
	ebtTarget       = 104
	ebtNext         = 108
	ebtHead         = 112
	ebtTargetSize   = 32
	ebtTargetData   = 40
	ebtStandard     = "standard"
	ebtDrop         = -2
	ebtVerdictBytes = 4
)

// readEbtables reads a table of ebtables of the thread's namespace.
func readEbtables(f *legacyFormat, table string) (*legacyTable, error) {
	socket, err := unix.Socket(f.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	const getInfo, getEntries = 0, 1
	if len(table) >= tableNameSize {
		return nil, fmt.Errorf("the name has %d bytes", len(table))
	}
	info := &ebtReplace{}
	copy(info.name[:], table)
	if err := f.ebtOption(socket, getInfo, info, 0); err != nil {
		return nil, err
	}
	if info.size == 0 || info.size > legacyMost {
		return nil, fmt.Errorf("the table has %d bytes", info.size)
	}
	raw := make([]byte, info.size)
	var pinner runtime.Pinner
	pinner.Pin(&raw[0])
	defer pinner.Unpin()
	request := &ebtReplace{name: info.name, entries: info.entries, size: info.size, entryList: uintptr(unsafe.Pointer(&raw[0]))}
	if err := f.ebtOption(socket, getEntries, request, int(info.size)); err != nil {
		return nil, err
	}
	return parseEbtables(f, raw)
}

// ebtOption calls getsockopt. The kernel wants the size of the answer in the length, too.
func (f *legacyFormat) ebtOption(socket, option int, r *ebtReplace, extra int) error {
	size := uint32(unsafe.Sizeof(*r)) + uint32(extra)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(f.level), uintptr(f.options+option),
		uintptr(unsafe.Pointer(r)), uintptr(unsafe.Pointer(&size)), 0)
	runtime.KeepAlive(r)
	if errno != 0 {
		return errno
	}
	return nil
}

// parseEbtables parses a table. Its base chains have the names of their hooks.
func parseEbtables(f *legacyFormat, raw []byte) (*legacyTable, error) {
	t := newLegacyTable(f, raw, 0)
	var chain *legacyChain
	for at := 0; at < len(raw); {
		rest := raw[at:]
		if len(rest) < ebtChainSize {
			return nil, errMalformed
		}
		if binary.NativeEndian.Uint32(rest)&ebtIsEntry == 0 {
			name := cString(rest[ebtChainName : ebtChainName+tableNameSize])
			chain = t.begin(name, at, slices.Contains(f.hooks, name))
			chain.drops = int32(binary.NativeEndian.Uint32(rest[ebtChainPolicy:])) == ebtDrop
			at += ebtChainSize
			continue
		}
		r, err := parseEbtRule(rest)
		if err != nil || chain == nil {
			return nil, errMalformed
		}
		r.chain, r.number = chain, len(chain.rules)+1
		chain.rules = append(chain.rules, r)
		t.rules[at] = r
		t.count++
		at += len(r.entry)
	}
	return t, nil
}

// parseEbtRule parses the rule at the beginning of the bytes.
func parseEbtRule(raw []byte) (*legacyRule, error) {
	if len(raw) < ebtHead {
		return nil, errMalformed
	}
	watchers, target, next := binary.NativeEndian.Uint32(raw[ebtWatchers:]), binary.NativeEndian.Uint32(raw[ebtTarget:]), binary.NativeEndian.Uint32(raw[ebtNext:])
	if watchers < ebtHead || target < watchers || uint64(next) < uint64(target)+ebtTargetData || uint64(next) > uint64(len(raw)) {
		return nil, errMalformed
	}
	r := &legacyRule{entry: raw[:next], to: -1}
	if name, verdict := ebtTargetOf(r.entry); name == ebtStandard {
		r.drops = verdict == ebtDrop
		r.to = max(verdict, -1)
	}
	return r, nil
}

// ebtTargetOf returns the name of a rule's target (struct ebt_entry_target) and the verdict at the beginning of its data.
func ebtTargetOf(entry []byte) (name string, verdict int) {
	target := entry[binary.NativeEndian.Uint32(entry[ebtTarget:]):]
	if len(target) >= ebtTargetData+ebtVerdictBytes {
		verdict = int(int32(binary.NativeEndian.Uint32(target[ebtTargetData:])))
	}
	return cString(target[:ebtTargetSize-1]), verdict
}

// ebtMatches are the matches of ebtables itself, which never drop a frame. Other matches may.
var ebtMatches = []string{"802_3", "among", "arp", "ip", "ip6", "limit", "mark_m", "pkttype", "stp", "vlan"}

// droppingEnd returns the end of the chain that drops the packets of a hook that no rule drops; nil if several chains
// may be the one, or if the rules of the hook have a match or a target that may drop packets.
func (t *legacyTable) droppingEnd(hook string) (end *legacyRule) {
	for c := range t.reachable(hook) {
		if slices.ContainsFunc(c.rules, (*legacyRule).mayDropUnseen) || c.drops && end != nil {
			return nil
		}
		if c.drops {
			end = &legacyRule{chain: c, drops: true, to: -1}
		}
	}
	return end
}

// mayDropUnseen reports whether a rule of ebtables may drop packets otherwise than by the target DROP.
func (r *legacyRule) mayDropUnseen() bool {
	if name, _ := ebtTargetOf(r.entry); name != ebtStandard {
		return true
	}
	unknown := false
	eachEbtExtension(r.entry[ebtHead:binary.NativeEndian.Uint32(r.entry[ebtWatchers:])], func(name string) {
		unknown = unknown || !slices.Contains(ebtMatches, name)
	})
	return unknown
}

// ebtVerdicts are the words of ebtables for verdicts.
var ebtVerdicts = map[int]string{-1: "ACCEPT", ebtDrop: "DROP", -3: "CONTINUE", -4: "RETURN"}

// ebtProtocols are the names that ebtables prints, by EtherType.
var ebtProtocols = map[uint16]string{unix.ETH_P_IP: "IPv4", unix.ETH_P_IPV6: "IPv6", unix.ETH_P_ARP: "ARP", unix.ETH_P_8021Q: "802_1Q"}

// printEbtables prints a rule of ebtables (struct ebt_entry: flags, inversions, protocol, names of four devices,
// addresses and masks of source and destination).
func printEbtables(t *legacyTable, r *legacyRule) *legacyText {
	const noProtocol, lengthField, source, destination = 2, 4, 8, 16
	const inverseProtocol, inverseIn, inverseOut, inverseSource, inverseDestination, inverseLogicalIn, inverseLogicalOut = 1, 2, 4, 8, 0x10, 0x20, 0x40
	x, e := &legacyText{}, r.entry
	flags, inverse := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
	switch {
	case flags&lengthField != 0:
		x.add(inverse&inverseProtocol != 0, "-p", "LENGTH")
	case flags&noProtocol == 0:
		x.add(inverse&inverseProtocol != 0, "-p", etherType(binary.BigEndian.Uint16(e[8:])))
	}
	x.bridgeDevice(inverse&inverseIn != 0, "-i", e[10:26])
	x.bridgeDevice(inverse&inverseLogicalIn != 0, "--logical-in", e[26:42])
	x.bridgeDevice(inverse&inverseOut != 0, "-o", e[42:58])
	x.bridgeDevice(inverse&inverseLogicalOut != 0, "--logical-out", e[58:74])
	if flags&source != 0 {
		x.mac(inverse&inverseSource != 0, "-s", e[74:80], e[80:86])
	}
	if flags&destination != 0 {
		x.mac(inverse&inverseDestination != 0, "-d", e[86:92], e[92:98])
	}
	eachEbtExtension(e[ebtHead:binary.NativeEndian.Uint32(e[ebtTarget:])], func(name string) { x.unknown("--" + name) })
	name, verdict := ebtTargetOf(e)
	switch {
	case name != ebtStandard:
		x.unknown("-j " + name)
	case verdict < 0:
		x.add(false, "-j", ebtVerdicts[verdict]) // others are refused by the kernel
	default:
		x.add(false, "-j", t.chainName(verdict))
	}
	return x
}

func etherType(number uint16) string {
	if name := ebtProtocols[number]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%x", number)
}

// bridgeDevice adds the name of a device, in which byte 1 stands for any further characters.
func (x *legacyText) bridgeDevice(negated bool, option string, name []byte) {
	if text := cString(name); text != "" {
		x.add(negated, option, strings.ReplaceAll(text, "\x01", "+"))
	}
}

func (x *legacyText) mac(negated bool, option string, address, mask []byte) {
	text := net.HardwareAddr(address).String()
	if m := net.HardwareAddr(mask).String(); m != "ff:ff:ff:ff:ff:ff" {
		text += "/" + m
	}
	x.add(negated, option, text)
}

// eachEbtExtension calls f with the names of matches and watchers (struct ebt_entry_match: name, size of the data).
func eachEbtExtension(raw []byte, f func(name string)) {
	for len(raw) >= ebtTargetData {
		f(cString(raw[:ebtTargetSize-1]))
		size := ebtTargetData + uint64(binary.NativeEndian.Uint32(raw[ebtTargetSize:]))
		raw = raw[min(size, uint64(len(raw))):]
	}
}
