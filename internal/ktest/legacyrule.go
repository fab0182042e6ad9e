// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LegacyRule is a rule of iptables-legacy or ip6tables-legacy. Its zero value matches everything.
type LegacyRule struct {
	// Port is the destination port of datagrams; Other matches all that is no datagram.
	Port    uint16
	Other   bool
	Comment string
	// Target is ACCEPT, DROP, RETURN, REJECT, or the name of a chain.
	Target string
	Goto   bool
}

// LegacyChain is a chain with its rules. The base chains INPUT, FORWARD and OUTPUT have a policy, ACCEPT by default.
type LegacyChain struct {
	Name   string
	Policy string
	Rules  []LegacyRule
}

// legacyTable is the layout of a table of iptables-legacy or ip6tables-legacy.
type legacyTable struct {
	family, level int
	// Positions in a rule: of protocol, flags and inversions; of the offsets of target and next rule; of the
	// matches.
	protocol, flags, inverse, offsets, head int
	gotoBit, protocolBit                    byte
}

var legacyTables = map[int]legacyTable{
	4: {unix.AF_INET, unix.IPPROTO_IP, 80, 82, 83, 88, 112, 2, 0},
	6: {unix.AF_INET6, unix.IPPROTO_IPV6, 128, 131, 132, 140, 168, 4, 1},
}

// baseChains are those of the table filter, by hook.
var baseChains = map[int]string{1: "INPUT", 2: "FORWARD", 3: "OUTPUT"}

const (
	filterHooks = 1<<1 | 1<<2 | 1<<3
	// The sizes of struct xt_entry_target with a verdict and with the name of a chain, and of struct xt_entry_match for
	// a datagram and for a comment.
	targetHead, verdictSize, errorSize, portMatch, commentMatch = 32, 40, 64, 48, 288
	acceptVerdict, dropVerdict, returnVerdict                   = -2, -1, -5
)

// SetLegacyRules replaces the table filter of iptables-legacy (version 4) or ip6tables-legacy (version 6). It skips the
// test without them.
func SetLegacyRules(t testing.TB, n *Netns, version int, chains ...LegacyChain) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		layout := legacyTables[version]
		b := legacyBlob{layout: layout, starts: map[string]int{}}
		if err := b.build(complete(chains)); err != nil {
			return err
		}
		return layout.replace(&b)
	}))
}

// complete adds the base chains that are missing, and sorts base chains first, by hook.
func complete(chains []LegacyChain) (all []LegacyChain) {
	isBase := func(c LegacyChain) bool { return hookOf(c.Name) > 0 }
	for hook := 1; hook <= 3; hook++ {
		name := baseChains[hook]
		i := slices.IndexFunc(chains, func(c LegacyChain) bool { return c.Name == name })
		if i < 0 {
			all = append(all, LegacyChain{Name: name})
		} else {
			all = append(all, chains[i])
		}
	}
	return append(all, slices.DeleteFunc(slices.Clone(chains), isBase)...)
}

// hookOf returns the hook of a base chain, or 0.
func hookOf(name string) int {
	for hook, base := range baseChains {
		if base == name {
			return hook
		}
	}
	return 0
}

// legacyBlob is a table as the kernel wants it.
type legacyBlob struct {
	layout           legacyTable
	rules            []byte
	count            uint32
	entry, underflow [5]uint32
	starts           map[string]int
}

// build writes the rules, twice: the first time to find out where the chains begin.
func (b *legacyBlob) build(chains []LegacyChain) error {
	for _, c := range chains {
		b.starts[c.Name] = 0
	}
	for range 2 {
		b.rules, b.count = nil, 0
		for _, c := range chains {
			if err := b.chain(c); err != nil {
				return err
			}
		}
		b.add(LegacyRule{}, errorTarget("ERROR"))
	}
	return nil
}

func (b *legacyBlob) chain(c LegacyChain) error {
	hook := hookOf(c.Name)
	if hook == 0 {
		b.add(LegacyRule{}, errorTarget(c.Name))
	} else {
		b.entry[hook] = uint32(len(b.rules))
	}
	b.starts[c.Name] = len(b.rules)
	for _, r := range c.Rules {
		if err := b.rule(r); err != nil {
			return err
		}
	}
	if hook == 0 {
		return b.rule(LegacyRule{Target: "RETURN"})
	}
	b.underflow[hook] = uint32(len(b.rules))
	if c.Policy == "" {
		c.Policy = "ACCEPT"
	}
	return b.rule(LegacyRule{Target: c.Policy})
}

