// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"

	"tracer/internal/event"
)

// rememberedMost bounds the names that are kept so that they need not be made
// again. A kernel has fewer places that drop packets than this.
const rememberedMost = 1 << 14

// place is an address inside of a function, and the same in words.
type place struct {
	event.Frame
	text string // like icmp_rcv+0x1a3 or nft_do_chain+0x5c [nf_tables]; empty for no symbol
}

// places name addresses inside of functions.
type places struct {
	symbols *symbols
	known   map[uint64]place
	// returns says that the addresses are those that calls return to. The call of a
	// function that does not return can be the last of its caller: the address
	// behind it is that of the next function, or of nothing.
	returns bool
}

func newPlaces(s *symbols) places { return places{symbols: s, known: map[uint64]place{}} }

func newReturns(s *symbols) places {
	return places{symbols: s, known: map[uint64]place{}, returns: true}
}

func (p *places) at(addr uint64) place {
	found, ok := p.known[addr]
	if !ok {
		found = p.find(addr)
		makeRoom(p.known, rememberedMost)
		p.known[addr] = found
	}
	return found
}

func (p *places) find(addr uint64) place {
	var back uint64
	if p.returns {
		back = 1
	}
	found := place{Frame: event.Frame{Addr: addr}}
	name, module, offset, ok := p.symbols.lookup(addr - back)
	if !ok {
		return found
	}
	found.Symbol, found.Module, found.Offset = name, module, offset+back
	found.text = fmt.Sprintf("%s+%#x", name, found.Offset)
	if module != "" {
		found.text += " [" + module + "]"
	}
	return found
}

func (p *places) forget() { clear(p.known) }

// makeRoom forgets what a full cache holds; what is still in use comes back at once.
func makeRoom[V any](cache map[uint64]V, most int) {
	if len(cache) >= most {
		clear(cache)
	}
}
