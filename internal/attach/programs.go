// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// Untraced is a BPF program that is not traced, and the reason.
type Untraced struct {
	kernel.Program
	Reason error
}

// Found are the changes since the last search for BPF programs. The lists are sorted by id.
type Found struct {
	// Traced and Untraced are the programs that were loaded.
	Traced   []kernel.Program
	Untraced []Untraced
	// Gone are programs whose last references were ours. They were released.
	Gone []kernel.Program
	// WithoutBreakpoint are tail-call targets in which no breakpoint could be set, so that their entry by a tail call
	// is not traced.
	WithoutBreakpoint []Untraced
}

// programs is the state of tracing BPF programs.
type programs struct {
	kinds   []*kernel.ProgramKind
	tracers *bpf.Tracers
	options ebpf.ProgramOptions
	// last is the highest program id that was checked.
	last uint32
	tails
	holders holders
	mu      sync.Mutex
	traced  map[uint32]*tracedProgram
	missed  uint64 // misses of programs that were released
}

// tracedProgram is a program with the programs that trace it and their links, in the order in which they
// were attached.
type tracedProgram struct {
	kernel.Program
	tracers []loaded
	links   []io.Closer
}

// loaded is one of our programs in the kernel.
type loaded interface {
	Stats() (*ebpf.ProgramStats, error)
	Close() error
}

// attachPrograms traces the BPF programs that are loaded now.
func (s *Session) attachPrograms(ctx context.Context, p *plan.Plan) error {
	if len(p.Programs) == 0 {
		return nil
	}
	if err := s.programs.tracers.Use(s.collection.Maps); err != nil {
		return err
	}
	s.programs.kinds, s.programs.traced = p.Programs, map[uint32]*tracedProgram{}
	s.programs.tails = newTails(p.NoBreakpoints)
	s.programs.holders = openHolders(s.programs.tracers, s.programs.options)
	found, err := s.programs.catchUp(ctx)
	s.Programs = found
	return errors.Join(err, ctx.Err())
}

// catchUp traces the programs that were loaded since its last call, sets breakpoints on tail-call
// targets, and releases programs whose last references are ours.
func (p *programs) catchUp(ctx context.Context) (Found, error) {
	found, last, err := kernel.ProgramsAfter(p.last, p.kinds)
	p.last = last
	traced := p.traceAll(ctx, found)
	p.expect(found)
	traced.WithoutBreakpoint = p.setBreakpoints(ctx)
	traced.Gone = p.releaseUnused()
	return traced, err
}

// traceAll traces programs, several at a time. When ctx ends, it only closes the remaining handles.
func (p *programs) traceAll(ctx context.Context, found []*kernel.LoadedProgram) Found {
	work := make(chan int)
	errs := make([]error, len(found))
	var done sync.WaitGroup
	for range min(runtime.NumCPU(), len(found)) {
		done.Go(func() {
			for i := range work {
				errs[i] = p.trace(ctx, found[i])
			}
		})
	}
	for i := range found {
		work <- i
	}
	close(work)
	done.Wait()
	return splitByError(found, errs)
}

// splitByError returns the programs without an error as traced, and the others as untraced.
func splitByError(found []*kernel.LoadedProgram, errs []error) (f Found) {
	for i, program := range found {
		if errs[i] == nil {
			f.Traced = append(f.Traced, program.Program)
		} else {
			f.Untraced = append(f.Untraced, Untraced{program.Program, errs[i]})
		}
	}
	return f
}

// trace traces a program, and closes its handle.
func (p *programs) trace(ctx context.Context, program *kernel.LoadedProgram) error {
	defer program.Handle.Close()
	if err := errors.Join(ctx.Err(), program.Untraceable); err != nil {
		return err
	}
	t := &tracedProgram{Program: program.Program}
	// The program on the verdict is attached first, so that there is a verdict event for every entry event.
	for _, template := range []string{bpf.VerdictProgram, plan.TracerOf(program.Kind)} {
		if err := p.add(t, template, program.Handle); err != nil {
			return errors.Join(kernel.ExplainTracing(err), t.close())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traced[program.ID] = t
	return nil
}

// add loads the program for a template and attaches it to the target.
func (p *programs) add(t *tracedProgram, template string, target *ebpf.Program) error {
	spec, err := p.tracers.For(template, bpf.Traced{Handle: target, ID: t.ID, Function: t.Function, Kept: t.Kept})
	if err != nil {
		return err
	}
	tracer, err := ebpf.NewProgramWithOptions(spec, p.options)
	if err != nil {
		return err
	}
	t.tracers = append(t.tracers, tracer)
	l, err := link.AttachTracing(link.TracingOptions{Program: tracer, AttachType: spec.AttachType})
	if err != nil {
		return err
	}
	t.links = append(t.links, l)
	return nil
}

// close detaches and closes everything in reverse order: the entry first.
func (t *tracedProgram) close() error {
	var errs []error
	for _, l := range slices.Backward(t.links) {
		errs = append(errs, l.Close())
	}
	for _, tracer := range t.tracers {
		errs = append(errs, tracer.Close())
	}
	return errors.Join(errs...)
}

// misses returns how often the kernel skipped a program that traces this one.
func (t *tracedProgram) misses() (n uint64) {
	for _, tracer := range t.tracers {
		if stats, err := tracer.Stats(); err == nil {
			n += stats.RecursionMisses
		}
	}
	return n
}

func (p *programs) misses() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.missed
	for _, t := range p.traced {
		n += t.misses()
	}
	return n
}

func (p *programs) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var links []io.Closer
	for _, t := range p.traced {
		links = append(links, closing(t.close))
	}
	for _, target := range p.breakpoints {
		links = append(links, closing(target.close))
	}
	clear(p.traced)
	clear(p.breakpoints)
	p.holders.close()
	return closeAll(links)
}

// closing makes a function an io.Closer.
type closing func() error

func (c closing) Close() error { return c() }

// Program returns the traced program with the id, or nil.
func (s *Session) Program(id uint32) *kernel.Program {
	s.programs.mu.Lock()
	defer s.programs.mu.Unlock()
	if t := s.programs.traced[id]; t != nil {
		return &t.Program
	}
	if target := s.programs.breakpoints[id]; target != nil {
		return &target.Program
	}
	return nil
}

// TracedPrograms returns the number of BPF programs that are traced.
func (s *Session) TracedPrograms() int {
	s.programs.mu.Lock()
	defer s.programs.mu.Unlock()
	return len(s.programs.traced)
}

// programsEvery is the interval of the search for new BPF programs, which costs one system call if there
// are none.
const programsEvery = 100 * time.Millisecond

// WatchPrograms traces programs that are loaded later, until ctx ends. It calls report after each search.
func (s *Session) WatchPrograms(ctx context.Context, report func(Found)) error {
	tick := time.NewTicker(programsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		found, err := s.programs.catchUp(ctx)
		if ctx.Err() != nil {
			return nil
		}
		report(found)
		if err != nil {
			return fmt.Errorf("look for new BPF programs: %w", err)
		}
	}
}