func (b *legacyBlob) rule(r LegacyRule) error {
	verdicts := map[string]int{"ACCEPT": acceptVerdict, "DROP": dropVerdict, "RETURN": returnVerdict}
	verdict, isVerdict := verdicts[r.Target]
	start, isChain := b.starts[r.Target]
	switch {
	case r.Target == "REJECT":
		b.add(r, target("REJECT", 3+uint32(b.layout.family/unix.AF_INET6))) // the port is unreachable
	case isVerdict:
		b.add(r, target("", uint32(int32(verdict))))
	case isChain:
		b.add(r, target("", uint32(start)))
	default:
		return fmt.Errorf("no chain %q", r.Target)
	}
	return nil
}

// target is a target with a number.
func target(name string, number uint32) []byte {
	b := make([]byte, verdictSize)
	binary.NativeEndian.PutUint16(b, verdictSize)
	copy(b[2:], name)
	binary.NativeEndian.PutUint32(b[targetHead:], number)
	return b
}

// errorTarget stands at the beginning of a chain that is no base chain, and at the end of the table.
func errorTarget(name string) []byte {
	b := make([]byte, errorSize)
	binary.NativeEndian.PutUint16(b, errorSize)
	copy(b[2:], "ERROR")
	copy(b[targetHead:], name)
	return b
}

// add adds a rule with this target.
func (b *legacyBlob) add(r LegacyRule, target []byte) {
	l := b.layout
	entry := make([]byte, l.head)
	if r.Port != 0 || r.Other {
		binary.NativeEndian.PutUint16(entry[l.protocol:], unix.IPPROTO_UDP)
		entry[l.flags] |= l.protocolBit
	}
	if r.Other {
		entry[l.inverse] |= 0x40
	}
	if r.Goto {
		entry[l.flags] |= l.gotoBit
	}
	if r.Port != 0 {
		match := legacyMatch("udp", portMatch)
		for i, port := range []uint16{0, 0xffff, r.Port, r.Port} {
			binary.NativeEndian.PutUint16(match[targetHead+2*i:], port)
		}
		entry = append(entry, match...)
	}
	if r.Comment != "" {
		match := legacyMatch("comment", commentMatch)
		copy(match[targetHead:], r.Comment)
		entry = append(entry, match...)
	}
	binary.NativeEndian.PutUint16(entry[l.offsets:], uint16(len(entry)))
	entry = append(entry, target...)
	binary.NativeEndian.PutUint16(entry[l.offsets+2:], uint16(len(entry)))
	b.rules = append(b.rules, entry...)
	b.count++
}

func legacyMatch(name string, size int) []byte {
	b := make([]byte, size)
	binary.NativeEndian.PutUint16(b, uint16(size))
	copy(b[2:], name)
	return b
}

// replace makes the kernel use the table instead of the present one (struct ipt_replace, IPT_SO_SET_REPLACE).
func (l legacyTable) replace(b *legacyBlob) error {
	const setReplace, header, counterSize = 64, 96, 16
	info := tableInfo{}
	if err := getTable(l.family, l.level, "filter", &info); err != nil {
		return err
	}
	old := info.rest[10]
	counters := make([]byte, int(old)*counterSize)
	var pinner runtime.Pinner
	pinner.Pin(&counters[0])
	defer pinner.Unpin()
	request := make([]byte, tableNameSize, header+len(b.rules))
	copy(request, "filter")
	for _, n := range slices.Concat([]uint32{filterHooks, b.count, uint32(len(b.rules))}, b.entry[:], b.underflow[:], []uint32{old}) {
		request = binary.NativeEndian.AppendUint32(request, n)
	}
	request = binary.NativeEndian.AppendUint64(request, uint64(uintptr(unsafe.Pointer(&counters[0]))))
	request = append(request, b.rules...)
	return setsockopt(l.family, l.level, setReplace, request)
}

// tableNameSize is the size of the name of a table.
const tableNameSize = 32

// setsockopt calls an option of a new socket.
func setsockopt(family, level, option int, value []byte) error {
	socket, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	return errors.Join(unix.SetsockoptString(socket, level, option, string(value)), unix.Close(socket))
}
