// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EbtRule is a rule of ebtables for frames of an EtherType; 0 is any.
type EbtRule struct {
	EtherType uint16
	// Target is ACCEPT, DROP, CONTINUE, RETURN, or the name of a chain.
	Target string
}

// EbtChain is a chain with its rules, and what becomes of frames at its end. Base chains have their names.
type EbtChain struct {
	Name   string
	Policy string
	Rules  []EbtRule
}

// ebtReplace is struct ebt_replace.
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

var ebtVerdicts = map[string]int32{"ACCEPT": -1, "DROP": -2, "CONTINUE": -3, "RETURN": -4}

// ebtTables are the base chains of the tables of ebtables, by hook.
var ebtTables = map[string]map[int]string{"filter": baseChains, "nat": {0: "PREROUTING", 3: "OUTPUT", 4: "POSTROUTING"}}

// SetEbtRules replaces a table of ebtables, filter or nat. The first three chains must be its base chains: INPUT,
// FORWARD and OUTPUT, or PREROUTING, OUTPUT and POSTROUTING. It skips the test on kernels without ebtables.
func SetEbtRules(t testing.TB, n *Netns, table string, chains ...EbtChain) {
	t.Helper()
	needsModule(t, n.Do(func() error { return newEbtBlob(chains).replace(table) }))
}

// EbtTable returns the rules as the kernel gives them out.
func EbtTable(chains ...EbtChain) []byte { return newEbtBlob(chains).raw }

func newEbtBlob(chains []EbtChain) *ebtBlob {
	b := &ebtBlob{starts: map[string]int32{}}
	b.build(chains) // finds out where the chains begin
	b.build(chains)
	return b
}

// ebtBlob is a table as the kernel wants it.
type ebtBlob struct {
	raw    []byte
	count  uint32
	starts map[string]int32
}

func (b *ebtBlob) build(chains []EbtChain) {
	b.raw, b.count = nil, 0
	for _, c := range chains {
		b.starts[c.Name] = int32(len(b.raw))
		const headSize, counterAt = 48, 36
		head := make([]byte, headSize)
		copy(head[4:], c.Name)
		binary.NativeEndian.PutUint32(head[counterAt:], b.count)
		binary.NativeEndian.PutUint32(head[counterAt+4:], uint32(ebtVerdicts[c.Policy]))
		binary.NativeEndian.PutUint32(head[counterAt+8:], uint32(len(c.Rules)))
		b.raw = append(b.raw, head...)
		for _, r := range c.Rules {
			b.rule(r)
		}
	}
}

func (b *ebtBlob) rule(r EbtRule) {
	const head, size, dataSize, isEntry, noProtocol = 112, 160, 8, 1, 2
	entry := make([]byte, size)
	flags := uint32(isEntry)
	if r.EtherType == 0 {
		flags |= noProtocol
	}
	binary.NativeEndian.PutUint32(entry, flags)
	binary.BigEndian.PutUint16(entry[8:], r.EtherType)
	for i, offset := range []uint32{head, head, size} { // of watchers, target, next rule
		binary.NativeEndian.PutUint32(entry[100+4*i:], offset)
	}
	copy(entry[head:], "standard")
	binary.NativeEndian.PutUint32(entry[head+32:], dataSize)
	verdict, ok := ebtVerdicts[r.Target]
	if !ok {
		verdict = b.starts[r.Target]
	}
	binary.NativeEndian.PutUint32(entry[head+40:], uint32(verdict))
	b.raw = append(b.raw, entry...)
	b.count++
}

// replace makes the kernel use the table instead of the present one (EBT_SO_SET_ENTRIES).
func (b *ebtBlob) replace(table string) error {
	const setEntries = 128
	var pinner runtime.Pinner
	pinner.Pin(&b.raw[0])
	defer pinner.Unpin()
	first := uintptr(unsafe.Pointer(&b.raw[0]))
	r := ebtReplace{entries: b.count, size: uint32(len(b.raw)), entryList: first}
	copy(r.name[:], table)
	for hook, name := range ebtTables[table] {
		r.hooks |= 1 << hook
		r.hookEntries[hook] = first + uintptr(b.starts[name])
	}
	// The kernel reads the rules through the pointer, but wants their size in the length, too.
	value := make([]byte, int(unsafe.Sizeof(r))+len(b.raw))
	copy(value, unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r)))
	return setsockopt(unix.AF_INET, unix.IPPROTO_IP, setEntries, value)
}
