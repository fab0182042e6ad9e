// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// isReturn is a kfunc that reports whether a program of a kprobe session was called at a return.
const isReturn = "bpf_session_is_return"

var errNoSession = errors.New("the kernel has no kprobe sessions (Linux 6.10)")

// trySession creates a session that the kernel must refuse, as [tryKprobeMulti] does with a link. Its program
// calls isReturn, and trySession returns the body of that program.
func trySession(types *btf.Spec) (asm.Instructions, error) {
	id, err := functionID(types, isReturn)
	if err != nil {
		return nil, errNoSession
	}
	body := asksForReturn(id)
	prog, err := loadBody(ebpf.Kprobe, ebpf.AttachTraceKprobeSession, body)
	if err != nil {
		return nil, explainSession(err)
	}
	defer prog.Close()
	if errno := linkNowhere(prog, ebpf.AttachTraceKprobeSession); errno != unix.EFAULT {
		return nil, fmt.Errorf("BPF_LINK_CREATE for a kprobe session: %w", errno)
	}
	return body, nil
}

func explainSession(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) { // without the verifier's log
		err = errno
	}
	return fmt.Errorf("the kernel refused a kprobe session program: %w", err)
}

func functionID(types *btf.Spec, name string) (btf.TypeID, error) {
	var f *btf.Func
	if err := types.TypeByName(name, &f); err != nil {
		return 0, err
	}
	return types.TypeID(f)
}

// asksForReturn returns a body that calls the kfunc with this BTF id. Since 7.0, the kfunc takes the program's
// context, which is in the first register anyway. Before, it takes no argument.
func asksForReturn(function btf.TypeID) asm.Instructions {
	return asm.Instructions{
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(function)},
		asm.And.Imm(asm.R0, 1), // only this bit of a bool is defined
		asm.Return(),
	}
}
