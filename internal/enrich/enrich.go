// SPDX-License-Identifier: Apache-2.0

// Package enrich turns the numbers of an event into names: functions, BPF programs, drop reasons, stacks,
// network namespaces, times and values.
package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// Options are the sources of names. Each may be missing; its numbers then stay numbers.
type Options struct {
	// Symbols name the code that dropped a packet, the frames of stacks, and functions that are not in
	// Functions. If a symbol is missing, they are read again from SymbolSource; nil means never.
	Symbols      *kernel.Symbols
	SymbolSource SymbolSource
	// Functions are the attached functions, Tracepoints those of the plan, in its order.
	Functions   []kernel.Function
	Tracepoints []kernel.Tracepoint
	// Reasons are the names of drop reasons by value; nil before 5.17.
	Reasons map[uint32]string
	// Program returns the BPF program with an id, or nil.
	Program func(id uint32) *kernel.Program
	// NetnsFolders are the folders whose entries are named network namespaces; nil means that the names
	// are not requested.
	NetnsFolders []string
	// WallTime requests the times of events on the wall clock.
	WallTime bool
	// SkbFormat and SharedFormat format the bytes of a sk_buff and its skb_shared_info, Values and
	// XDPValues the values of the expressions. What they return is valid until the next call; nil means not
	// requested.
	SkbFormat, SharedFormat func(raw []byte) *event.Value
	Values, XDPValues       func(raw []byte) []event.NamedValue
	// Lookups decode the lookups of functions, by the addresses of the functions.
	Lookups map[uint64]*lookup.Reader
}

// Enricher fills in the names of events. It is for one goroutine.
type Enricher struct {
	symbols     *symbols
	locations   locations
	functions   functions
	results     results
	programs    programs
	lookups     lookups
	tracepoints []kernel.Tracepoint
	stacks      stacks
	reasons     reasons
	clock       *clock      // nil: not requested
	namespaces  *namespaces // nil: not requested
	dumps       *dumps      // nil: not requested
}

// New returns an Enricher with the names of o.
func New(o Options) *Enricher {
	if o.SymbolSource == nil {
		o.SymbolSource = unchanging{}
	}
	r := &Enricher{
		symbols:     newSymbols(o.Symbols, o.SymbolSource),
		tracepoints: o.Tracepoints,
		reasons:     newReasons(o.Reasons),
		dumps:       newDumps(o),
	}
	r.locations = newLocations(r.symbols)
	r.functions = newFunctions(o.Functions, &r.locations)
	r.results = newResults(o.Functions)
	r.programs = newPrograms(o.Program)
	r.lookups.readers = o.Lookups
	r.stacks = newStacks(r.symbols, &r.locations)
	if len(o.NetnsFolders) > 0 {
		r.namespaces = newNamespaces(o.NetnsFolders)
	}
	if o.WallTime {
		r.clock = newClock(readClocks)
	}
	return r
}

// Enrich sets e.Names and the sections that are made from e.Raw. Lost and Summary events have none of them.
// The sections are valid until the next call. It is [Enricher.Name] and then [Enricher.Complete].
func (r *Enricher) Enrich(e *event.Event) {
	r.Name(e)
	r.Complete(e)
}

// Name sets the name of the function, tracepoint or BPF program, and what follows from it: the result and
// the lookup. It clears all other names.
func (r *Enricher) Name(e *event.Event) {
	clearNames(e)
	if isPacket(e) {
		r.renew(e.Time)
		r.name(e)
	}
}

// Complete sets the other names and sections of an event that has its function's name.
func (r *Enricher) Complete(e *event.Event) {
	if !isPacket(e) {
		return
	}
	if e.Drop.HasReason || e.Drop.Location != 0 {
		r.nameDrop(e)
	}
	if len(e.Raw.Stack) != 0 {
		r.stacks.name(e)
	}
	if r.dumps != nil {
		r.dumps.name(e)
	}
	if r.namespaces != nil {
		e.Names.Netns = r.namespaces.name(e.Meta.Netns, e.Time)
	}
	if r.clock != nil {
		e.Names.WallTime = r.clock.wall(e.Time)
	}
}

// isPacket reports whether the event is about a packet, not a record of the run.
func isPacket(e *event.Event) bool { return e.Kind != event.Lost && e.Kind != event.Summary }

// clearNames clears what Enrich sets: a source reuses its events.
func clearNames(e *event.Event) {
	e.Names = event.Names{}
	e.BPF, e.Lookup, e.Stack = nil, nil, nil
	e.SkbDump, e.SharedInfo, e.Values, e.XDPValues = nil, nil, nil, nil
}

// renew clears the caches of names made from symbols when there are new symbols.
func (r *Enricher) renew(now uint64) {
	if r.symbols.renewed(now) {
		r.locations.forget()
		r.stacks.forget()
	}
}

func (r *Enricher) name(e *event.Event) {
	switch e.Kind {
	case event.Return, event.Looked:
		e.Names.Result = r.results.read(e.Addr, e.Return.Value)
		r.lookups.name(e)
		fallthrough
	case event.Function:
		r.functions.name(e)
		return
	case event.Program, event.Verdict:
		r.programs.name(e)
		return
	}
	if e.Raw.ID < uint64(len(r.tracepoints)) {
		t := &r.tracepoints[e.Raw.ID]
		e.Names.Func, e.Names.Module = t.Name, t.Module
	}
}

func (r *Enricher) nameDrop(e *event.Event) {
	if e.Drop.HasReason {
		e.Names.Reason = r.reasons.name(e.Drop.Reason)
	}
	if !e.Drop.Dropped && isNoReason(e.Names.Reason) {
		e.Drop.HasReason, e.Drop.Reason, e.Names.Reason = false, 0, ""
	}
	if e.Drop.Location != 0 {
		e.Names.Location = r.locations.at(e.Drop.Location).text
	}
}
