// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// kprobePMU is the type of perf events that are kprobes (4.17).
func kprobePMU() (uint32, error) {
	text, err := os.ReadFile("/sys/bus/event_source/devices/kprobe/type")
	if err != nil {
		return 0, fmt.Errorf("kprobe events of perf: %w", err)
	}
	pmu, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	return uint32(pmu), err
}

// perfEvent is an open kprobe with a program on it.
type perfEvent struct {
	event int
	// link is the BPF link that carries a cookie, or -1.
	link int
}

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
	return &perfEvent{event: fd, link: -1}, nil
}

// attach puts the program on the event and enables it. A cookie needs a BPF
// link (5.15); a kernel without has no drop reasons to be found by it either.
func (e *perfEvent) attach(program *ebpf.Program, cookie uint64) error {
	if cookie != 0 {
		link, err := createPerfLink(program.FD(), e.event, cookie)
		if err == nil {
			e.link = link
			return unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_ENABLE, 0)
		}
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	if err := unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_SET_BPF, program.FD()); err != nil {
		return err
	}
	return unix.IoctlSetInt(e.event, unix.PERF_EVENT_IOC_ENABLE, 0)
}

// Close takes the kprobe away.
func (e *perfEvent) Close() error {
	var err error
	if e.link >= 0 {
		err = unix.Close(e.link)
	}
	return errors.Join(err, unix.Close(e.event))
}

// From include/uapi/linux/bpf.h.
const (
	bpfLinkCreate = 28
	bpfPerfEvent  = 41
)

// createPerfLink is BPF_LINK_CREATE for a perf event, which the library does
// for probes that it opened itself only.
func createPerfLink(program, event int, cookie uint64) (int, error) {
	attr := struct {
		program, target, kind, flags uint32
		cookie                       uint64
	}{program: uint32(program), target: uint32(event), kind: bpfPerfEvent, cookie: cookie}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, bpfLinkCreate, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// raiseFileLimit makes room for two descriptors a probe and some more. It never
// lowers a limit.
func raiseFileLimit(probes int) error {
	want := uint64(2*probes + 256)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if limit.Cur >= want {
		return nil
	}
	limit.Cur, limit.Max = want, max(limit.Max, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files to %d: %w", want, err)
	}
	return nil
}
