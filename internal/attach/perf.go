// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"io"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// perfEvent is an open perf event of a kprobe, kretprobe or breakpoint.
type perfEvent struct{ event int }

// openPerfKprobe opens a kprobe at an address. settings is perf_event_attr.config: 0 for a kprobe, or the
// bit that makes it a kretprobe.
func openPerfKprobe(pmu uint32, settings, address uint64) (*perfEvent, error) {
	attr := unix.PerfEventAttr{
		Type:   pmu,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: settings,
		// Ext1 is a pointer to the function's name. If it is null, Ext2 is an address.
		Ext2: address,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &perfEvent{fd}, nil
}

// attach attaches the program to the event and enables the event.
func (e *perfEvent) attach(program *ebpf.Program) error {
	if err := unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err != nil {
		return err
	}
	return unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_ENABLE, 0)
}

// attachAt is like attach, but if it fails, it closes the event and names it in the error.
func (e *perfEvent) attachAt(kind string, address uint64, program *ebpf.Program) (io.Closer, error) {
	if err := e.attach(program); err != nil {
		e.Close()
		return nil, fmt.Errorf("attach to %s at %#x: %w", kind, address, err)
	}
	return e, nil
}

// Close removes the probe or breakpoint.
func (e *perfEvent) Close() error { return unix.Close(e.event) }
