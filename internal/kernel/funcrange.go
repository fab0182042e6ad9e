// SPDX-License-Identifier: Apache-2.0

package kernel

// FuncRange is the address range of a function that was requested by name, whatever arguments it takes.
type FuncRange struct {
	Name, Module string
	// Addr is the address to probe, and End the address after the function's last byte.
	Addr, End uint64
	// Refused is why it can't be traced; empty if it can.
	Refused string
}

// funcRanges returns the functions with these names in vmlinux and every module, by address.
func (sel *selector) funcRanges(names []string) []FuncRange {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var out []FuncRange
	for i, sym := range sel.symbols.list {
		if sym.length == 0 || !wanted[string(sel.symbols.name(sym))] {
			continue
		}
		out = append(out, sel.funcRange(sym, sel.symbols.after(i)))
	}
	return out
}

func (sel *selector) funcRange(sym symbol, end uint64) FuncRange {
	p := FuncRange{Name: string(sel.symbols.name(sym)), Module: sel.symbols.modules[sym.module], Addr: sym.addr, End: end}
	spans, why := sel.probeable(&candidate{name: p.Name, module: p.Module, spans: []span{{p.Addr, p.End}}})
	if p.Refused = why; len(spans) == 1 {
		p.Addr = spans[0].start
	}
	return p
}
