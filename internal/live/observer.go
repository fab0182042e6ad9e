// SPDX-License-Identifier: Apache-2.0

package live

import (
	"github.com/cilium/ebpf/btf"

	"tracer/internal/attach"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// Observer is notified of the progress of a source, and of what the source can't do. Programs and HiddenSockets
// may be called from another goroutine.
type Observer interface {
	// Planned is called with the plan before anything is loaded, UnknownTypes with the BTF of vmlinux and of
	// modules, to report types that are missing in it.
	Planned(*kernel.Facts, *plan.Plan)
	UnknownTypes(*plan.Plan, ...*btf.Spec)
	// Loading is called before the kernel verifies the programs, and Progress while they are attached.
	Loading()
	Progress(done, total int)
	// Attached is called once events flow, since users and scripts take its notice as the start: no packet
	// after it is missed.
	Attached(*attach.Session)
	// Programs is called with the changes of the traced BPF programs since the last call.
	Programs(attach.Found)
	// HiddenSockets is called once with the processes whose sockets may not be read.
	HiddenSockets(pids []uint32)
}

// Silent is an Observer that ignores everything.
type Silent struct{}

// Planned does nothing.
func (Silent) Planned(*kernel.Facts, *plan.Plan) {}

// UnknownTypes does nothing.
func (Silent) UnknownTypes(*plan.Plan, ...*btf.Spec) {}

// Loading does nothing.
func (Silent) Loading() {}

// Progress does nothing.
func (Silent) Progress(int, int) {}

// Attached does nothing.
func (Silent) Attached(*attach.Session) {}

// Programs does nothing.
func (Silent) Programs(attach.Found) {}

// HiddenSockets does nothing.
func (Silent) HiddenSockets([]uint32) {}
