// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tracer/internal/attach"
	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
	"tracer/internal/plan"
	"tracer/internal/stream"
)

// trace attaches, moves events until it is time to stop, and tells what was.
func trace(ctx context.Context, cfg Config, o plan.Options, out *output, ready *readyFile, say *teller) error {
	t, err := begin(ctx, cfg, o, say)
	if err != nil {
		return err
	}
	say.narrow(cfg.Output.Columns, out.screen.width)
	t.out, t.say = out, say
	t.files = fileRights(out, ready)
	if err = t.run(ctx, ready); err == nil {
		say.summary(t.totals)
	}
	return errors.Join(err, t.close())
}

// close takes everything away again.
func (t *tracing) close() error {
	err := t.session.Close()
	if t.symbols != nil {
		err = errors.Join(err, t.symbols.Close())
	}
	return err
}

// begin makes the plan and has it carried out. What only that takes is given back.
func begin(ctx context.Context, cfg Config, o plan.Options, say *teller) (*tracing, error) {
	usual := debug.SetGCPercent(gettingReady)
	defer debug.SetGCPercent(usual)
	object := bpf.ReadObject()
	facts, err := kernel.Gather(ctx, cfg.Kernel)
	if err != nil {
		return nil, err
	}
	defer forget(facts)
	p, err := plan.New(o, facts)
	if err != nil {
		return nil, err
	}
	say.planned(facts, p)
	t, err := newTracing(cfg, p, facts)
	if err != nil {
		return nil, err
	}
	modules, err := moduleTypes(cfg, p, facts)
	if err != nil {
		return nil, err
	}
	types := append(modules, facts.BTF)
	say.unknown(p, types...)
	t.view = view{
		plan:        p,
		connections: p.ReadsConnections() && kernel.Describes("nf_conn", types...),
		uncounted:   !kernel.CountsMisses(facts.BTF, p.Backend),
	}
	say.loading()
	t.session, err = attach.Open(ctx, p, attach.Options{Object: object, KernelTypes: facts.BTF, ModuleTypes: modules, Progress: say.progress})
	if err != nil {
		return nil, err
	}
	say.attached(t.session)
	if t.quota.limits() && !t.names.KnowsEnds() {
		say.endless()
	}
	return t, nil
}

// newTracing makes all that a plan's events need on their way.
func newTracing(cfg Config, p *plan.Plan, facts *kernel.Facts) (*tracing, error) {
	t := &tracing{
		netnsNames: column.Needs(cfg.Output.Columns)[column.NetnsName],
		layout:     stream.LayoutOf(p.BPF.Config),
		owner:      p.Asked.TaskFilter,
		tracks:     p.BPF.Config.Ids,
		limits:     cfg.Limits,
		returns:    p.TellsReturns(),
		watches:    len(p.Programs) > 0,
		quota:      newQuota(cfg.Limits),
	}
	var err error
	if t.names, err = t.namesFor(cfg, p, facts); err != nil {
		return nil, err
	}
	return t, nil
}

// program is the BPF program of that id.
func (t *tracing) program(id uint32) *kernel.Program { return t.session.Program(id) }

// namesFor makes what turns the numbers of the plan's events into words.
func (t *tracing) namesFor(cfg Config, p *plan.Plan, facts *kernel.Facts) (*enrich.Enricher, error) {
	o := enrich.Options{
		Symbols:     facts.Symbols,
		Functions:   p.Functions,
		Tracepoints: tracepoints(p),
		Reasons:     facts.Reasons,
		Program:     t.program,
		NetnsNames:  t.netnsNames,
		WallTime:    column.Shows(cfg.Output.Columns, column.Absolute),
		SinceLast:   column.Shows(cfg.Output.Columns, column.Relative),
		Lookups:     lookupsOf(p),
		CPUs:        p.BPF.Config.Cpus,
		Followed:    cfg.Plan.Follow.Entries,
	}
	var err error
	if o.SkbFormat, err = copyOf(p.Skb, formsOf(cfg)); err != nil {
		return nil, err
	}
	if o.SharedFormat, err = copyOf(p.Shared, formsOf(cfg)); err != nil {
		return nil, err
	}
	if o.Values, err = valuesOf(p.Values, formsOf(cfg)); err != nil {
		return nil, err
	}
	if o.XDPValues, err = valuesOf(p.XDPValues, formsOf(cfg)); err != nil {
		return nil, err
	}
	if facts.Symbols != nil { // else they are hidden for good
		if t.symbols, err = kernel.OpenSymbols(); err != nil {
			return nil, err
		}
		o.SymbolSource = t.symbols
	}
	return enrich.New(o), nil
}

