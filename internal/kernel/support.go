// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"tracer/internal/printable"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// tryBackends tests each backend with a request that the kernel has to refuse. The error shows whether the kernel
// has the backend. Nothing is attached, since detaching takes tens of milliseconds.
func tryBackends() map[Backend]error {
	tried := make(map[Backend]error, len(backends))
	for _, b := range backends {
		tried[b.Backend] = b.try()
	}
	return tried
}

var (
	// errRefused is the error if the kernel refuses although the process has the capabilities.
	errRefused = &hinted{
		msg:  "not permitted, although CAP_BPF and CAP_PERFMON are held",
		hint: "a user namespace, a seccomp profile or a security module may be the cause: run in the initial user namespace, or in a privileged container",
	}
	errNoPerfEvents = &hinted{
		msg:  "not permitted: needs CAP_SYS_ADMIN if the sysctl kernel.perf_event_paranoid is above 2",
		hint: "run as root, or allow it: `sysctl kernel.perf_event_paranoid=2`",
	}
	errNoKprobeMulti = &hinted{
		msg:  "the kernel has no kprobe-multi link (Linux 5.18)",
		hint: "boot a kernel of 5.18 or newer with CONFIG_FPROBE=y",
	}
	errNoFprobe = &hinted{
		msg:  "the kernel was built without CONFIG_FPROBE",
		hint: "boot a kernel of 5.18 or newer with CONFIG_FPROBE=y",
	}
	errNoKprobes = &hinted{
		msg:  "the kernel was built without CONFIG_KPROBE_EVENTS",
		hint: "boot a kernel with CONFIG_KPROBE_EVENTS=y",
	}
)

// ErrLockedDown means that the helper that reads kernel memory is disabled for all processes
// (LOCKDOWN_BPF_READ_KERNEL, 5.4).
var ErrLockedDown error = &hinted{
	msg:  "the kernel does not let BPF programs read kernel memory (lockdown=confidentiality does this)",
	hint: "`cat /sys/kernel/security/lockdown` shows the lockdown mode; boot without lockdown=confidentiality on the kernel's command line",
}

// load loads a program that reads kernel memory, as all of ours do. It returns ErrLockedDown if only a program
// that does not read it can be loaded.
func load(typ ebpf.ProgramType, attach ebpf.AttachType) (*ebpf.Program, error) {
	prog, err := loadBody(typ, attach, append(readsMemory(), doesNothing()...))
	if err == nil {
		return prog, nil
	}
	idle, idleErr := loadBody(typ, attach, doesNothing())
	if idleErr != nil {
		return nil, explainLoad(typ, err)
	}
	idle.Close()
	return nil, ErrLockedDown
}

func loadBody(typ ebpf.ProgramType, attach ebpf.AttachType, body asm.Instructions) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:          testName,
		Type:          typ,
		AttachType:    attach,
		License:       "GPL",
		Instructions:  body,
		KernelVersion: AnyVersion,
	})
}

// AnyVersion is the kernel version of a program that does not depend on it. Kernels since 5.0 ignore the
// version. If it is 0, the library reads the version from /proc/self/auxv, which only root can read if the
// executable has file capabilities.
const AnyVersion = 1

func readsMemory() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R3, asm.R1),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, -8),
		asm.Mov.Imm(asm.R2, 8),
		asm.FnProbeReadKernel.Call(),
	}
}

func doesNothing() asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
}

func explainLoad(typ ebpf.ProgramType, err error) error {
	if isRefusal(err) {
		return notPermitted()
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Errorf("the kernel refused a program of type %v: %w", typ, errno)
	}
	return fmt.Errorf("the kernel refused a program of type %v: %w", typ, err)
}

func isRefusal(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) }

// notPermitted returns an error with the missing capabilities, if any.
func notPermitted() error {
	if err := CheckPrivileges(); err != nil {
		return err
	}
	return errRefused
}

