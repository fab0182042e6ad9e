// SPDX-License-Identifier: Apache-2.0

// Package attach carries out a plan: it loads the programs, attaches them, and detaches and unloads
// everything at the end.
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

// Options are optional inputs. The zero value uses the types of the running kernel, and reports no
// progress.
type Options struct {
	// Object is the parsed BPF object; nil means to parse it now.
	Object *bpf.Object
	// KernelTypes are the types of the running kernel, for CO-RE; nil means to read them.
	KernelTypes *btf.Spec
	// ModuleTypes are the types of modules, for CO-RE on types that vmlinux does not have.
	ModuleTypes []*btf.Spec
	// Progress receives the number of completed attachments and their total. It may be nil.
	Progress func(done, total int)
}

// Skipped is a function or tracepoint of the plan that the kernel refused.
type Skipped struct {
	Name string
	// Addr is the address of a function; 0 for a tracepoint.
	Addr   uint64
	Reason error
	// Silent is true if it would have emitted no events.
	Silent bool
}

// Session is a plan that has been carried out, until Close.
type Session struct {
	collection *ebpf.Collection
	links      []io.Closer
	sessions   []link.Link // kprobe sessions among the links
	progress   func(done, total int)
	done       int
	total      int
	programs   programs

	// Attached is the number of functions and tracepoints that programs are attached to.
	Attached int
	// Skipped are the functions and tracepoints that the kernel refused; SkippedReturns are the functions
	// whose return it refused.
	Skipped, SkippedReturns []Skipped
	// Programs are the BPF programs that were loaded before the trace.
	Programs Found
}

// backends are the functions that attach to functions, for each backend that probes functions.
var backends = map[kernel.Backend]func(*Session, context.Context, *plan.Plan) error{
	kernel.KprobeMulti: (*Session).attachKprobeMulti,
	kernel.Kprobe:      (*Session).attachKprobes,
}

// Open carries out the plan. If it fails or ctx ends, it leaves nothing in the kernel. Events are emitted
// only after [Session.Run].
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
	if len(p.Programs) > 0 { // otherwise the types of the kernel can be freed
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
	if err := s.checkNoSkbFuncs(p); err != nil {
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

// checkNoSkbFuncs returns an error if the kernel refused all functions of a program for functions without an
// skb: the user requested these by a flag of their own, and other functions do not replace them.
func (s *Session) checkNoSkbFuncs(p *plan.Plan) error {
	for _, g := range p.Groups {
		refused := s.refusedOf(g)
		if bpf.ServesNoSkb(g.Program) && len(refused) == len(g.Functions) {
			first := refused[0]
			return fmt.Errorf("backend %q: the kernel refused every function without an skb, for example %q: %w", p.Backend, first.Name, first.Reason)
		}
	}
	return nil
}

// refusedOf returns the functions of a group that the kernel refused.
func (s *Session) refusedOf(g plan.Group) []Skipped {
	var refused []Skipped
	for _, skipped := range s.Skipped {
		if slices.ContainsFunc(g.Functions, func(f kernel.Function) bool { return f.Addr == skipped.Addr }) {
			refused = append(refused, skipped)
		}
	}
	return refused
}

// refused returns the error if nothing could be attached. It has the reason of the first refusal.
func (s *Session) refused(backend kernel.Backend, what string) error {
	first := s.Skipped[0]
	return fmt.Errorf("backend %q: the kernel refused every %s, for example %q: %w", backend, what, first.Name, first.Reason)
}

// attachResult receives the outcome of each attach attempt: a link to n functions, or a function that the
// kernel refused.
type attachResult struct {
	attached func(n int, link io.Closer)
	skipped  func(f kernel.Function, reason error)
}

// entries returns the attachResult for the entries of a group.
func (s *Session) entries(p *plan.Plan, g plan.Group) attachResult {
	return attachResult{s.attached, func(f kernel.Function, reason error) {
		s.skip(Skipped{Name: f.Name, Addr: f.Addr, Reason: reason, Silent: isSilent(p, g.Program, f)})
	}}
}

// isSilent reports whether a program emits no events for a function, but only follows packets or explains drops.
// The program for operations on followed packets also emits the events of the traced functions among its own.
func isSilent(p *plan.Plan, program string, f kernel.Function) bool {
	emits := !bpf.IsSilent(program) || program == bpf.SkbOpTemplate && p.BPF.SkbOps[f.Addr].Shown != 0
	return p.BPF.Config.OnlyDrops || !emits
}

// attached records a link to n functions or tracepoints.
func (s *Session) attached(n int, link io.Closer) {
	s.links = append(s.links, link)
	s.Attached += n
	s.step(n)
}

// skip records a function or tracepoint that the kernel refused.
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

// Run starts or stops the events. They are stopped before the first call.
func (s *Session) Run(on bool) error {
	var running uint32
	if on {
		running = 1
	}
	return s.collection.Variables["running"].Set(running)
}

// Events returns the ring buffer.
func (s *Session) Events() *ebpf.Map { return s.collection.Maps[bpf.MapEvents] }

// Counts returns the counters of each CPU.
func (s *Session) Counts() ([]bpf.Counters, error) {
	var counts []bpf.Counters
	if err := s.collection.Maps[bpf.MapCounts].Lookup(uint32(0), &counts); err != nil {
		return nil, fmt.Errorf("event counters: %w", err)
	}
	return counts, nil
}

// Evicted returns the number of followed sk_buffs that the LRU table evicted before they were freed: those
// that were inserted, were not deleted, and are no longer in the table.
func (s *Session) Evicted() (uint64, error) {
	counts, err := s.Counts()
	if err != nil {
		return 0, err
	}
	var balance uint64
	for _, c := range counts {
		balance += c.BranchesAdded - c.BranchesRemoved
	}
	present, err := s.followed()
	if err != nil || present > balance {
		return 0, err
	}
	return balance - present, nil
}

// followed counts the entries of the table of followed sk_buffs.
func (s *Session) followed() (n uint64, err error) {
	var skb uint64
	var b bpf.Branch
	for entries := s.collection.Maps[bpf.MapBranches].Iterate(); entries.Next(&skb, &b); {
		n++
	}
	return n, nil
}

// OwnSockets adds sockets of the processes that the task filter selects, by inode number.
func (s *Session) OwnSockets(inodes []uint64) error {
	for _, inode := range inodes {
		if err := s.collection.Maps[bpf.MapSockets].Put(inode, uint8(1)); err != nil {
			return fmt.Errorf("socket %d: %w", inode, err)
		}
	}
	return nil
}

// Missed returns how often the kernel skipped one of our programs because one was already running on that
// CPU, or because it had no memory for a call of a kprobe session, as far as the kernel counts both
// (kernel.CountsMisses). Programs on functions that our own programs call are left out, since they would
// count our own calls.
func (s *Session) Missed() uint64 {
	missed := s.sessionMisses()
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

// missedBy returns the sum of the misses, given by program name. It omits programs with two copies, since the
// other copy runs when one is skipped for recursion. Both copies miss a hit only if an interrupt arrives while
// the second copy runs in an interrupt of the first one. No sk_buff is freed there: softirqs do not nest, and
// hard interrupts defer the free (dev_kfree_skb_irq).
func missedBy(misses map[string]uint64) (sum uint64) {
	for name, n := range misses {
		_, hasTwin := misses[strings.TrimSuffix(name, plan.Again)+plan.Again]
		if !hasTwin {
			sum += n
		}
	}
	return sum
}

// sessionMisses returns how often the kernel skipped a program because it had no memory for a call of a kprobe
// session.
func (s *Session) sessionMisses() (missed uint64) {
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
