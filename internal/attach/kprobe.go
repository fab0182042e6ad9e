// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// openers is the number of kprobes that are opened concurrently. More would not help: the kernel serializes
// most of the work.
const openers = 16

// attachKprobes opens a perf event for each function, and attaches the program to it.
func (s *Session) attachKprobes(ctx context.Context, p *plan.Plan) error {
	pmu, err := kernel.KprobePMU()
	if err != nil {
		return err
	}
	if err := raiseFileLimit(s.total); err != nil {
		return err
	}
	for _, g := range p.Groups {
		program := s.collection.Programs[g.Program]
		if err := attachEach(ctx, g.Functions, s.entries(p, g), func(f kernel.Function) (io.Closer, error) {
			return openKprobe(pmu, f, program)
		}); err != nil {
			return err
		}
	}
	return nil
}

// attachEach opens a probe for each function, several at a time.
func attachEach(ctx context.Context, functions []kernel.Function, b attachResult, open func(kernel.Function) (io.Closer, error)) error {
	work := make(chan kernel.Function)
	var recording sync.Mutex
	var done sync.WaitGroup
	for range openers {
		done.Go(func() {
			for f := range work {
				probe, err := open(f)
				recording.Lock()
				b.record(f, probe, err)
				recording.Unlock()
			}
		})
	}
	feed(ctx, work, functions)
	done.Wait()
	return ctx.Err()
}

// feed sends the functions to the workers until all are sent or ctx ends.
func feed(ctx context.Context, work chan<- kernel.Function, functions []kernel.Function) {
	defer close(work)
	for _, f := range functions {
		select {
		case work <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (b attachResult) record(f kernel.Function, probe io.Closer, err error) {
	if err != nil {
		b.skipped(f, err)
		return
	}
	b.attached(1, probe)
}

// probeOffset is the offset in a function, in bytes, at which a kprobe is attached if the kernel rejects one at
// the first instruction, which is an ftrace call site. At this offset, the arguments are still in their
// registers (PROBE_OFFSET in bpf/core/registers.h).
var probeOffset = map[string]uint64{"riscv64": 8}

// openKprobe opens a kprobe at the function's address, since several functions can have the same name.
func openKprobe(pmu uint32, f kernel.Function, program *ebpf.Program) (io.Closer, error) {
	event, err := openPerfKprobe(pmu, 0, f.Addr)
	if offset := probeOffset[runtime.GOARCH]; offset > 0 && errors.Is(err, unix.EINVAL) {
		event, err = openPerfKprobe(pmu, 0, f.Addr+offset)
	}
	if err != nil {
		return nil, fmt.Errorf("kprobe at %#x: %w", f.Addr, err)
	}
	return event.attachAt("kprobe", f.Addr, program)
}
