// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"io"

	"github.com/cilium/ebpf/link"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// attachKprobeMulti makes one link for all functions of a program (5.18, with CONFIG_FPROBE).
func (s *Session) attachKprobeMulti(ctx context.Context, p *plan.Plan) error {
	for _, g := range p.Groups {
		program := s.collection.Programs[g.Program]
		if err := attachMulti(ctx, g.Functions, s.entries(p, g), func(functions []kernel.Function) (io.Closer, error) {
			if p.Returns.Describe().WithEntries {
				return s.openSession(g.Program, functions)
			}
			return link.KprobeMulti(program, multiOptions(functions))
		}); err != nil {
			return err
		}
	}
	return nil
}

// attachMulti attaches to all functions at once. If the kernel can't probe one of them, it rejects the
// whole list without naming that function, so a rejected list is split in halves until the functions that
// can't be probed are alone.
func attachMulti(ctx context.Context, functions []kernel.Function, b attachResult, open func([]kernel.Function) (io.Closer, error)) error {
	if err := ctx.Err(); err != nil || len(functions) == 0 { // the kernel rejects an empty list, too
		return err
	}
	l, err := open(functions)
	if err == nil {
		b.attached(len(functions), l)
		return nil
	}
	if len(functions) == 1 {
		b.skipped(functions[0], err)
		return nil
	}
	half := len(functions) / 2
	if err := attachMulti(ctx, functions[:half], b, open); err != nil {
		return err
	}
	return attachMulti(ctx, functions[half:], b, open)
}

// multiOptions returns options with the functions' addresses, since several functions can have the same
// name, and with unused cookies: a kernel that prints a link's functions in /proc/PID/fdinfo (seen on 6.18)
// dereferences a null pointer if a link without cookies is read there.
func multiOptions(functions []kernel.Function) link.KprobeMultiOptions {
	o := link.KprobeMultiOptions{
		Addresses: make([]uintptr, len(functions)),
		Cookies:   make([]uint64, len(functions)),
	}
	for i, f := range functions {
		o.Addresses[i] = uintptr(f.Addr)
	}
	return o
}

// openSession makes a kprobe session, a link for entries and returns (6.10).
func (s *Session) openSession(program string, functions []kernel.Function) (io.Closer, error) {
	o := multiOptions(functions)
	o.Session = true
	l, err := link.KprobeMulti(s.collection.Programs[program], o)
	if err == nil && !bpf.CalledByUs(program) {
		s.sessions = append(s.sessions, l)
	}
	return l, err
}