// lookupsOf makes the decoders of what the plan's functions look up, by their addresses.
func lookupsOf(p *plan.Plan) map[uint64]*lookup.Reader {
	readers := make(map[uint64]*lookup.Reader, len(p.Lookups))
	for _, l := range p.Lookups {
		readers[l.Function.Addr] = lookup.NewReader(l.Layout)
	}
	return readers
}

// gettingReady is the garbage that may be there then, in percent of what is in use: nearly all
// of it is given back at the end, and to look for it before takes a twentieth of the time.
const gettingReady = 400

// forget gives back what only getting ready takes: the kernel's types, most of all.
func forget(facts *kernel.Facts) {
	*facts = kernel.Facts{}
	debug.FreeOSMemory()
}

func tracepoints(p *plan.Plan) []kernel.Tracepoint {
	list := make([]kernel.Tracepoint, len(p.Tracepoints))
	for i, t := range p.Tracepoints {
		list[i] = t.Tracepoint
	}
	return list
}

// tracing moves events from the ring to the output.
type tracing struct {
	session *attach.Session
	layout  stream.Layout
	names   *enrich.Enricher
	out     *output
	owner   plan.TaskFilter
	tracks  bool
	limits  Limits
	// returns says that each function is seen to return.
	returns bool
	quota   quota
	totals  event.Totals
	view    view
	// drops are those that were printed.
	drops drops
	// watches says that BPF programs are traced.
	watches bool
	say     *teller
	// symbols are held open to be read again; nil where the kernel hides them.
	symbols *kernel.SymbolsFile
	// files are the rights that it takes to write the files, and netnsNames that names of
	// network namespaces are looked for.
	files      kernel.CapabilitySet
	netnsNames bool
	// toldHidden says that it was told whose sockets can't be seen.
	toldHidden bool
	// full says that nothing more is to be printed: the limit, or nobody reads.
	full bool
}

func (t *tracing) run(ctx context.Context, ready *readyFile) error {
	reader, err := stream.NewReader(t.session.Events(), t.layout)
	if err != nil {
		return err
	}
	defer reader.Close()
	ctx, stopWatch, err := t.watchSockets(ctx)
	if err != nil {
		return err
	}
	ctx, stopPrograms := t.watchPrograms(ctx)
	return errors.Join(t.flow(ctx, reader, ready), stopPrograms(), stopWatch())
}

// flow lets events flow for as long as it is to be.
func (t *tracing) flow(ctx context.Context, reader *stream.Reader, ready *readyFile) error {
	t.dropPrivileges()
	if err := t.session.Run(true); err != nil {
		return err
	}
	begin := time.Now()
	// The header of a table is there before the first packet.
	if err := t.flush(); err != nil {
		return err
	}
	if err := ready.appear(); err != nil {
		return err
	}
	ctx, cancel := t.limits.within(ctx)
	defer cancel()
	if err := t.follow(ctx, reader); err != nil {
		return err
	}
	t.totals.Duration = uint64(time.Since(begin))
	return t.end(reader)
}

