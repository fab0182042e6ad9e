// SPDX-License-Identifier: Apache-2.0

package kernel

// FuncRange is the address range of a function that was asked for by name, whatever its arguments.
type FuncRange struct {
	Name, Module string
	// Addr is where it is probed, End the first byte of what follows it.
	Addr, End uint64
	// Refused says why it can't be traced; empty where it can.
	Refused string
}

// funcRanges are where functions of certain names are, in the kernel and every module,
// by address.
func (j *selector) funcRanges(names []string) []FuncRange {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var out []FuncRange
	for i, sym := range j.symbols.list {
		if sym.length == 0 || !wanted[string(j.symbols.name(sym))] {
			continue
		}
		out = append(out, j.funcRange(sym, j.symbols.after(i)))
	}
	return out
}

func (j *selector) funcRange(sym symbol, end uint64) FuncRange {
	p := FuncRange{Name: string(j.symbols.name(sym)), Module: j.symbols.modules[sym.module], Addr: sym.addr, End: end}
	spans, why := j.probeable(&candidate{name: p.Name, module: p.Module, spans: []span{{p.Addr, p.End}}})
	if p.Refused = why; len(spans) == 1 {
		p.Addr = spans[0].start
	}
	return p
}
