// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packed is a symbol in the tables of the tests.
type packed struct {
	addr uint64
	kind byte
	name string
}

const (
	memoryBegin = 0xffffffff80000000
	namesAt     = memoryBegin + 0x1000
	tokensAt    = memoryBegin + 0x3000
	indexAt     = memoryBegin + 0x4000
	offsetsAt   = memoryBegin + 0x5000
	countAt     = memoryBegin + 0x6000
	baseAt      = memoryBegin + 0x6008
	memorySize  = 0x40000
)

// memoryImage returns a file like /proc/kcore, with compressed symbol tables in kernel memory. Each token is
// one byte.
func memoryImage(t *testing.T, list []packed, offset func(i int, addr uint64) int32, base uint64) *core {
	t.Helper()
	mem := make([]byte, memorySize)
	at := func(addr uint64) []byte { return mem[addr-memoryBegin:] }
	var names []byte
	for i, s := range list {
		name := string(s.kind) + s.name
		if n := len(name); n < 0x80 {
			names = append(names, byte(n))
		} else {
			names = append(names, byte(n)|0x80, byte(n>>7))
		}
		names = append(names, name...)
		binary.LittleEndian.PutUint32(at(offsetsAt+4*uint64(i)), uint32(offset(i, s.addr)))
	}
	copy(at(namesAt), names)
	for i := range 256 {
		binary.LittleEndian.PutUint16(at(indexAt+2*uint64(i)), uint16(2*i))
		at(tokensAt + 2*uint64(i))[0] = byte(i)
	}
	binary.LittleEndian.PutUint32(at(countAt), uint32(len(list)))
	binary.LittleEndian.PutUint64(at(baseAt), base)
	info := fmt.Sprintf("OSRELEASE=7\nSYMBOL(kallsyms_num_syms)=%x\nSYMBOL(kallsyms_names)=%x\nSYMBOL(kallsyms_token_table)=%x\n"+
		"SYMBOL(kallsyms_token_index)=%x\nSYMBOL(kallsyms_offsets)=%x\nSYMBOL(_stext)=%x\n",
		uint64(countAt), uint64(namesAt), uint64(tokensAt), uint64(indexAt), uint64(offsetsAt), list[1].addr)
	if base != 0 {
		info += fmt.Sprintf("SYMBOL(kallsyms_relative_base)=%x\n", uint64(baseAt))
	}
	notes := append(note("CORE", "12345"), note(vmcoreinfo, info)...)
	file, err := os.Create(filepath.Join(t.TempDir(), "kcore"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(append(mem, notes...)); err != nil {
		t.Fatal(err)
	}
	return &core{file, []*elf.Prog{
		{ProgHeader: elf.ProgHeader{Type: elf.PT_NOTE, Off: memorySize, Filesz: uint64(len(notes))}},
		{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Vaddr: memoryBegin, Memsz: memorySize}},
	}}
}

func note(name, description string) []byte {
	pad := func(b []byte) []byte { return append(b, make([]byte, (4-len(b)%4)%4)...) }
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(name)+1))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(description)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = pad(append(b, name+"\x00"...))
	return pad(append(b, description...))
}

// usual returns the symbols of the tests, the second of which is _stext.
func usual(first uint64) []packed {
	return []packed{
		{first, 'D', "variable"},
		{memoryBegin + 0x10000, 'T', "_stext"},
		{memoryBegin + 0x10000, 't', "other_name"},
		{memoryBegin + 0x10100, 'T', strings.Repeat("long", 50)},
		{memoryBegin + 0x10200, 'D', "_edata"},
	}
}

func headOf(list []packed) (head []byte) {
	for _, s := range list[:2] {
		head = fmt.Appendf(head, "%016x %c %s\n", s.addr, s.kind, s.name)
	}
	return head
}

func TestTables(t *testing.T) {
	const base = memoryBegin + 0x8000
	for name, test := range map[string]struct {
		first  uint64
		base   uint64
		offset func(i int, addr uint64) int32
	}{
		"relative to a base": {base + 0x10, base, func(_ int, addr uint64) int32 { return int32(addr - base) }},
		"subtracted from a base": {0x4000, base, func(_ int, addr uint64) int32 {
			if addr < memoryBegin {
				return int32(addr)
			}
			return int32(base - 1 - addr)
		}},
		"relative to the offset itself": {memoryBegin + 0x9000, 0, func(i int, addr uint64) int32 { return int32(addr - offsetsAt - 4*uint64(i)) }},
	} {
		list := usual(test.first)
		s, err := unpack(memoryImage(t, list, test.offset, test.base), headOf(list))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _, offset, ok := s.Lookup(memoryBegin + 0x10001); !ok || got != "_stext" || offset != 1 {
			t.Errorf("%s: %s+%d, %v", name, got, offset, ok)
		}
		if got, _, _, ok := s.Lookup(memoryBegin + 0x10100); !ok || got != strings.Repeat("long", 50) {
			t.Errorf("%s: %s, %v", name, got, ok)
		}
		if _, _, _, ok := s.Lookup(memoryBegin + 0x10200); ok || !s.Partial {
			t.Errorf("%s: data is a function: %v; partial: %v", name, ok, s.Partial)
		}
	}
}

// TestTablesThatDisagree checks that tables are rejected if they do not agree with what the kernel prints.
func TestTablesThatDisagree(t *testing.T) {
	const base = memoryBegin + 0x8000
	offset := func(_ int, addr uint64) int32 { return int32(addr - base) }
	list := usual(base)
	hidden := []packed{{0, 'D', "variable"}, {0, 'T', "_stext"}}
	moved := usual(base)
	moved[1].addr += 8
	for name, test := range map[string]struct {
		c    *core
		head []byte
	}{
		"hidden addresses":        {memoryImage(t, list, offset, base), headOf(hidden)},
		"another kernel":          {memoryImage(t, list, offset, base), headOf(moved)},
		"printed symbols missing": {memoryImage(t, list[:2], offset, base), append(headOf(list), headOf(list)...)},
		"count too large":         {memoryImage(t, list, offset, base), headOf(list)},
		"names that do not end":   {memoryImage(t, list, offset, base), headOf(list)},
		"no tables":               {&core{segments: []*elf.Prog{}}, headOf(list)},
	} {
		switch name {
		case "count too large":
			write(t, test.c, countAt, []byte{0xff, 0xff, 0xff, 0xff})
		case "names that do not end":
			write(t, test.c, namesAt, []byte{0})
		}
		if s, err := unpack(test.c, test.head); err == nil {
			t.Errorf("%s: %d symbols", name, len(s.list))
		}
	}
}

func write(t *testing.T, c *core, addr uint64, b []byte) {
	t.Helper()
	if _, err := c.file.WriteAt(b, int64(addr-memoryBegin)); err != nil {
		t.Fatal(err)
	}
}
