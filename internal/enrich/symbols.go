// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"

	"tracer/internal/kernel"
)

// rememberedMost bounds the names that are kept so that they need not be made
// again. A kernel has fewer places that drop packets than this.
const rememberedMost = 1 << 14

type symbol struct{ name, module string }

// functions name the entries of functions.
type functions struct {
	symbols  *kernel.Symbols
	attached map[uint64]symbol
	found    map[uint64]symbol
}

func newFunctions(symbols *kernel.Symbols, attached []kernel.Function) functions {
	known := make(map[uint64]symbol, len(attached))
	for _, f := range attached {
		known[f.Addr] = symbol{f.Name, f.Module}
	}
	delete(known, 0) // kptr_restrict hid the addresses
	return functions{symbols, known, map[uint64]symbol{}}
}

// name is that of the function at or around addr: without bpf_get_func_ip
// (before 5.15) addr can be a few bytes past the entry.
func (f *functions) name(addr uint64) (name, module string) {
	s, ok := f.attached[addr]
	if !ok {
		s = f.around(addr)
	}
	return s.name, s.module
}

func (f *functions) around(addr uint64) symbol {
	s, ok := f.found[addr]
	if !ok {
		s = f.find(addr)
		makeRoom(f.found, rememberedMost)
		f.found[addr] = s
	}
	return s
}

func (f *functions) find(addr uint64) symbol {
	if f.symbols == nil {
		return symbol{}
	}
	name, module, _, ok := f.symbols.Lookup(addr)
	if !ok {
		return symbol{}
	}
	return symbol{name, module}
}

// locations name places inside functions.
type locations struct {
	symbols *kernel.Symbols
	known   map[uint64]string
}

func newLocations(symbols *kernel.Symbols) locations {
	return locations{symbols, map[uint64]string{}}
}

// name is like icmp_rcv+0x1a3 or nft_do_chain+0x5c [nf_tables]; empty for no symbol.
func (l *locations) name(addr uint64) string {
	s, ok := l.known[addr]
	if !ok {
		s = l.find(addr)
		makeRoom(l.known, rememberedMost)
		l.known[addr] = s
	}
	return s
}

func (l *locations) find(addr uint64) string {
	if l.symbols == nil {
		return ""
	}
	name, module, offset, ok := l.symbols.Lookup(addr)
	switch {
	case !ok:
		return ""
	case module != "":
		return fmt.Sprintf("%s+%#x [%s]", name, offset, module)
	}
	return fmt.Sprintf("%s+%#x", name, offset)
}

// makeRoom forgets what a full cache holds; what is still in use comes back at once.
func makeRoom[V any](cache map[uint64]V, most int) {
	if len(cache) >= most {
		clear(cache)
	}
}
