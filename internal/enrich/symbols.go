// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

const (
	// renewEvery is the least time in ns from one reading of the kernel's symbols to
	// the next, and renewSeldom the time where reading does not help.
	renewEvery  = 5_000_000_000
	renewSeldom = 60_000_000_000
)

// SymbolSource is where the kernel's symbols are read again; [kernel.SymbolsFile] is one.
// Its methods may be called at the same time.
type SymbolSource interface {
	Read() (*kernel.Symbols, error)
	// Current says that the modules are still those of a list.
	Current(*kernel.Symbols) bool
}

// unchanging is the source of symbols that stay as they are.
type unchanging struct{}

func (unchanging) Read() (*kernel.Symbols, error) { return nil, errors.New("not to be read") }
func (unchanging) Current(*kernel.Symbols) bool   { return true }

// symbols find functions by address. Modules and BPF programs come and go, and what comes may
// lie right behind what was there, so that a list tells for sure only of an address that was
// used before it was read. Others have the list read anew: beside the events, which
// it would hold up for a tenth of a second, and seldom.
type symbols struct {
	list   *kernel.Symbols // nil: the kernel hides them
	asOf   uint64          // the kernel time when the reading of list began, 0 for unknown
	source SymbolSource
	now    uint64 // the time of the event whose addresses are looked up

	// wanted are addresses that were not found since the last reading began, and asked
	// those from before, which it is for.
	wanted, asked map[uint64]struct{}
	// generated are the farthest offsets that are known to lie in code which the kernel
	// made at run time, by where it starts.
	generated map[uint64]uint64

	reading bool
	fresh   chan reading
	due     uint64 // the kernel time before which it is not read
	pause   uint64
}

// reading is what came of one; without a list it failed.
type reading struct {
	list *kernel.Symbols
	asOf uint64
}

func newSymbols(list *kernel.Symbols, source SymbolSource) *symbols {
	return &symbols{
		list: list, source: source, pause: renewEvery, fresh: make(chan reading, 1),
		wanted: map[uint64]struct{}{}, generated: map[uint64]uint64{},
	}
}

// lookup is that of [kernel.Symbols] where it can be relied on, and notes what is not found.
func (s *symbols) lookup(addr uint64) (name, module string, offset uint64, ok bool) {
	if s.list == nil {
		return "", "", 0, false
	}
	if name, module, offset, ok = s.reliable(addr); ok {
		return name, module, offset, ok
	}
	if s.list.Partial {
		s.complete()
		if name, module, offset, ok = s.reliable(addr); ok {
			return name, module, offset, ok
		}
	}
	makeRoom(s.wanted, rememberedMost)
	s.wanted[addr] = struct{}{}
	return "", "", 0, false
}

// reliable is what the list tells of an address, if that was so when the event happened.
func (s *symbols) reliable(addr uint64) (name, module string, offset uint64, ok bool) {
	name, module, offset, ok = s.list.Lookup(addr)
	switch {
	case !ok || module == "": // the kernel itself does not change
	case isGenerated(module):
		if s.now <= s.asOf {
			s.confirm(addr-offset, offset)
		}
		farthest, known := s.generated[addr-offset]
		ok = known && offset <= farthest
	default:
		ok = s.now <= s.asOf || s.source.Current(s.list)
	}
	if !ok {
		return "", "", 0, false
	}
	return name, module, offset, true
}

// isGenerated says that it is no module: BPF programs and trampolines have such names in the
// place of one.
func isGenerated(module string) bool {
	return module == "bpf" || strings.HasPrefix(module, "__builtin__")
}

func (s *symbols) confirm(start, offset uint64) {
	s.generated[start] = max(s.generated[start], offset)
}

// complete reads those of modules too, on which events wait, once.
func (s *symbols) complete() {
	if r := s.read(); r.list != nil {
		s.list, s.asOf = r.list, r.asOf
	} else {
		s.list.Partial = false
	}
}

func (s *symbols) read() reading {
	asOf := uint64(now(unix.CLOCK_MONOTONIC))
	list, err := s.source.Read()
	if err != nil {
		return reading{}
	}
	return reading{list, asOf}
}

// renewed is called for each event, with its time. It has missing symbols looked
// for, and says whether the list is another one from here on.
func (s *symbols) renewed(now uint64) bool {
	s.now = now
	switch {
	case s.reading:
		return s.take()
	case len(s.wanted) > 0 && now >= s.due:
		s.reading = true
		s.asked, s.wanted = s.wanted, map[uint64]struct{}{}
		go func() { s.fresh <- s.read() }()
	}
	return false
}

// take takes the new list if it is there. Where that has nothing of what was asked for, the
// next reading is put off for longer: some programs have no symbols.
func (s *symbols) take() bool {
	var r reading
	select {
	case r = <-s.fresh:
	default:
		return false
	}
	s.reading = false
	s.pause = min(2*s.pause, renewSeldom)
	if r.list == nil { // things are as they were, and is to be tried again
		s.wanted = s.asked
	} else if s.replace(r) {
		s.pause = renewEvery
	}
	s.due = s.now + s.pause
	return r.list != nil
}

// replace says whether the new list has something that was asked for.
func (s *symbols) replace(r reading) (found bool) {
	generated := s.generated
	s.generated = map[uint64]uint64{}
	for start, offset := range generated {
		if isSame(s.list, r.list, start, offset) {
			s.confirm(start, offset)
		}
	}
	s.list, s.asOf = r.list, r.asOf
	for addr := range s.asked {
		_, module, offset, ok := s.list.Lookup(addr)
		if found = found || ok; ok && isGenerated(module) {
			s.confirm(addr-offset, offset)
		}
	}
	return found
}

// isSame says that what the old list has at start is what the new one has up to that offset.
func isSame(old, new *kernel.Symbols, start, offset uint64) bool {
	was, _, _, _ := old.Lookup(start)
	is, _, at, ok := new.Lookup(start + offset)
	return ok && is == was && at == offset
}
