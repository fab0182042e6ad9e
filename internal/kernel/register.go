// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"tracer/internal/printable"
)

// abi is how an architecture passes integer arguments. Floating point is ignored, since the kernel is built
// without it.
type abi struct {
	registers int
	// hidden reports whether a result is stored through a pointer that is passed in the first argument
	// register; nil means never (AAPCS64 uses x8 for that).
	hidden func(aggregate bool, size uint32) bool
	// whole reports whether an argument is passed in registers; nil means always, whatever its size. Other
	// arguments are passed as a pointer to a copy or, if onStack is set, on the stack, where they use no
	// register.
	whole   func(aggregate bool, size uint32) bool
	onStack bool
	// evenPairs is set if a 128-bit integer starts at an even register (AAPCS64).
	evenPairs bool
	// closes is set if no argument gets a register after the first that does not fit; otherwise smaller ones
	// may still get one (System V).
	closes bool
}

// abis has the calling conventions by GOARCH: System V for amd64, AAPCS64, RISC-V (LP64) and LoongArch, which
// are alike here, the 64-bit ELF V2 ABI of Power, and the ELF ABI of s390x.
var abis = map[string]abi{
	"amd64":   {registers: 6, hidden: bigAggregate, whole: upToTwo, onStack: true},
	"arm64":   {registers: 8, whole: upToTwo, evenPairs: true, closes: true},
	"loong64": {registers: 8, hidden: bigAggregate, whole: upToTwo, closes: true},
	"ppc64le": {registers: 8, hidden: bigAggregate, closes: true},
	"riscv64": {registers: 8, hidden: bigAggregate, whole: upToTwo, closes: true},
	"s390x":   {registers: 5, hidden: anyAggregate, whole: oneRegister, closes: true},
}

func bigAggregate(aggregate bool, size uint32) bool { return aggregate && size > 16 }

func anyAggregate(aggregate bool, size uint32) bool { return aggregate && size > 0 || size > 8 }

func upToTwo(aggregate bool, size uint32) bool { return !aggregate || size <= 16 }

// oneRegister is for s390x: a larger argument is passed as a pointer, which also takes one register.
func oneRegister(_ bool, size uint32) bool { return size <= 8 }

func abiOf(arch string) (abi, error) {
	a, ok := abis[arch]
	if !ok {
		return abi{}, fmt.Errorf("architecture %s is not supported", printable.Quote(arch))
	}
	return a, nil
}

// allocator assigns the argument registers of one function.
type allocator struct {
	abi
	used int
}

// take returns the first register of an argument, from 1; 0 if it gets none.
func (a *allocator) take(size uint32, aggregate bool) int {
	need := int(size+7) / 8
	if a.whole != nil && !a.whole(aggregate, size) {
		if a.onStack {
			return 0
		}
		need = 1
	}
	if a.evenPairs && need == 2 && !aggregate {
		a.used += a.used & 1
	}
	return a.claim(need)
}

func (a *allocator) claim(need int) int {
	if need == 0 {
		return 0
	}
	if a.used+need > a.registers {
		if a.closes {
			a.used = a.registers
		}
		return 0
	}
	a.used += need
	return a.used - need + 1
}

// size returns the size in bytes of a parameter or result, and whether it is a struct or union that is passed
// by value.
func (t *types) size(id uint32) (size uint32, aggregate bool) {
	switch _, r := t.strip(id); r.kind() {
	case kindPtr:
		return 8, false
	case kindStruct, kindUnion:
		return r.size, true
	case kindInt, kindEnum, kindEnum64:
		return r.size, false
	}
	return 0, false // void, floating point, variable arguments
}

// The argument registers that events contain, to get a drop reason from: every function of 5.17 to 7.3 that takes
// a reason has it in one of these.
const (
	FirstArgument = 2
	Arguments     = 3
)

// position has the argument registers of the arguments that programs use, from 1; 0 is none.
type position struct {
	skb, reason, state int
	endpoint
}

// endpoint has the argument registers of a socket and of a network namespace.
type endpoint struct{ socket, net int }

// merge clears the endpoint if another function with the same name has a different one.
func (p *position) merge(other position) {
	if p.endpoint != other.endpoint {
		p.endpoint = endpoint{}
	}
}

// takesAlike reports whether another function has the same positions, apart from the endpoint, so that the same
// BPF program can be used.
func (p position) takesAlike(other position) bool {
	other.endpoint = p.endpoint
	return p == other
}

// position assigns registers to the parameters of a prototype. If there are several skbs, the first counts.
func (r *paramKinds) position(a abi, proto record) position {
	var p position
	regs := allocator{abi: a}
	if size, aggregate := r.types.size(proto.ref()); a.hidden != nil && a.hidden(aggregate, size) {
		regs.claim(1)
	}
	for i := range proto.length() {
		id := proto.word(2*i + 1)
		n := regs.take(r.types.size(id))
		switch r.of(id) {
		case skbPointer:
			p.skb = first(p.skb, n)
		case reasonEnum:
			if n >= FirstArgument && n < FirstArgument+Arguments {
				p.reason = first(p.reason, n)
			}
		case hookState:
			p.state = first(p.state, n)
		case socketPointer:
			p.socket = first(p.socket, n)
		case netPointer:
			p.net = first(p.net, n)
		}
	}
	return p
}

func first(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

// takesSkb is a fast check before registers are assigned.
func (r *paramKinds) takesSkb(proto record) bool {
	for i := range proto.length() {
		if r.of(proto.word(2*i+1)) == skbPointer {
			return true
		}
	}
	return false
}
