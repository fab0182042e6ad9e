// SPDX-License-Identifier: Apache-2.0

// Package enrich turns the numbers of an event into words, and the words of a
// user about namespaces, interfaces, processes and control groups into numbers.
package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// Options are what names are taken from. Each may be missing; its numbers then
// stay numbers.
type Options struct {
	// Symbols name the code that dropped a packet, the frames of stacks, and functions
	// that are not in Functions. They are read again where one is missing, from SymbolSource;
	// nil has them stay as they are.
	Symbols      *kernel.Symbols
	SymbolSource SymbolSource
	// Functions are those that were attached, Tracepoints those of the plan in its order.
	Functions   []kernel.Function
	Tracepoints []kernel.Tracepoint
	// Reasons are the names of drop reasons by value; nil before 5.17.
	Reasons map[uint32]string
	// Program finds BPF programs by their ids; it gives nil for none.
	Program func(id uint32) *kernel.Program
	// NetnsNames asks for the names of network namespaces, WallTime for times of the wall
	// clock, SinceLast for those since the packet's event before.
	NetnsNames, WallTime, SinceLast bool
	// SkbFormat and SharedFormat format the bytes of a sk_buff and its skb_shared_info, Values and
	// XDPValues the values of the expressions. What they return is valid until the next call; nil means not
	// asked for.
	SkbFormat, SharedFormat func(raw []byte) *event.Value
	Values, XDPValues       func(raw []byte) []event.NamedValue
	// Lookups read what functions looked up, by their addresses.
	Lookups map[uint64]*lookup.Reader
	// CPUs is the number of CPUs that number packets, Followed the most sk_buffs that the kernel
	// follows at a time.
	CPUs     uint32
	Followed int
}

// Enricher fills in the names of events. It is for one goroutine.
type Enricher struct {
	symbols     *symbols
	places      places
	functions   functions
	results     results
	programs    programs
	lookups     lookups
	tracepoints []kernel.Tracepoint
	stacks      stacks
	reasons     reasons
	clock       *clock  // nil: not asked for
	recent      *recent // likewise
	packets     packets
	numbers     *numbers
	endings     endings
	namespaces  *namespaces // nil: not asked for
	dumps       dumps
}

// New is an Enricher with the names of o.
func New(o Options) *Enricher {
	if o.SymbolSource == nil {
		o.SymbolSource = unchanging{}
	}
	r := &Enricher{
		symbols:     newSymbols(o.Symbols, o.SymbolSource),
		tracepoints: o.Tracepoints,
		reasons:     newReasons(o.Reasons),
		packets:     newPackets(),
		numbers:     newNumbers(o.CPUs, o.Followed),
		endings:     newEndings(o.Functions, o.Tracepoints),
		dumps:       dumps{o.SkbFormat, o.SharedFormat, o.Values, o.XDPValues},
	}
	r.places = newPlaces(r.symbols)
	r.functions = newFunctions(o.Functions, &r.places)
	r.results = newResults(o.Functions)
	r.programs = newPrograms(o.Program)
	r.lookups.readers = o.Lookups
	r.stacks = newStacks(r.symbols, &r.places)
	if o.NetnsNames {
		r.namespaces = newNamespaces()
	}
	if o.WallTime {
		r.clock = newClock(readClocks)
	}
	if o.SinceLast {
		r.recent = newRecent()
	}
	return r
}

// Enrich sets e.Names and the sections that are made from e.Raw, and in e.Lineage the numbers that are
// printed. A Lost or Summary event has none of them. The sections are valid until the next call.
func (r *Enricher) Enrich(e *event.Event) {
	clearNames(e)
	switch e.Kind {
	case event.Lost:
		r.numbers.sources.lose(e.CPU, e.Loss.Count)
		return
	case event.Summary:
		return
	}
	r.renew(e.Time)
	r.name(e)
	r.nameDrop(e)
	r.stacks.name(e)
	r.dumps.name(e)
	if r.namespaces != nil {
		e.Names.Netns = r.namespaces.name(e.Meta.Netns, e.Time)
	}
	r.count(e)
	r.numbers.name(&e.Lineage)
}

// clearNames clears what Enrich sets: a source reuses its events.
func clearNames(e *event.Event) {
	e.Names = event.Names{}
	e.BPF, e.Lookup, e.Stack = nil, nil, nil
	e.SkbDump, e.SharedInfo, e.Values, e.XDPValues = nil, nil, nil, nil
}

// renew forgets the names that are made of the symbols when there are other symbols.
func (r *Enricher) renew(now uint64) {
	if r.symbols.renewed(now) {
		r.places.forget()
		r.stacks.forget()
	}
}

// count sets what the event is in the row of those of its time and its packet.
func (r *Enricher) count(e *event.Event) {
	if r.clock != nil {
		e.Names.WallTime = r.clock.wall(e.Time)
	}
	if r.recent != nil {
		e.Names.SinceLast = r.recent.since(e.Packet(), e.Time)
	}
	if e.Kind == event.Return || e.Kind == event.Verdict {
		r.endFrame(e)
		return // its entry was counted
	}
	if e.Lineage.ID != 0 {
		return // counted by its number
	}
	r.packets.see(e.Packet())
	if r.endings.isEnd(e) {
		r.packets.end(e.Skb)
	}
}

// isFrameEnd says that an XDP program has come to its verdict on a frame: what it becomes is
// known by other addresses, and its memory is another frame's next.
func isFrameEnd(e *event.Event) bool { return e.Kind == event.Verdict && e.Skb == 0 }

func (r *Enricher) endFrame(e *event.Event) {
	if e.Lineage.ID == 0 && isFrameEnd(e) {
		r.packets.end(e.Head)
	}
}

// Packets is how many packets the events so far were about. Where they are not
// followed they are sk_buffs: an address that the
// kernel used again counts anew where the end of the one before was traced;
// beyond about a million addresses new ones are not counted, so that memory
// stays bounded.
func (r *Enricher) Packets() uint64 { return r.packets.count + r.numbers.shown }

// Ends says whether the event is the last one of its packet. Of one that is followed
// nobody knows: it may live on in other sk_buffs.
func (r *Enricher) Ends(e *event.Event) bool {
	r.name(e)
	return e.Lineage.ID == 0 && (r.endings.isEnd(e) || isFrameEnd(e))
}

// KnowsEnds says whether there is such an event for every sk_buff.
func (r *Enricher) KnowsEnds() bool { return r.endings.complete }

// Pass takes note of an event that gets no names: its sk_buff may end by it.
func (r *Enricher) Pass(e *event.Event) {
	r.numbers.notice(e.Lineage.ID)
	if r.Ends(e) {
		r.packets.end(e.Packet())
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
		e.Names.Location = r.places.at(e.Drop.Location).text
	}
}
