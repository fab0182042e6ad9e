// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ProgramCall is a call of a kernel function in the code of a loaded BPF program, as the kernel shows it.
type ProgramCall struct {
	// Imm is the offset of the function from __bpf_call_base. For a kfunc it may be the BTF id instead.
	Imm int32
	// Kfunc is set for a kfunc, and Module for a kfunc of a kernel module.
	Kfunc, Module bool
}

// ProgramCalls are the calls of the BPF programs that handle packets.
type ProgramCalls struct {
	// Programs is the number of such programs, and Hidden the number of those whose code the kernel does not
	// show.
	Programs, Hidden int
	Calls            map[ProgramCall]bool
}

// packetPrograms are the types of programs that handle packets, or that replace a function of such a program
// (freplace).
var packetPrograms = map[ebpf.ProgramType]bool{
	ebpf.SocketFilter: true, ebpf.SchedCLS: true, ebpf.SchedACT: true, ebpf.XDP: true, ebpf.CGroupSKB: true,
	ebpf.LWTIn: true, ebpf.LWTOut: true, ebpf.LWTXmit: true, ebpf.LWTSeg6Local: true, ebpf.SkSKB: true,
	ebpf.FlowDissector: true, ebpf.SkReuseport: true, ebpf.SkLookup: true, ebpf.Netfilter: true, ebpf.Extension: true,
}

// readProgramCalls reads the calls in all loaded programs.
func readProgramCalls() (*ProgramCalls, error) {
	found := &ProgramCalls{Calls: map[ProgramCall]bool{}}
	id, err := ebpf.ProgramGetNextID(0)
	for ; err == nil; id, err = ebpf.ProgramGetNextID(id) {
		if err := found.read(id); err != nil {
			return nil, err
		}
	}
	if isRefusal(err) {
		return nil, errNoPrograms
	}
	if !errors.Is(err, unix.ENOENT) {
		return nil, err
	}
	return found, nil
}

// read adds the calls of a program, if it handles packets. A program that no longer exists is ignored.
func (c *ProgramCalls) read(id ebpf.ProgramID) error {
	program, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer program.Close()
	if !packetPrograms[program.Type()] {
		return nil
	}
	code, err := translated(program.FD())
	if err != nil {
		return err
	}
	c.Programs++
	if code == nil {
		c.Hidden++
	}
	c.add(code)
	return nil
}

// programInfo is the beginning of struct bpf_prog_info (include/uapi/linux/bpf.h).
type programInfo struct {
	kind, id               uint32
	tag                    [8]byte
	jitedSize, codeSize    uint32
	jitedInsns, translated uint64
}

const bpfObjGetInfoByFD = 15

// translated returns the program's code as the verifier left it; nil if the kernel does not show it. The
// library would also read types and lines, and refuses instructions that it does not know.
func translated(fd int) ([]byte, error) {
	var info programInfo
	if err := readProgramInfo(fd, &info); err != nil || info.codeSize == 0 {
		return nil, err
	}
	code := make([]byte, info.codeSize)
	info = programInfo{codeSize: info.codeSize, translated: uint64(uintptr(unsafe.Pointer(&code[0])))}
	err := readProgramInfo(fd, &info)
	runtime.KeepAlive(code)
	if err != nil || info.translated == 0 {
		return nil, err
	}
	return code, nil
}

func readProgramInfo(fd int, info *programInfo) error {
	attr := struct {
		fd, size uint32
		info     uint64
	}{uint32(fd), uint32(unsafe.Sizeof(*info)), uint64(uintptr(unsafe.Pointer(info)))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, bpfObjGetInfoByFD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(info)
	if errno != 0 {
		return errno
	}
	return nil
}

// From include/uapi/linux/bpf.h.
const (
	instructionSize = 8
	callInstruction = 0x85 // BPF_JMP | BPF_CALL
	wideInstruction = 0x18 // BPF_LD | BPF_IMM | BPF_DW, as long as two instructions
	callOfProgram   = 1    // BPF_PSEUDO_CALL, in the source register
	callOfKfunc     = 2    // BPF_PSEUDO_KFUNC_CALL
)

// add adds the calls in a program's code.
func (c *ProgramCalls) add(code []byte) {
	for len(code) >= instructionSize {
		in := code[:instructionSize]
		code = code[instructionSize:]
		switch source := in[1] >> 4; {
		case in[0] == wideInstruction && len(code) >= instructionSize:
			code = code[instructionSize:]
		case in[0] == callInstruction && source != callOfProgram:
			c.Calls[ProgramCall{
				Imm:    int32(binary.NativeEndian.Uint32(in[4:])),
				Kfunc:  source == callOfKfunc,
				Module: source == callOfKfunc && binary.NativeEndian.Uint16(in[2:]) != 0,
			}] = true
		}
	}
}
