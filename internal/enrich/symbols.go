// SPDX-License-Identifier: Apache-2.0

package enrich

import "tracer/internal/kernel"

const (
	// renewEvery is the least time in ns from one reading of the kernel's symbols to
	// the next, and renewSeldom the time where reading does not help.
	renewEvery  = 5_000_000_000
	renewSeldom = 60_000_000_000
)

// symbols find functions by address. Modules and BPF programs come and go, so an
// address that no symbol covers has the list read anew: beside the events, which
// it would hold up for a tenth of a second, and seldom.
type symbols struct {
	list *kernel.Symbols // nil: the kernel hides them
	read func() (*kernel.Symbols, error)

	missing uint64 // an address without a symbol, 0 for none
	reading bool
	fresh   chan *kernel.Symbols
	due     uint64 // the kernel time before which it is not read
	pause   uint64
}

func newSymbols(list *kernel.Symbols, read func() (*kernel.Symbols, error)) *symbols {
	return &symbols{list: list, read: read, fresh: make(chan *kernel.Symbols, 1), pause: renewEvery}
}

// lookup is that of [kernel.Symbols], and notes what is not found.
func (s *symbols) lookup(addr uint64) (name, module string, offset uint64, ok bool) {
	if s.list == nil {
		return "", "", 0, false
	}
	name, module, offset, ok = s.list.Lookup(addr)
	if !ok && s.list.Partial {
		s.complete()
		name, module, offset, ok = s.list.Lookup(addr)
	}
	if !ok {
		s.missing = addr
	}
	return name, module, offset, ok
}

// complete reads those of modules too, on which events wait, once.
func (s *symbols) complete() {
	if list, err := s.read(); err == nil {
		s.list = list
	} else {
		s.list.Partial = false
	}
}

// renewed is called for each event, with its time. It has a missing symbol looked
// for, and says whether the list is another one from here on.
func (s *symbols) renewed(now uint64) bool {
	switch {
	case s.reading:
		return s.take(now)
	case s.missing != 0 && now >= s.due:
		s.reading = true
		go s.fetch()
	}
	return false
}

// fetch reads the list; an error leaves things as they are.
func (s *symbols) fetch() {
	list, err := s.read()
	if err != nil {
		list = nil
	}
	s.fresh <- list
}

func (s *symbols) take(now uint64) bool {
	select {
	case list := <-s.fresh:
		s.reading = false
		s.replace(list, now)
		return list != nil
	default:
		return false
	}
}

// replace takes the new list. Where it does not have what was missing, the next
// reading is put off for longer: some programs have no symbols.
func (s *symbols) replace(list *kernel.Symbols, now uint64) {
	missing := s.missing
	if s.missing = 0; list != nil {
		s.list = list
	}
	if _, _, _, ok := s.list.Lookup(missing); ok {
		s.pause = renewEvery
	} else {
		s.pause = min(2*s.pause, renewSeldom)
	}
	s.due = now + s.pause
}
