// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"

	"tracer/internal/event"
)

// cacheSize bounds the caches of names. A kernel has fewer locations that drop packets than this.
const cacheSize = 1 << 14

// location is an address inside a function, and its text.
type location struct {
	event.Frame
	text string // like icmp_rcv+0x1a3 or nft_do_chain+0x5c [nf_tables]; empty without a symbol
}

// locations name addresses inside functions.
type locations struct {
	symbols *symbols
	known   map[uint64]location
	// returns means that the addresses are return addresses. The call of a function that does not return
	// can be the last instruction of its caller: the return address then belongs to the next function, or
	// to none.
	returns bool
}

func newLocations(s *symbols) locations {
	return locations{symbols: s, known: map[uint64]location{}}
}

func newReturnAddresses(s *symbols) locations {
	return locations{symbols: s, known: map[uint64]location{}, returns: true}
}

func (l *locations) at(addr uint64) location {
	found, ok := l.known[addr]
	if !ok {
		found = l.find(addr)
		clearFull(l.known, cacheSize)
		l.known[addr] = found
	}
	return found
}

func (l *locations) find(addr uint64) location {
	var back uint64
	if l.returns {
		back = 1
	}
	found := location{Frame: event.Frame{Addr: addr}}
	name, module, offset, ok := l.symbols.lookup(addr - back)
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

func (l *locations) forget() { clear(l.known) }

// clearFull empties a full cache; entries in use are soon added again.
func clearFull[V any](cache map[uint64]V, size int) {
	if len(cache) >= size {
		clear(cache)
	}
}
