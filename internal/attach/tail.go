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

// tails are the programs that others may go on with. Which these are is looked up when
// programs were loaded, and some times after that: they are put into place then.
type tails struct {
	// noBreakpoints is why none of them can be seen.
	noBreakpoints error
	// waiting are programs that were not found in a place yet, breakpoints those that were.
	waiting     map[uint32]kernel.Program
	breakpoints map[uint32]*breakpoint
	// looks counts down how often is still to be looked, a tick each.
	looks int
}

// mostLooks is how many ticks after the last program was loaded is looked where it is put.
const mostLooks = 50

func newTails(unlandable error) tails {
	return tails{noBreakpoints: unlandable, waiting: map[uint32]kernel.Program{}, breakpoints: map[uint32]*breakpoint{}}
}

// breakpoint is a program with breakpoints where tail calls land in it, one for each CPU. The
// program is held, since its place would be another's.
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

// expect has programs looked for among those that others go on with.
func (p *programs) expect(found []*kernel.LoadedProgram) {
	for _, program := range found {
		p.waiting[program.ID] = program.Program
		p.looks = mostLooks
	}
}

// isLookDue says whether to look now: at once, after a second and after five.
func (t *tails) isLookDue() bool {
	if t.looks == 0 {
		return false
	}
	t.looks--
	return t.looks == mostLooks-1 || t.looks == mostLooks-10 || t.looks == 0
}

// land puts breakpoints on programs that others go on with, and tells of those that can't
// have them.
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

// breakAt asks for the breakpoints first, which are few, and then loads what runs at them.
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
		if errors.Is(err, unix.ENODEV) { // it is not there now
			continue
		}
		if err != nil {
			return err
		}
		l.breakpoints = append(l.breakpoints, b)
	}
	return nil
}

// breakpointSize is what the architecture wants as the size of an instruction.
var breakpointSize = map[string]uint64{"amd64": 8, "arm64": 4}

// breakpointX is HW_BREAKPOINT_X of include/uapi/linux/hw_breakpoint.h.
const breakpointX = 4

// openBreakpoint opens what runs a program whenever a CPU comes to an address.
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
