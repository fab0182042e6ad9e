// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The registers at a probe, as indexes into the words of the context, in the order of
// arch/*/include/asm/ptrace.h. Integer arguments 1 to ARGUMENT_REGISTERS are in registers. Stack offsets
// are in bytes from the stack pointer at a function's first instruction:
//   STACK_ARGUMENTS  the first argument that has no register
//   RETURN_ADDRESS   the slot in which the function saves its return address while it calls others
//   RETURN_POPS      how much higher the stack pointer is after the return
// CALLER_UNWOUND is 1 if the kernel's own unwinder finds the caller at a function's first instruction.
// RETURN_IN_REGISTER is 1 if LINK_REGISTER holds the return address there, 0 if it is on the stack. Objects
// in kernel memory have addresses from LOWEST_ADDRESS to HIGHEST_ADDRESS; the numbers and poison values that the
// kernel stores in place of pointers are outside of that range.
#pragma once

#include "core/kernel.h"

#if defined(__TARGET_ARCH_x86)
struct registers {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	u64 orig_ax, ip, cs, flags, sp, ss;
};
#define ARGUMENT_1 14
#define ARGUMENT_2 13
#define ARGUMENT_3 12
#define ARGUMENT_4 11
#define ARGUMENT_5 9
#define ARGUMENT_6 8
#define ARGUMENT_REGISTERS 6
// int3 and ftrace leave the instruction pointer one byte behind the probed address.
#define PROBE_ADDRESS(regs) ((regs)->ip - 1)
#define STACK_POINTER 19
#define STACK_ARGUMENTS 8
#define RETURN_IN_REGISTER 0
#define CALLER_UNWOUND 1
#define RETURN_ADDRESS 0
#define RETURN_POPS 8
#define RETURN_VALUE 10
#define LOWEST_ADDRESS 0xff00000000000000
#define HIGHEST_ADDRESS 0xffffffffffffffff
#elif defined(__TARGET_ARCH_arm64)
struct registers {
	u64 x[31];
	u64 sp, pc, pstate;
};
#define ARGUMENT_1 0
#define ARGUMENT_2 1
#define ARGUMENT_3 2
#define ARGUMENT_4 3
#define ARGUMENT_5 4
#define ARGUMENT_6 5
#define ARGUMENT_7 6
#define ARGUMENT_8 7
#define ARGUMENT_REGISTERS 8
#define PROBE_ADDRESS(regs) ((regs)->pc)
// Not every return probe reports a stack pointer, so calls are identified by their caller's frame.
#define FRAME_POINTER 29
// In a BPF program, the register with the address of the tail call counter.
#define TAIL_COUNT 26
#define LINK_REGISTER 30
#define STACK_POINTER 31
#define STACK_ARGUMENTS 0
#define RETURN_IN_REGISTER 1
#define CALLER_UNWOUND 0
#define RETURN_VALUE 0
#define LOWEST_ADDRESS 0xff00000000000000
#define HIGHEST_ADDRESS 0xffffffffffffffff
#elif defined(__TARGET_ARCH_riscv)
struct registers {
	u64 epc, ra, sp, gp, tp, t0, t1, t2, s0, s1, a[8], s2[10], t3[4];
};
#define ARGUMENT_1 10
#define ARGUMENT_2 11
#define ARGUMENT_3 12
#define ARGUMENT_4 13
#define ARGUMENT_5 14
#define ARGUMENT_6 15
#define ARGUMENT_7 16
#define ARGUMENT_8 17
#define ARGUMENT_REGISTERS 8
// The kernel has no kprobes on the ftrace instructions (6.12); they are placed behind them.
#define PROBE_OFFSET 8
#define PROBE_ADDRESS(regs) ((regs)->epc - PROBE_OFFSET)
#define LINK_REGISTER 1
#define STACK_POINTER 2
#define STACK_ARGUMENTS 0
#define RETURN_IN_REGISTER 1
#define CALLER_UNWOUND 0
#define RETURN_ADDRESS (-8)
#define RETURN_POPS 0
#define RETURN_VALUE 10
#define LOWEST_ADDRESS 0xff00000000000000
#define HIGHEST_ADDRESS 0xffffffffffffffff
#elif defined(__TARGET_ARCH_loongarch)
struct registers {
	u64 r[32], orig_a0, era;
};
#define ARGUMENT_1 4
#define ARGUMENT_2 5
#define ARGUMENT_3 6
#define ARGUMENT_4 7
#define ARGUMENT_5 8
#define ARGUMENT_6 9
#define ARGUMENT_7 10
#define ARGUMENT_8 11
#define ARGUMENT_REGISTERS 8
#define PROBE_ADDRESS(regs) ((regs)->era)
#define LINK_REGISTER 1
#define STACK_POINTER 3
#define STACK_ARGUMENTS 0
#define RETURN_IN_REGISTER 1
#define CALLER_UNWOUND 0
#define RETURN_ADDRESS (-8)
#define RETURN_POPS 0
#define RETURN_VALUE 4
// The direct-mapped window over all memory.
#define LOWEST_ADDRESS 0x9000000000000000
#define HIGHEST_ADDRESS 0x90ffffffffffffff
#elif defined(__TARGET_ARCH_powerpc)
struct registers {
	u64 gpr[32], nip, msr, orig_gpr3, ctr, link;
};
#define ARGUMENT_1 3
#define ARGUMENT_2 4
#define ARGUMENT_3 5
#define ARGUMENT_4 6
#define ARGUMENT_5 7
#define ARGUMENT_6 8
#define ARGUMENT_7 9
#define ARGUMENT_8 10
#define ARGUMENT_REGISTERS 8
#define PROBE_ADDRESS(regs) ((regs)->nip)
#define LINK_REGISTER 36
#define STACK_POINTER 1
// Behind the frame header (32 bytes) and the save area for the eight register arguments.
#define STACK_ARGUMENTS 96
#define RETURN_IN_REGISTER 1
#define CALLER_UNWOUND 1
#define RETURN_ADDRESS 16
#define RETURN_POPS 0
#define RETURN_VALUE 3
#define LOWEST_ADDRESS 0xc000000000000000
#define HIGHEST_ADDRESS 0xc0ffffffffffffff
#elif defined(__TARGET_ARCH_s390)
struct registers {
	u64 args, mask, addr, gprs[16];
};
#define ARGUMENT_1 5
#define ARGUMENT_2 6
#define ARGUMENT_3 7
#define ARGUMENT_4 8
#define ARGUMENT_5 9
#define ARGUMENT_REGISTERS 5
#define PROBE_ADDRESS(regs) ((regs)->addr)
#define LINK_REGISTER 17
#define STACK_POINTER 18
#define STACK_ARGUMENTS 160
#define RETURN_IN_REGISTER 1
#define CALLER_UNWOUND 1
// The slot of r14 with CONFIG_PACK_STACK, which is on by default.
#define RETURN_ADDRESS 136
#define RETURN_POPS 0
#define RETURN_VALUE 5
// The kernel has its own address space, in which memory begins at 0. UDP stores the truesize, 512 or more,
// in the upper half of the word that otherwise holds the device, so such a word is above the range.
#define LOWEST_ADDRESS 1
#define HIGHEST_ADDRESS 0x1ffffffffff
#else
#error "no register layout for this architecture: add it here"
#endif
