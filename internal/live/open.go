// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"slices"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/attach"
	"tracer/internal/bpf"
	"tracer/internal/enrich"
	"tracer/internal/explain"
	"tracer/internal/input"
	"tracer/internal/journey"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
	"tracer/internal/plan"
	"tracer/internal/stream"
)

// Open plans, loads and attaches what the request asks for. Events flow after [Source.Start]. Memory that only
// opening needs, mainly the kernel's types, is garbage afterwards. ctx cancels opening, not the source.
func Open(ctx context.Context, r Request, o Observer) (*Source, error) {
	s, err := open(ctx, r, o)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open also returns the source if it returns an error. The caller closes it.
func open(ctx context.Context, r Request, o Observer) (*Source, error) {
	s := &Source{observer: o}
	object := bpf.ReadObject()
	facts, err := r.Gather(ctx)
	if err != nil {
		return s, err
	}
	p, err := r.PlanOn(facts)
	if err != nil {
		return s, err
	}
	o.Planned(facts, p)
	s.prepare(r, p)
	if p.Why != nil {
		s.asks = newAnswers()
		s.watchesRules = slices.ContainsFunc(p.Why.Decisions, func(d explain.Placement) bool { return d.Name == "nft_rule" })
		if s.why, err = explain.NewStage(*p.Why, s.asks); err != nil {
			return s, err
		}
	}
	if err := s.name(r.config, p, facts); err != nil {
		return s, err
	}
	modules, err := moduleTypes(r.Kernel, p, facts)
	if err != nil {
		return s, err
	}
	types := append(modules, facts.BTF)
	o.UnknownTypes(p, types...)
	s.view = newView(p, facts, types)
	o.Loading()
	s.session, err = attach.Open(ctx, p, attach.Options{Object: object, KernelTypes: facts.BTF, ModuleTypes: modules, Progress: o.Progress})
	if err != nil {
		return s, err
	}
	if s.reader, err = stream.NewReader(s.session.Events(), stream.LayoutOf(p.BPF.Config)); err != nil {
		return s, err
	}
	return s, s.watch()
}

// prepare sets the fields that depend only on the request and the plan.
func (s *Source) prepare(r Request, p *plan.Plan) {
	s.scope = ScopeOf(p)
	s.owner = p.Asked.TaskFilter
	s.tracks = p.BPF.Config.Ids
	s.watchesPrograms = len(p.Programs) > 0
	s.namesNetns = r.config.NetnsNames
	s.numbers = journey.NewNumbers(p.BPF.Config.Cpus, r.Plan.Follow.Entries)
	if r.config.SinceLast {
		s.sinceLast = journey.NewSinceLast()
	}
}

// ScopeOf returns the scope of a source with this plan.
func ScopeOf(p *plan.Plan) journey.Scope {
	var functions, tracepoints []string
	for _, f := range p.Functions {
		functions = append(functions, f.Name)
	}
	for _, t := range p.Tracepoints {
		tracepoints = append(tracepoints, t.Name)
	}
	scope := journey.NewScope(functions, tracepoints)
	scope.Returns = p.EmitsReturns()
	return scope
}

// name creates the Enricher.
func (s *Source) name(c Config, p *plan.Plan, facts *kernel.Facts) (err error) {
	o := enrich.Options{
		Symbols:     facts.Symbols,
		Functions:   p.Functions,
		Tracepoints: tracepoints(p),
		Reasons:     facts.Reasons,
		Program:     func(id uint32) *kernel.Program { return s.session.Program(id) },
		WallTime:    c.WallTime,
		Lookups:     lookupsOf(p),
	}
	if c.NetnsNames {
		o.NetnsFolders = input.NetnsFolders()
	}
	if err := formats(c.Forms, p, &o); err != nil {
		return err
	}
	if facts.Symbols != nil { // nil: the kernel hides them
		if s.symbols, err = kernel.OpenSymbols(); err != nil {
			return err
		}
		o.SymbolSource = s.symbols
	}
	s.names = enrich.New(o)
	return nil
}

func tracepoints(p *plan.Plan) []kernel.Tracepoint {
	list := make([]kernel.Tracepoint, len(p.Tracepoints))
	for i, t := range p.Tracepoints {
		list[i] = t.Tracepoint
	}
	return list
}

// lookupsOf returns the decoders of the lookups of the plan, by the addresses of the functions.
func lookupsOf(p *plan.Plan) map[uint64]*lookup.Reader {
	readers := make(map[uint64]*lookup.Reader, len(p.Lookups))
	for _, l := range p.Lookups {
		readers[l.Function.Addr] = lookup.NewReader(l.Layout)
	}
	return readers
}

// moduleTypes returns the BTF of the modules whose types the plan's programs read. The file of --kernel-btf has no
// modules.
func moduleTypes(k kernel.Options, p *plan.Plan, facts *kernel.Facts) ([]*btf.Spec, error) {
	if k.BTFFile != "" {
		return nil, nil
	}
	types, err := kernel.ModuleTypes(facts.BTF, p.Modules()...)
	if slices.Contains(p.Modules(), "nf_tables") {
		types = append(types, facts.Described...)
	}
	return types, err
}
