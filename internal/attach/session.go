// SPDX-License-Identifier: Apache-2.0

// Package attach carries a plan out: it loads the programs, attaches them, and
// takes everything away again.
package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// Options tune how a plan is carried out. The zero value is silent and takes
// the running kernel's types.
type Options struct {
	// Object is what programs are made of; nil is read now.
	Object *bpf.Object
	// KernelTypes are the types of the running kernel, for CO-RE.
	KernelTypes *btf.Spec
	// ModuleTypes are those of modules, for what vmlinux does not describe.
	ModuleTypes []*btf.Spec
	// Progress is told how many of all attachments are done. May be nil.
	Progress func(done, total int)
}

// Skipped is a function or tracepoint of the plan that the kernel refused.
type Skipped struct {
	Name string
	// Addr is a function's.
	Addr   uint64
	Reason error
	// Silent says that it would have made no events.
	Silent bool
}

// Session is a plan that was carried out. Close undoes it.
type Session struct {
	collection *ebpf.Collection
	links      []io.Closer
	sessions   []link.Link // kprobe sessions among the links
	progress   func(done, total int)
	done       int
	total      int
	programs   programs

	// Attached counts functions and tracepoints.
	Attached int
	// Skipped are those of the plan that could not be attached, SkippedReturns those that
	// could not be at their return.
	Skipped, SkippedReturns []Skipped
	// Programs are the BPF programs that were there.
	Programs Found
}

// backends is how each backend that probes functions attaches to them.
var backends = map[kernel.Backend]func(*Session, context.Context, *plan.Plan) error{
	kernel.KprobeMulti: (*Session).attachKprobeMulti,
	kernel.Kprobe:      (*Session).attachKprobes,
}

// Open carries the plan out. Nothing is left in the kernel when it fails or ctx
// ends. Events flow only after [Session.Run].
func Open(ctx context.Context, p *plan.Plan, o Options) (*Session, error) {
	s, err := load(p, o)
	if err != nil {
		return nil, err
	}
	if err := s.attach(ctx, p); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func load(p *plan.Plan, o Options) (*Session, error) {
	explain, err := raiseLockedMemory()
	if err != nil {
		return nil, err
	}
	if o.Object == nil {
		o.Object = bpf.ReadObject()
	}
	spec, tracers, err := o.Object.Collection(p.BPF)
	if err != nil {
		return nil, err
	}
	options := ebpf.ProgramOptions{KernelTypes: o.KernelTypes, ExtraRelocationTargets: o.ModuleTypes}
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: options})
	if err != nil {
		return nil, explain(explainLong(fmt.Errorf("load BPF programs: %w", err), p.BPF.Bodies))
	}
	s := &Session{
		collection: collection,
		progress:   o.Progress,
		total:      p.Probes() + len(p.Tracepoints) + len(p.Silent),
	}
	if len(p.Programs) > 0 { // else the kernel's types need not be kept
		s.programs = programs{tracers: tracers, options: options}
	}
	for _, g := range p.ReturnGroups {
		s.total += len(g.Functions)
	}
	return s, nil
}

func (s *Session) attach(ctx context.Context, p *plan.Plan) error {
	if err := s.attachReturns(ctx, p); err != nil {
		return err
	}
	if attachFunctions := backends[p.ProbesBy()]; attachFunctions != nil {
		if err := attachFunctions(s, ctx, p); err != nil {
			return err
		}
	}
	if len(p.Functions) > 0 && s.Attached == 0 {
		return s.refused(p.Backend, "function")
	}
	if err := s.checkOthers(p); err != nil {
		return err
	}
	if err := s.attachTracepoints(ctx, p); err != nil {
		return err
	}
	if len(p.Tracepoints) > 0 && s.Attached == 0 {
		return s.refused(p.Backend, "tracepoint")
	}
	return s.attachPrograms(ctx, p)
}

// checkOthers says where the kernel refused all functions of a program that tells of those
// without an skb: they were asked for, and nothing else stands in for them.
func (s *Session) checkOthers(p *plan.Plan) error {
	for _, g := range p.Groups {
		refused := s.refusedOf(g)
		if bpf.ServesNoSkb(g.Program) && len(refused) == len(g.Functions) {
			first := refused[0]
			return fmt.Errorf("backend %q: the kernel refused every function without an skb, for example %q: %w", p.Backend, first.Name, first.Reason)
		}
	}
	return nil
}

// refusedOf are the functions of a group that could not be attached to.
func (s *Session) refusedOf(g plan.Group) []Skipped {
	var refused []Skipped
	for _, skipped := range s.Skipped {
		if slices.ContainsFunc(g.Functions, func(f kernel.Function) bool { return f.Addr == skipped.Addr }) {
			refused = append(refused, skipped)
		}
	}
	return refused
}

