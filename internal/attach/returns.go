// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"fmt"
	"io"

	"github.com/cilium/ebpf/link"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// attachReturns attaches to the returns of functions. It runs before the entries are attached: the kernel
// calls the probe of an address that was attached last first, so the program on the entry reads the true
// return address before the return probe replaces it with that of a trampoline. In a kprobe session, the
// program on the entry is also called at the return.
func (s *Session) attachReturns(ctx context.Context, p *plan.Plan) error {
	for _, g := range p.ReturnGroups {
		if err := returnWays[p.Returns](s, ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// returnWays are the functions that attach to the returns of a group, for each way to trace returns except
// kprobe sessions, whose links also attach to the entries.
var returnWays = map[kernel.ReturnWay]func(*Session, context.Context, plan.Group) error{
	kernel.KretprobeMulti: (*Session).attachKretprobeMulti,
	kernel.Kretprobe:      (*Session).attachKretprobes,
}

func (s *Session) returns() attachResult {
	return attachResult{
		attached: func(n int, link io.Closer) {
			s.links = append(s.links, link)
			s.step(n)
		},
		skipped: func(f kernel.Function, reason error) {
			s.SkippedReturns = append(s.SkippedReturns, Skipped{Name: f.Name, Reason: reason})
			s.step(1)
		},
	}
}

func (s *Session) attachKretprobeMulti(ctx context.Context, g plan.Group) error {
	program := s.collection.Programs[g.Program]
	return attachMulti(ctx, g.Functions, s.returns(), func(functions []kernel.Function) (io.Closer, error) {
		return link.KretprobeMulti(program, multiOptions(functions))
	})
}

func (s *Session) attachKretprobes(ctx context.Context, g plan.Group) error {
	pmu, err := kernel.KprobePMU()
	if err != nil {
		return err
	}
	bit, err := kernel.RetprobeBit()
	if err != nil {
		return err
	}
	if err := raiseFileLimit(s.total); err != nil {
		return err
	}
	program := s.collection.Programs[g.Program]
	return attachEach(ctx, g.Functions, s.returns(), func(f kernel.Function) (io.Closer, error) {
		event, err := openPerfKprobe(pmu, bit, f.Addr)
		if err != nil {
			return nil, fmt.Errorf("kretprobe at %#x: %w", f.Addr, err)
		}
		return event.attachAt("kretprobe", f.Addr, program)
	})
}