// kprobeMultiAttr is union bpf_attr of BPF_LINK_CREATE for kprobe_multi.
type kprobeMultiAttr struct {
	prog, target, attachType, flags uint32
	multiFlags, count               uint32
	symbols, addresses, cookies     uint64
}

// nowhere is an address where nothing is mapped.
const nowhere = 1

// tryKprobeMulti creates a link with an address list that the kernel can't read. EFAULT shows that it has such
// links.
func tryKprobeMulti() error {
	prog, err := load(ebpf.Kprobe, ebpf.AttachTraceKprobeMulti)
	if err != nil {
		return err
	}
	defer prog.Close()
	return explainKprobeMulti(linkNowhere(prog, ebpf.AttachTraceKprobeMulti))
}

func linkNowhere(prog *ebpf.Program, attach ebpf.AttachType) syscall.Errno {
	attr := kprobeMultiAttr{
		prog:       uint32(prog.FD()),
		attachType: uint32(attach),
		count:      1,
		addresses:  nowhere,
		cookies:    nowhere,
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_CREATE,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	return errno
}

func explainKprobeMulti(errno syscall.Errno) error {
	switch errno {
	case unix.EFAULT:
		return nil
	case unix.EOPNOTSUPP:
		return errNoFprobe
	case unix.EINVAL, unix.E2BIG:
		return errNoKprobeMulti
	case unix.EPERM, unix.EACCES:
		return notPermitted()
	}
	return fmt.Errorf("BPF_LINK_CREATE for kprobe-multi: %w", errno)
}

const kprobePMU = "/sys/bus/event_source/devices/kprobe/type"

// KprobePMU returns the type of perf events that are kprobes (4.17).
func KprobePMU() (uint32, error) {
	pmu, err := perfType(kprobePMU)
	if err != nil {
		return 0, fmt.Errorf("perf events of type kprobe: %w", err)
	}
	return pmu, nil
}

// tryKprobe opens a kprobe at an address that is not code. If the kernel has kprobes, it refuses the address.
func tryKprobe() error {
	pmu, err := KprobePMU()
	if err != nil {
		return explainPMU(err)
	}
	prog, err := load(ebpf.Kprobe, ebpf.AttachNone)
	if err != nil {
		return err
	}
	defer prog.Close()
	attr := unix.PerfEventAttr{Type: pmu, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Ext2: nowhere}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err == nil {
		unix.Close(fd)
	}
	return explainKprobe(err)
}

func perfType(file string) (uint32, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(b))
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: %s is not a number", file, printable.Quote(text))
	}
	return uint32(n), nil
}

func explainPMU(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errNoKprobes
	}
	return err
}

func explainKprobe(err error) error {
	switch {
	case err == nil, errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return nil // the address was refused (ENOENT since 5.18), not the kprobe
	case isRefusal(err):
		return perfNotPermitted()
	}
	return fmt.Errorf("perf_event_open of a kprobe: %w", err)
}

// perfNotPermitted explains a refused perf event. Distributions add levels of kernel.perf_event_paranoid above
// 2, at which only CAP_SYS_ADMIN allows perf events.
func perfNotPermitted() error {
	set, err := Effective()
	if err == nil && len(set.lacksRequired()) == 0 && !set.Has(unix.CAP_SYS_ADMIN) {
		return errNoPerfEvents
	}
	return notPermitted()
}

// CheckRing returns why the kernel has no ring buffer for events (5.8); nil if it has.
func CheckRing() error {
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Name: testName, Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())})
	switch {
	case err == nil:
		return ring.Close()
	case isRefusal(err):
		return notPermitted()
	}
	return fmt.Errorf("the kernel refused a ring buffer: %w", err)
}

func tryTracepoint() error {
	prog, err := load(ebpf.RawTracepoint, ebpf.AttachNone)
	if err != nil {
		return err
	}
	return prog.Close()
}