// follow prints events until ctx ends or nothing more is to be printed.
func (t *tracing) follow(ctx context.Context, reader *stream.Reader) error {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	for !stop.Load() && !t.full {
		t.out.fit()
		if _, err := t.next(reader); err != nil {
			return err
		}
		t.full = t.full || t.quota.done(monotonic)
	}
	return nil
}

// next moves one event on, and says whether there was one.
func (t *tracing) next(reader *stream.Reader) (bool, error) {
	e, err := reader.Next()
	switch {
	case err == nil:
		return true, t.print(e)
	case errors.Is(err, stream.ErrIdle):
		t.full = t.full || t.out.abandoned()
		return false, t.flush()
	}
	return false, err
}

func (t *tracing) print(e *event.Event) error {
	if e.Kind != event.Lost && !t.admits(e) {
		t.totals.Suppressed++
		return nil
	}
	t.names.Enrich(e)
	if err := t.absorb(t.out.Export(e)); err != nil {
		return err
	}
	if e.Kind == event.Lost {
		t.totals.Lost[e.Loss.Cause] += e.Loss.Count
		return nil
	}
	t.totals.Printed++
	t.countDrop(e)
	if t.limits.Lines != 0 && t.totals.Printed >= t.limits.Lines {
		t.full = true
	}
	return nil
}

// admits says whether the limits let an event be printed.
func (t *tracing) admits(e *event.Event) bool {
	switch {
	case t.full:
		return false
	case !t.quota.limits():
		return true
	}
	admitted := t.quota.admits(step{
		skb: e.Packet(), time: e.Time, ends: t.names.Ends(e),
		calls:   t.returns && e.Kind == event.Function || e.Kind == event.Program && !e.TailCalled,
		returns: e.Kind == event.Return || e.Kind == event.Verdict,
	})
	if !admitted {
		t.names.Pass(e)
	}
	return admitted
}

func (t *tracing) flush() error { return t.absorb(t.out.Flush()) }

// absorb takes a reader that went away for what it is: the end.
func (t *tracing) absorb(err error) error {
	if err != nil && gone(err) {
		t.full = true
		return nil
	}
	return err
}

// end stops the events, prints those that are on their way, and counts up.
func (t *tracing) end(reader *stream.Reader) error {
	if err := t.session.Run(false); err != nil {
		return err
	}
	if err := t.drain(reader); err != nil {
		return err
	}
	counts, err := t.session.Counts()
	if err != nil {
		return err
	}
	for marker := reader.Rest(counts); marker != nil; marker = reader.Rest(counts) {
		if err := t.print(marker); err != nil {
			return err
		}
	}
	t.count(counts)
	t.totals.Missed = t.session.Missed()
	t.totals.Packets = t.names.Packets()
	if err := t.sumDrops(); err != nil {
		return err
	}
	if t.totals.Evicted, err = t.evicted(); err != nil {
		return err
	}
	t.totals.Unseen = t.view.unseen(&t.totals)
	return t.absorb(t.out.finish(t.totals))
}

// count adds what the kernel counted on each CPU to what was counted here.
func (t *tracing) count(counts []bpf.Counters) {
	for _, c := range counts {
		t.totals.Matched += c.Matched
		t.totals.Suppressed += c.Suppressed
		t.totals.Unreturned += c.Unreturned
		t.totals.WithoutNetns += c.WithoutNetns
		t.totals.WithoutIfname += c.WithoutDevice
		t.totals.Headless += c.HeadlessFragments
	}
}

// evicted is how many sk_buffs were no longer followed before their end.
func (t *tracing) evicted() (uint64, error) {
	if !t.tracks {
		return 0, nil
	}
	return t.session.Evicted()
}

// drain reads on until the ring has stayed empty for a while: a program that
// began before the stop may still be writing.
func (t *tracing) drain(reader *stream.Reader) error {
	for idle := 0; idle < 2; {
		more, err := t.next(reader)
		if err != nil {
			return err
		}
		if more {
			idle = 0
		} else {
			idle++
		}
	}
	return nil
}