// refused says that there is nothing to trace with, by the first refusal.
func (s *Session) refused(backend kernel.Backend, what string) error {
	first := s.Skipped[0]
	return fmt.Errorf("backend %q: the kernel refused every %s, for example %q: %w", backend, what, first.Name, first.Reason)
}

// attachResult receives the outcome of each attach attempt: some attachments that succeeded, or one
// that the kernel refused.
type attachResult struct {
	attached func(n int, link io.Closer)
	skipped  func(f kernel.Function, reason error)
}

// entries books the entries of functions that a program serves; those that only follow
// packets are silent.
func (s *Session) entries(p *plan.Plan, g plan.Group) attachResult {
	silent := p.BPF.Config.OnlyDrops || bpf.IsSilent(g.Program)
	return attachResult{s.attached, func(f kernel.Function, reason error) {
		s.skip(Skipped{Name: f.Name, Addr: f.Addr, Reason: reason, Silent: silent})
	}}
}

// attached books n attachments that succeeded.
func (s *Session) attached(n int, link io.Closer) {
	s.links = append(s.links, link)
	s.Attached += n
	s.step(n)
}

// skip books one that the kernel refused.
func (s *Session) skip(skipped Skipped) {
	s.Skipped = append(s.Skipped, skipped)
	s.step(1)
}

func (s *Session) step(n int) {
	s.done += n
	if s.progress != nil {
		s.progress(s.done, s.total)
	}
}

// Run lets events flow, or stops them; they do not before the first call.
func (s *Session) Run(on bool) error {
	var running uint32
	if on {
		running = 1
	}
	return s.collection.Variables["running"].Set(running)
}

// Events is the ring buffer.
func (s *Session) Events() *ebpf.Map { return s.collection.Maps[bpf.MapEvents] }

// Counts are the counters of each CPU.
func (s *Session) Counts() ([]bpf.Counters, error) {
	var counts []bpf.Counters
	if err := s.collection.Maps[bpf.MapCounts].Lookup(uint32(0), &counts); err != nil {
		return nil, fmt.Errorf("event counters: %w", err)
	}
	return counts, nil
}

// Evicted is how many sk_buffs that were followed had to make room for others before
// their end: those put into the table that were neither taken out nor are there still.
func (s *Session) Evicted() (uint64, error) {
	counts, err := s.Counts()
	if err != nil {
		return 0, err
	}
	var balance uint64
	for _, c := range counts {
		balance += c.BranchesAdded - c.BranchesRemoved
	}
	there, err := s.followed()
	if err != nil || there > balance {
		return 0, err
	}
	return balance - there, nil
}

// followed counts the entries of the table of sk_buffs that are followed.
func (s *Session) followed() (n uint64, err error) {
	var skb uint64
	var b bpf.Branch
	for entries := s.collection.Maps[bpf.MapBranches].Iterate(); entries.Next(&skb, &b); {
		n++
	}
	return n, nil
}

// OwnSockets tells the inode numbers of sockets that belong to the processes whose
// packets are wanted.
func (s *Session) OwnSockets(inodes []uint64) error {
	for _, inode := range inodes {
		if err := s.collection.Maps[bpf.MapSockets].Put(inode, uint8(1)); err != nil {
			return fmt.Errorf("socket %d: %w", inode, err)
		}
	}
	return nil
}

// Missed is how often the kernel did not run a program of ours, because one was
// running on that CPU already, or because it had no room for a session's call, as far as it
// counts that (kernel.CountsMisses). What our own programs call is left out, where they would be
// counted themselves.
func (s *Session) Missed() uint64 {
	missed := s.noRoom()
	misses := map[string]uint64{}
	for name, p := range s.collection.Programs {
		if bpf.CalledByUs(name) {
			continue
		}
		if stats, err := p.Stats(); err == nil {
			misses[name] = stats.RecursionMisses
		}
	}
	return missed + missedBy(misses) + s.programs.misses()
}

// missedBy adds up the misses of programs by name. A program that is attached twice is left out,
// since the other copy runs when one is skipped for recursion. Both miss a hit only if an interrupt
// hits the second copy while it handles an interrupt of the first one. No sk_buff is freed there:
// soft interrupts do not nest, and hard ones defer the free (dev_kfree_skb_irq).
func missedBy(misses map[string]uint64) (sum uint64) {
	for name, n := range misses {
		_, hasTwin := misses[strings.TrimSuffix(name, plan.Again)+plan.Again]
		if !hasTwin {
			sum += n
		}
	}
	return sum
}

// noRoom is how often there was no room for a call of a session.
func (s *Session) noRoom() (missed uint64) {
	for _, session := range s.sessions {
		info, err := session.Info()
		if err != nil {
			continue
		}
		if multi := info.KprobeMulti(); multi != nil {
			missed += multi.Missed
		}
	}
	return missed
}

// Close detaches and unloads everything.
func (s *Session) Close() error {
	err := errors.Join(s.programs.close(), closeAll(s.links))
	s.links = nil
	s.collection.Close()
	return err
}
