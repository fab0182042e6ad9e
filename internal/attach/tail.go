// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// tails are the programs that may be targets of tail calls. After a program was loaded, the program arrays are
// searched for them, and twice more later, since programs are put into these maps after loading.
type tails struct {
	// noBreakpoints is the reason why no tail calls can be traced.
	noBreakpoints error
	// waiting are the programs that were not yet found in a program array. breakpoints are the programs in
	// which breakpoints are set. Both are by program id.
	waiting     map[uint32]kernel.Program
	breakpoints map[uint32]*breakpoint
	// ticksLeft is the number of ticks until the last search, see isSearchDue.
	ticksLeft int
}

// maxTicks is the number of ticks from the load of a program to the last search.
const maxTicks = 50

func newTails(noBreakpoints error) tails {
	return tails{noBreakpoints: noBreakpoints, waiting: map[uint32]kernel.Program{}, breakpoints: map[uint32]*breakpoint{}}
}

// breakpoint is a tail-call target, with a breakpoint for each CPU at the address that tail calls jump to. It
// holds a reference to the program, so that the address is not reused for another one.
type breakpoint struct {
	kernel.Program
	held        *ebpf.Program
	tracer      *ebpf.Program
	breakpoints []*perfEvent
}

func (target *breakpoint) close() error {
	var breakpoints []io.Closer
	for _, b := range target.breakpoints {
		breakpoints = append(breakpoints, b)
	}
	err := closeAll(breakpoints)
	for _, p := range []*ebpf.Program{target.tracer, target.held} {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
	}
	return err
}

// expect adds new programs to those that are searched for in program arrays.
func (p *programs) expect(found []*kernel.LoadedProgram) {
	for _, program := range found {
		p.waiting[program.ID] = program.Program
		p.ticksLeft = maxTicks
	}
}

// isSearchDue counts a tick, and reports whether to search now: at once, after one second and after five.
func (t *tails) isSearchDue() bool {
	if t.ticksLeft == 0 {
		return false
	}
	t.ticksLeft--
	return t.ticksLeft == maxTicks-1 || t.ticksLeft == maxTicks-10 || t.ticksLeft == 0
}

// setBreakpoints sets breakpoints in tail-call targets, and returns the programs where that failed.
func (p *programs) setBreakpoints(ctx context.Context) (refused []Untraced) {
	if !p.isSearchDue() {
		return nil
	}
	called, err := kernel.TailCalled()
	if err != nil {
		return nil
	}
	for id, program := range p.waiting {
		if !called[id] || ctx.Err() != nil {
			continue
		}
		delete(p.waiting, id)
		if err := p.setBreakpoint(program); err != nil {
			refused = append(refused, Untraced{program, err})
		}
	}
	slices.SortFunc(refused, func(a, b Untraced) int { return cmp.Compare(a.ID, b.ID) })
	return refused
}

func (p *programs) setBreakpoint(program kernel.Program) error {
	if err := errors.Join(p.noBreakpoints, program.NoBreakpoint); err != nil {
		return err
	}
	target := &breakpoint{Program: program}
	if err := p.breakAt(target); err != nil {
		return errors.Join(err, target.close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breakpoints[program.ID] = target
	return nil
}

// breakAt opens the breakpoints first, since they are few, and then loads and attaches their program.
func (p *programs) breakAt(target *breakpoint) (err error) {
	if target.held, err = ebpf.NewProgramFromID(ebpf.ProgramID(target.ID)); err != nil {
		return err
	}
	if err := target.open(); err != nil {
		return explainBreakpoint(err)
	}
	spec, err := p.tracers.For(plan.TailTracerOf(target.Kind), bpf.Traced{ID: target.ID})
	if err != nil {
		return err
	}
	if target.tracer, err = ebpf.NewProgramWithOptions(spec, p.options); err != nil {
		return kernel.ExplainTracing(err)
	}
	for _, b := range target.breakpoints {
		if err := b.attach(target.tracer); err != nil {
			return explainBreakpoint(err)
		}
	}
	return nil
}

// open opens a breakpoint for each CPU.
func (target *breakpoint) open() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	for cpu := range cpus {
		b, err := openBreakpoint(cpu, target.BreakpointAddr)
		if errors.Is(err, unix.ENODEV) { // the CPU is offline
			continue
		}
		if err != nil {
			return err
		}
		target.breakpoints = append(target.breakpoints, b)
	}
	return nil
}

// breakpointSize is the length of an execution breakpoint that the architecture requires.
var breakpointSize = map[string]uint64{"amd64": 8, "arm64": 4}

// breakpointX is HW_BREAKPOINT_X of include/uapi/linux/hw_breakpoint.h.
const breakpointX = 4

// openBreakpoint opens a breakpoint that fires when the CPU executes the instruction at the address.
func openBreakpoint(cpu int, address uint64) (*perfEvent, error) {
	attr := unix.PerfEventAttr{
		Type:    unix.PERF_TYPE_BREAKPOINT,
		Size:    uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits:    unix.PerfBitDisabled,
		Sample:  1,
		Bp_type: breakpointX,
		Ext1:    address,
		Ext2:    breakpointSize[runtime.GOARCH],
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &perfEvent{fd}, nil
}

func explainBreakpoint(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EBUSY) {
		return errors.New("no hardware breakpoint is free")
	}
	return fmt.Errorf("breakpoint: %w", err)
}
