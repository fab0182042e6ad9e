// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// testName is the name of test programs and maps.
const testName = "tracer_try"

// errNoTrampolines is the error without BPF trampolines, which fentry and fexit need (amd64 5.5, arm64 6.0).
var errNoTrampolines = errors.New("the kernel has no BPF trampolines for this architecture (amd64: Linux 5.5, arm64: Linux 6.0)")

// errNoPrograms is the error without CAP_SYS_ADMIN, which a process needs to open other BPF programs by id.
var errNoPrograms = &hinted{
	msg:  "the kernel does not show other BPF programs to this process: lacking CAP_SYS_ADMIN",
	hint: "run as root, or add CAP_SYS_ADMIN",
}

// tryTracing checks whether BPF programs can be traced, with a target that never runs.
func tryTracing() error {
	if _, err := ebpf.ProgramGetNextID(0); isRefusal(err) {
		return errNoPrograms
	}
	target, err := ebpf.NewProgram(tryTarget())
	if err != nil {
		return explainLoad(ebpf.SocketFilter, err)
	}
	defer target.Close()
	tracer, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: testName, Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTarget: target, AttachTo: testName,
		License: "GPL", Instructions: append(readsMemory(), doesNothing()...),
	})
	if err != nil {
		return ExplainTracing(err)
	}
	defer tracer.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: tracer, AttachType: ebpf.AttachTraceFEntry})
	if err != nil {
		return ExplainTracing(err)
	}
	return l.Close()
}

// tryTarget returns a program with BTF, as compilers make it, and of a type that needs no network capability.
func tryTarget() *ebpf.ProgramSpec {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	function := &btf.Func{Name: testName, Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: number,
		Params: []btf.FuncParam{{Name: "skb", Type: &btf.Pointer{Target: &btf.Fwd{Name: "__sk_buff"}}}},
	}}
	body := doesNothing()
	body[0] = btf.WithFuncMetadata(body[0].WithSymbol(testName), function)
	return &ebpf.ProgramSpec{Name: testName, Type: ebpf.SocketFilter, License: "GPL", Instructions: body}
}

// errNoSupport is ENOTSUPP, which the kernel returns on architectures without trampolines.
const errNoSupport = syscall.Errno(524)

// ExplainTracing returns why the kernel refused to trace a BPF program.
func ExplainTracing(err error) error {
	var refused *ebpf.VerifierError
	switch {
	case errors.Is(err, errNoSupport), errors.Is(err, ebpf.ErrNotSupported):
		return errNoTrampolines
	case errors.Is(err, unix.E2BIG):
		return errors.New("the maximum number of programs already trace it")
	case errors.Is(err, unix.EBUSY):
		return errors.New("its entry is in use by something else")
	case errors.As(err, &refused) && len(refused.Log) > 0:
		return fmt.Errorf("the kernel refused it: %s (%w)", lastLogLine(refused.Log), refused.Cause)
	case isRefusal(err):
		return notPermitted()
	}
	return fmt.Errorf("the kernel refused it: %w", err)
}

// lastLogLine returns the last line of the verifier's log that is not statistics.
func lastLogLine(log []string) string {
	for i := len(log) - 1; i > 0; i-- {
		if line := log[i]; line != "" && !isStatistics(line) {
			return line
		}
	}
	return log[0]
}

func isStatistics(line string) bool {
	var n int
	_, err := fmt.Sscanf(line, "processed %d insns", &n)
	return err == nil
}
