// SPDX-License-Identifier: Apache-2.0

package enrich

import "tracer/internal/kernel"

type symbol struct{ name, module string }

// functions name the entries of functions.
type functions struct {
	attached map[uint64]symbol
	others   *places
}

func newFunctions(attached []kernel.Function, others *places) functions {
	known := make(map[uint64]symbol, len(attached))
	for _, f := range attached {
		known[f.Addr] = symbol{f.Name, f.Module}
	}
	delete(known, 0) // kptr_restrict hid the addresses
	return functions{known, others}
}

// name is that of the function at or around addr: without bpf_get_func_ip
// (before 5.15) addr can be a few bytes past the entry.
func (f *functions) name(addr uint64) (name, module string) {
	if s, ok := f.attached[addr]; ok {
		return s.name, s.module
	}
	around := f.others.at(addr)
	return around.Symbol, around.Module
}
