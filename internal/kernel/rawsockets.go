// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// RawSockets are the addresses of the kernel's hash tables of raw sockets (struct raw_hashinfo); 0 if a table
// could not be found. /proc/kallsyms often has no data symbols (without CONFIG_KALLSYMS_ALL), so
// findRawSockets opens a raw socket for a moment, and runs a BPF program that follows pointers from it to the table.
type RawSockets struct{ IPv4, IPv6 uint64 }

// step is a member that points to the next object.
type step struct{ object, member string }

// socketSteps lead from a task to its table of open files, and tableSteps from the file of a
// socket to the hash table of its protocol.
var (
	socketSteps = []step{{"task_struct", "files"}, {"files_struct", "fdt"}, {"fdtable", "fd"}}
	tableSteps  = []step{{"file", "private_data"}, {"socket", "sk"}, {"sock_common", "skc_prot"}, {"proto", "h"}}
)

// findRawSockets needs CAP_NET_RAW, and BPF_PROG_TEST_RUN for raw tracepoints (Linux 5.10). The address of a
// table that can't be found is 0.
func findRawSockets(types *btf.Spec) RawSockets {
	return RawSockets{IPv4: rawTable(types, unix.AF_INET), IPv6: rawTable(types, unix.AF_INET6)}
}

func rawTable(types *btf.Spec, family int) uint64 {
	// A socket of IPPROTO_RAW only sends: it receives no packets in the meantime.
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	offsets, err := offsetsToTable(types, fd)
	if err != nil {
		return 0
	}
	address, err := followPointers(offsets)
	if err != nil {
		return 0
	}
	return address
}

// offsetsToTable returns the offsets of the pointers that lead from the current task to the hash table.
func offsetsToTable(types *btf.Spec, fd int) ([]int32, error) {
	offsets, err := memberOffsets(types, socketSteps)
	if err != nil {
		return nil, err
	}
	rest, err := memberOffsets(types, tableSteps)
	return append(append(offsets, int32(fd*8)), rest...), err
}

func memberOffsets(types *btf.Spec, steps []step) ([]int32, error) {
	var offsets []int32
	for _, s := range steps {
		var object *btf.Struct
		if err := types.TypeByName(s.object, &object); err != nil {
			return nil, fmt.Errorf("struct %s: %w", s.object, err)
		}
		m, ok := findMember(object, s.member)
		if !ok {
			return nil, fmt.Errorf("struct %s has no %s", s.object, s.member)
		}
		offsets = append(offsets, int32(m.Offset.Bytes()))
	}
	return offsets, nil
}

// followPointers runs a program that reads a pointer at the first offset in the current task, then
// one at the next offset in the object that it points to, and so on. It returns the last pointer.
func followPointers(offsets []int32) (uint64, error) {
	var address [2]uint32 // a program returns 32 bits
	for half := range address {
		prog, err := loadBody(ebpf.RawTracepoint, ebpf.AttachNone, readsPointers(offsets, 32*int32(half)))
		if err != nil {
			return 0, explainLoad(ebpf.RawTracepoint, err)
		}
		address[half], err = prog.Run(&ebpf.RunOptions{})
		prog.Close()
		if err != nil {
			return 0, fmt.Errorf("run a program: %w", err)
		}
	}
	return uint64(address[1])<<32 | uint64(address[0]), nil
}

func readsPointers(offsets []int32, shift int32) asm.Instructions {
	body := asm.Instructions{asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R3, asm.R0)}
	for _, offset := range offsets {
		body = append(body,
			asm.Add.Imm(asm.R3, offset),
			asm.Mov.Reg(asm.R1, asm.RFP),
			asm.Add.Imm(asm.R1, -8),
			asm.Mov.Imm(asm.R2, 8),
			asm.FnProbeReadKernel.Call(),
			asm.LoadMem(asm.R3, asm.RFP, -8, asm.DWord),
		)
	}
	return append(body, asm.Mov.Reg(asm.R0, asm.R3), asm.RSh.Imm(asm.R0, shift), asm.Return())
}
