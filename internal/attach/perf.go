// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"io"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// perfEvent is an open kprobe with a program on it.
type perfEvent struct{ event int }

// openPerfKprobe opens a kprobe at an address, disabled. Its settings make it a
// kretprobe, or 0 none.
func openPerfKprobe(pmu uint32, settings, address uint64) (*perfEvent, error) {
	attr := unix.PerfEventAttr{
		Type:   pmu,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: settings,
		// For kprobes Ext1 is the function's name, where null makes Ext2 an address.
		Ext2: address,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &perfEvent{fd}, nil
}

// attach puts the program on the event and enables it.
func (e *perfEvent) attach(program *ebpf.Program) error {
	if err := unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err != nil {
		return err
	}
	return unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_ENABLE, 0)
}

// attachAt is like attach. An event that can't have the program is closed, and the error names it.
func (e *perfEvent) attachAt(kind string, address uint64, program *ebpf.Program) (io.Closer, error) {
	if err := e.attach(program); err != nil {
		e.Close()
		return nil, fmt.Errorf("attach to %s at %#x: %w", kind, address, err)
	}
	return e, nil
}

// Close takes the kprobe away.
func (e *perfEvent) Close() error { return unix.Close(e.event) }
