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

// tails are the programs that may be targets of tail calls. The maps of tail calls are searched for them
// when a program was loaded, and twice later, since programs are put into these maps after loading.
type tails struct {
	// noBreakpoints is the reason why no tail calls can be traced.
	noBreakpoints error
	// waiting are programs that were not found in a map of tail calls yet; landings are those that were.
	waiting     map[uint32]kernel.Program
	breakpoints map[uint32]*breakpoint
	// looks is the number of remaining ticks with searches, see isLookDue.
	looks int
}

// mostLooks is the number of ticks after the last load of a program during which maps are searched.
const mostLooks = 50

func newTails(unlandable error) tails {
	return tails{noBreakpoints: unlandable, waiting: map[uint32]kernel.Program{}, breakpoints: map[uint32]*breakpoint{}}
}

// breakpoint is a tail-call target, with a breakpoint for each CPU at the address that tail calls jump to. It
// holds a reference to the program, so that the address is not reused for another one.
type breakpoint struct {
	kernel.Program
	held        *ebpf.Program
	tracer      *ebpf.Program
	breakpoints []*perfEvent
}

func (l *breakpoint) close() error {
	var breakpoints []io.Closer
	for _, b := range l.breakpoints {
		breakpoints = append(breakpoints, b)
	}
	err := closeAll(breakpoints)
	for _, p := range []*ebpf.Program{l.tracer, l.held} {
		if p != nil {
			err = errors.Join(err, p.Close())
		}
	}
	return err
}

// expect adds new programs to those that are searched for in the maps of tail calls.
func (p *programs) expect(found []*kernel.LoadedProgram) {
	for _, program := range found {
		p.waiting[program.ID] = program.Program
		p.looks = mostLooks
	}
}

// isLookDue counts a tick, and reports whether to search at it: at once, after one second and after five.
func (t *tails) isLookDue() bool {
	if t.looks == 0 {
		return false
	}
	t.looks--
	return t.looks == mostLooks-1 || t.looks == mostLooks-10 || t.looks == 0
}

// land sets breakpoints on tail-call targets, and returns the programs where that failed.
func (p *programs) land(ctx context.Context) (unlanded []Untraced) {
	if !p.isLookDue() {
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
		if err := p.landIn(program); err != nil {
			unlanded = append(unlanded, Untraced{program, err})
		}
	}
	slices.SortFunc(unlanded, func(a, b Untraced) int { return cmp.Compare(a.ID, b.ID) })
	return unlanded
}

func (p *programs) landIn(program kernel.Program) error {
	if err := errors.Join(p.noBreakpoints, program.NoBreakpoint); err != nil {
		return err
	}
	l := &breakpoint{Program: program}
	if err := p.breakAt(l); err != nil {
		return errors.Join(err, l.close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breakpoints[program.ID] = l
	return nil
}

// breakAt opens the breakpoints first, since they are few, and then loads and attaches their program.
func (p *programs) breakAt(l *breakpoint) (err error) {
	if l.held, err = ebpf.NewProgramFromID(ebpf.ProgramID(l.ID)); err != nil {
		return err
	}
	if err := l.open(); err != nil {
		return explainBreakpoint(err)
	}
	spec, err := p.tracers.For(plan.TailTracerOf(l.Kind), bpf.Traced{ID: l.ID})
	if err != nil {
		return err
	}
	if l.tracer, err = ebpf.NewProgramWithOptions(spec, p.options); err != nil {
		return kernel.ExplainTracing(err)
	}
	for _, b := range l.breakpoints {
		if err := b.attach(l.tracer); err != nil {
			return explainBreakpoint(err)
		}
	}
	return nil
}

// open opens a breakpoint for each CPU.
func (l *breakpoint) open() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	for cpu := range cpus {
		b, err := openBreakpoint(cpu, l.BreakpointAddr)
		if errors.Is(err, unix.ENODEV) { // the CPU is offline
			continue
		}
		if err != nil {
			return err
		}
		l.breakpoints = append(l.breakpoints, b)
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
