// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// counted is a program with a number of recursion misses, which counts its closes.
type counted struct {
	misses uint64
	closed *int
}

func (c counted) Stats() (*ebpf.ProgramStats, error) {
	return &ebpf.ProgramStats{RecursionMisses: c.misses}, nil
}

func (c counted) Close() error {
	*c.closed++
	return nil
}

func TestMissesOfTracersCount(t *testing.T) {
	closed := 0
	p := programs{traced: map[uint32]*tracedProgram{
		7: {tracers: []loaded{counted{3, &closed}, counted{20, &closed}}},
		8: {tracers: []loaded{counted{100, &closed}}},
	}}
	s := Session{collection: &ebpf.Collection{}, programs: programs{}}
	s.programs.traced = p.traced
	if n := s.Missed(); n != 123 {
		t.Errorf("%d missed, want 123", n)
	}
	s.programs.release(7)
	if n := s.Missed(); n != 123 || closed != 2 {
		t.Errorf("%d missed when one is gone, want 123; %d closed, want 2", n, closed)
	}
}

func TestTailCallsAreSearchedThreeTimes(t *testing.T) {
	ticksLeft := tails{ticksLeft: maxTicks}
	due := 0
	for range 3 * maxTicks {
		if ticksLeft.isSearchDue() {
			due++
		}
	}
	if due != 3 {
		t.Errorf("looked %d times after a program was loaded, want 3", due)
	}
}

func TestProgramsAreSplitByError(t *testing.T) {
	refused := errors.New("refused")
	f := splitByError([]*kernel.LoadedProgram{{Program: kernel.Program{ID: 1}}, {Program: kernel.Program{ID: 2}}}, []error{refused, nil})
	if len(f.Traced) != 1 || f.Traced[0].ID != 2 || len(f.Untraced) != 1 || f.Untraced[0].ID != 1 || f.Untraced[0].Reason != refused {
		t.Errorf("%+v", f)
	}
}

func TestNoFreeBreakpointIsExplained(t *testing.T) {
	for err, want := range map[error]string{
		unix.ENOSPC: "no hardware breakpoint is free",
		unix.EBUSY:  "no hardware breakpoint is free",
		unix.EINVAL: "breakpoint: invalid argument",
	} {
		if got := explainBreakpoint(err).Error(); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
