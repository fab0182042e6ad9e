// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"tracer/internal/printable"
)

// The kernel gives out the tables of iptables-legacy and ebtables by getsockopt only. No library does that without
// libiptc, which is not packaged for Go, and golang.org/x/sys/unix has no getsockopt whose buffer is an input, too. So
// this file calls it.

// legacyFormat is a family of tables: how to read and to print them.
type legacyFormat struct {
	// names is the file with the names of the tables of a namespace; the kernel would create another one when asked.
	names                  string
	family, level, options int
	// hooks are the names of the chains of the hooks.
	hooks []string
	// Positions in a rule: of the offsets of its target and of the next rule, of the counters, and of its matches.
	// The conditions are at its beginning.
	offsets, counters, head, conditions int
	// gotoAt and gotoBit are the flag for a goto instead of a jump; 0 for none.
	gotoAt  int
	gotoBit byte

	read  func(f *legacyFormat, table string) (*legacyTable, error)
	print func(t *legacyTable, r *legacyRule) *legacyText
}

var (
	ipHooks     = []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}
	arpChains   = []string{"INPUT", "OUTPUT", "FORWARD"}
	bridgeHooks = []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "BROUTING"}
)

// legacyFormats are the formats, from include/uapi/linux/netfilter_ipv4/ip_tables.h and its likes, by family.
var legacyFormats = map[uint8]*legacyFormat{
	unix.NFPROTO_IPV4: {
		names: "ip_tables_names", family: unix.AF_INET, level: unix.IPPROTO_IP, options: 64, hooks: ipHooks,
		offsets: 88, counters: 96, head: 112, conditions: 84, gotoAt: 82, gotoBit: 2, read: readXtables, print: printIP4,
	},
	unix.NFPROTO_IPV6: {
		names: "ip6_tables_names", family: unix.AF_INET6, level: unix.IPPROTO_IPV6, options: 64, hooks: ipHooks,
		offsets: 140, counters: 152, head: 168, conditions: 136, gotoAt: 131, gotoBit: 4, read: readXtables, print: printIP6,
	},
	unix.NFPROTO_ARP: {
		names: "arp_tables_names", family: unix.AF_INET, level: unix.IPPROTO_IP, options: 96, hooks: arpChains,
		offsets: 164, counters: 176, head: 192, conditions: 164, read: readXtables, print: printARP,
	},
	unix.NFPROTO_BRIDGE: {
		family: unix.AF_INET, level: unix.IPPROTO_IP, options: 128, hooks: bridgeHooks, conditions: 100, read: readEbtables, print: printEbtables,
	},
}

const (
	// tableNameSize is XT_TABLE_MAXNAMELEN.
	tableNameSize = 32
	// legacyMost is the size of the largest table that is read.
	legacyMost = 32 << 20
	// legacyReads is how often a table is read if it changes meanwhile.
	legacyReads = 3
)

// getsockopt calls the option number `option` of the format. The buffer is input and output.
func (f *legacyFormat) getsockopt(socket, option int, buffer []byte) error {
	size := uint32(len(buffer))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(f.level), uintptr(f.options+option),
		uintptr(unsafe.Pointer(&buffer[0])), uintptr(unsafe.Pointer(&size)), 0)
	runtime.KeepAlive(buffer)
	if errno != 0 {
		return errno
	}
	return nil
}

// nameBuffer returns a buffer that begins with the name of a table.
func nameBuffer(table string, size int) ([]byte, error) {
	if len(table) >= tableNameSize {
		return nil, fmt.Errorf("the name has %d bytes", len(table))
	}
	buffer := make([]byte, size)
	copy(buffer, table)
	return buffer, nil
}

// exists reports whether the thread's namespace has a table.
func (f *legacyFormat) exists(table string) error {
	list, err := os.ReadFile(procNet + f.names)
	if err == nil && !slices.Contains(strings.Fields(string(list)), table) {
		err = fmt.Errorf("no table %s", printable.Quote(table))
	}
	return err
}

// readXtables reads a table of iptables-legacy, ip6tables-legacy or arptables-legacy of the thread's namespace.
func readXtables(f *legacyFormat, table string) (t *legacyTable, err error) {
	if err := f.exists(table); err != nil {
		return nil, err
	}
	socket, err := unix.Socket(f.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	for range legacyReads {
		var info *xtInfo
		var raw []byte
		if info, raw, err = f.entries(socket, table); err == nil {
			return parseXtables(f, info, raw)
		}
		if !errors.Is(err, unix.EAGAIN) { // the size has changed
			return nil, err
		}
	}
	return nil, err
}

// xtInfo is what struct ipt_getinfo tells about a table.
type xtInfo struct {
	valid uint32
	// entry and underflow are the positions of the first rule and of the policy, by hook.
	entry, underflow []int
	count, size      int
}

// entries returns a description of the table and its rules (struct ipt_getinfo, struct ipt_get_entries).
func (f *legacyFormat) entries(socket int, table string) (*xtInfo, []byte, error) {
	const getInfo, getEntries, header = 0, 1, 40
	hooks := len(f.hooks)
	buffer, err := nameBuffer(table, tableNameSize+4*(1+2*hooks+2))
	if err != nil {
		return nil, nil, err
	}
	if err := f.getsockopt(socket, getInfo, buffer); err != nil {
		return nil, nil, err
	}
	var numbers []int
	for rest := buffer[tableNameSize:]; len(rest) > 0; rest = rest[4:] {
		numbers = append(numbers, int(binary.NativeEndian.Uint32(rest)))
	}
	info := &xtInfo{uint32(numbers[0]), numbers[1 : 1+hooks], numbers[1+hooks : 1+2*hooks], numbers[1+2*hooks], numbers[2+2*hooks]}
	if info.size <= 0 || info.size > legacyMost {
		return nil, nil, fmt.Errorf("the table has %d bytes", info.size)
	}
	if buffer, err = nameBuffer(table, header+info.size); err != nil {
		return nil, nil, err
	}
	binary.NativeEndian.PutUint32(buffer[tableNameSize:], uint32(info.size))
	if err := f.getsockopt(socket, getEntries, buffer); err != nil {
		return nil, nil, err
	}
	return info, buffer[header:], nil
}

// hashOf is the hash of the conditions of a rule that the kernel half makes, FNV-1a by words of 4 bytes.
func hashOf(conditions []byte) uint64 {
	hash := uint64(0xcbf29ce484222325)
	for ; len(conditions) >= 4; conditions = conditions[4:] {
		hash = (hash ^ uint64(binary.NativeEndian.Uint32(conditions))) * 0x100000001b3
	}
	return hash
}

// cString returns the text before the first NUL.
func cString(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return text
}
