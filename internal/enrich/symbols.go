// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

const (
	// renewEvery is the minimum time in ns between two reads of the kernel's symbols, and renewSeldom the time
	// if reading does not help.
	renewEvery  = 5_000_000_000
	renewSeldom = 60_000_000_000
)

// SymbolSource reads the kernel's symbols again; [kernel.SymbolsFile] is one. Its methods may be called
// concurrently.
type SymbolSource interface {
	Read() (*kernel.Symbols, error)
	// Current reports whether the loaded modules are still those of a list.
	Current(*kernel.Symbols) bool
}

// unchanging is a source that is never read.
type unchanging struct{}

func (unchanging) Read() (*kernel.Symbols, error) { return nil, errors.New("not to be read") }
func (unchanging) Current(*kernel.Symbols) bool   { return true }

// symbols finds functions by address. Modules and BPF programs are loaded and unloaded, and new code may lie
// right behind old code, so a list is reliable only for addresses in events before it was read. For other addresses
// the list is read again, rarely, and in another goroutine, since reading takes a tenth of a second.
type symbols struct {
	list   *kernel.Symbols // nil: the kernel hides them
	asOf   uint64          // the kernel time when the reading of list began, 0 for unknown
	source SymbolSource
	now    uint64 // the time of the current event

	// wanted are the addresses that were not found since the last read began, asked those for which that read
	// was made.
	wanted, asked map[uint64]struct{}
	// generated has, by the start of code that the kernel generated at run time, the highest offset that is
	// known to be in it.
	generated map[uint64]uint64

	reading bool
	fresh   chan reading
	due     uint64 // the kernel time of the next read
	pause   uint64
}

// reading is the result of a read. Without a list it has failed.
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

// lookup is [kernel.Symbols.Lookup] if the result is reliable. It records addresses that are not found.
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
	clearFull(s.wanted, cacheSize)
	s.wanted[addr] = struct{}{}
	return "", "", 0, false
}

// reliable looks up an address. ok is false if the list may be wrong for the time of the event.
func (s *symbols) reliable(addr uint64) (name, module string, offset uint64, ok bool) {
	name, module, offset, ok = s.list.Lookup(addr)
	switch {
	case !ok || module == "": // vmlinux does not change
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

// isGenerated reports whether module is a name that kallsyms gives to code generated at run time: BPF programs and
// trampolines.
func isGenerated(module string) bool {
	return module == "bpf" || strings.HasPrefix(module, "__builtin__")
}

func (s *symbols) confirm(start, offset uint64) {
	s.generated[start] = max(s.generated[start], offset)
}

// complete reads the list with the symbols of modules, once. Events wait for it.
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

// renewed is called for each event, with its time. It starts a read if symbols are missing, and reports
// whether the list has changed.
func (s *symbols) renewed(now uint64) bool {
	s.now = now
	return (s.reading || len(s.wanted) > 0) && s.renew()
}

func (s *symbols) renew() bool {
	switch {
	case s.reading:
		return s.take()
	case s.now >= s.due:
		s.reading = true
		s.asked, s.wanted = s.wanted, map[uint64]struct{}{}
		go func() { s.fresh <- s.read() }()
	}
	return false
}

// take takes the new list if it was read. If the list has none of the missing symbols, the pause before the
// next read doubles: some programs have no symbols.
func (s *symbols) take() bool {
	var r reading
	select {
	case r = <-s.fresh:
	default:
		return false
	}
	s.reading = false
	s.pause = min(2*s.pause, renewSeldom)
	if r.list == nil { // failed: try again later
		s.wanted = s.asked
	} else if s.replace(r) {
		s.pause = renewEvery
	}
	s.due = s.now + s.pause
	return r.list != nil
}

// replace takes the new list and reports whether it has any of the missing symbols.
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

// isSame reports whether the code at start, up to that offset, has the same name in both lists.
func isSame(old, new *kernel.Symbols, start, offset uint64) bool {
	was, _, _, _ := old.Lookup(start)
	is, _, at, ok := new.Lookup(start + offset)
	return ok && is == was && at == offset
}
