// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// TailCalled returns the ids of the programs in program arrays, which other programs may tail-call.
func TailCalled() (map[uint32]bool, error) {
	ids := map[uint32]bool{}
	for last := ebpf.MapID(0); ; {
		id, err := ebpf.MapGetNextID(last)
		if errors.Is(err, fs.ErrNotExist) {
			return ids, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list of BPF maps: %w", err)
		}
		last = id
		addTailCalled(ids, id)
	}
}

// addTailCalled adds the programs of a program array. It ignores other maps, and maps that no longer exist or
// can't be read.
func addTailCalled(ids map[uint32]bool, id ebpf.MapID) {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return
	}
	defer m.Close()
	if m.Type() != ebpf.ProgramArray {
		return
	}
	var index, program uint32
	for entries := m.Iterate(); entries.Next(&index, &program); {
		ids[program] = true
	}
}

// Reasons why the address at which tail calls enter a program is unknown.
var (
	errCodeHidden      = errors.New("the kernel hides its code (see the sysctl kernel.kptr_restrict)")
	errNoTailCallEntry = errors.New("the target of tail calls in its code is unknown")
)

// tailCallEntry returns the offset in a program's code at which tail calls enter the program (emit_prologue in
// arch/x86/net/bpf_jit_comp.c, build_prologue in arch/arm64/net/bpf_jit_comp.c).
func tailCallEntry(arch string, code []byte) (offset int, err error) {
	frame, branchTarget := frames[arch], branchTargets[arch]
	if frame == nil {
		return 0, errNoTailCallEntry
	}
	begin := code[:min(len(code), maxPrologue)]
	i := bytes.Index(begin, frame)
	if i < 0 {
		return 0, errNoTailCallEntry
	}
	offset = i + len(frame)
	if bytes.HasPrefix(begin[offset:], branchTarget) {
		offset += len(branchTarget)
	}
	return offset, nil
}

// maxPrologue is the number of bytes in which frames are searched for.
const maxPrologue = 64

// frames are the last instructions of the prologue that a tail call skips. branchTargets are the instructions
// that may follow: they mark a valid target of indirect branches (IBT, BTI). The breakpoint is set after them.
var (
	frames = map[string][]byte{
		"amd64": {0x55, 0x48, 0x89, 0xe5},                              // push rbp; mov rbp, rsp
		"arm64": words(0xa9bf7bfd, 0x910003fd, 0xa9bf6bff, 0x910003fa), // stp fp, lr; mov fp, sp; stp xzr, x26; mov x26, sp
	}
	branchTargets = map[string][]byte{
		"amd64": {0xf3, 0x0f, 0x1e, 0xfa}, // endbr64
		"arm64": words(0xd503249f),        // bti j
	}
)

func words(list ...uint32) (code []byte) {
	for _, word := range list {
		code = binary.LittleEndian.AppendUint32(code, word)
	}
	return code
}

// errBreakpointLoops is the error on arm64 kernels before 6.10 (kernel commit f11f10bfa1ca), which do not step over
// a breakpoint that has a BPF program.
var errBreakpointLoops = errors.New("on arm64 this kernel does not step over a breakpoint that has a BPF program (Linux 6.10)")

// breakpoints returns why breakpoints can't be set in the code of BPF programs; nil if they can.
func breakpoints(arch string, types *btf.Spec) error {
	if arch != "arm64" {
		return nil
	}
	var event *btf.Struct
	if err := types.TypeByName("perf_event", &event); err != nil {
		return fmt.Errorf("struct perf_event: %w", err)
	}
	for _, m := range event.Members {
		if m.Name == "orig_overflow_handler" {
			return errBreakpointLoops
		}
	}
	return nil
}
