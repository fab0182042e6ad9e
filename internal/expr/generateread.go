// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/cilium/ebpf/asm"

	"tracer/internal/endian"
)

// fill calls a helper that copies size bytes from an address to the stack.
func (g *generator) fill(helper asm.BuiltinFunc, from node, to, size int) {
	g.evaluateTo(from, asm.R3)
	g.emit(asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, int32(to)), asm.Mov.Imm(asm.R2, int32(size)), helper.Call())
}

// must jumps to g.failed if the helper returned an error.
func (g *generator) must() {
	g.jumpTo(whenConstant(asm.JNE, regResult, 0), g.failed)
}

// read reads a number. It sign-extends it explicitly, since BPF has sign-extending loads only from
// Linux 6.6 on.
func (g *generator) read(n read) {
	g.fill(readKernel, n.from, stackRead, n.kind.size)
	g.must()
	g.emit(asm.LoadMem(regResult, asm.R10, stackRead, endian.Size(n.kind.size)))
	if n.kind.signed {
		g.wrap(regResult, n.kind)
	}
}

// bits reads the bytes that contain a bitfield and extracts its bits. Bits are numbered from the
// least significant bit of the first byte; on big-endian machines, from the most significant one.
func (g *generator) bits(n bitRead) {
	g.emit(asm.Mov.Imm(regOther, 0), asm.StoreMem(asm.R10, stackRead, regOther, asm.DWord))
	g.fill(readKernel, n.from, stackRead, (n.lowest+n.width+7)/8)
	g.must()
	g.emit(asm.LoadMem(regResult, asm.R10, stackRead, asm.DWord))
	above := 64 - n.lowest - n.width
	if endian.Big {
		above = n.lowest
	}
	g.emit(asm.LSh.Imm(regResult, int32(above)))
	down := asm.RSh
	if n.signed {
		down = asm.ArSh
	}
	g.emit(down.Imm(regResult, int32(64-n.width)))
}

// unequal jumps if a string differs from the constant.
func (g *generator) unequal(n equality, to label) {
	if n.array >= 0 {
		g.unequalArray(n, to)
	} else {
		g.unequalString(n, to)
	}
}

// unequalArray compares the characters, and the NUL after them unless they fill the array.
func (g *generator) unequalArray(n equality, to label) {
	want := []byte(n.text + "\x00")
	want = want[:min(len(want), n.array)]
	g.fill(readKernel, n.from, stackText, len(want))
	g.must()
	g.compareBytes(want, to)
}

// unequalString does not read beyond the string's NUL, since the memory after it may not be
// readable. Its buffer has one more byte than the constant with its NUL; otherwise a longer string
// would be truncated and compare as equal.
func (g *generator) unequalString(n equality, to label) {
	g.fill(readString, n.from, stackText, len(n.text)+2)
	g.jumpTo(whenConstant(asm.JSLT, regResult, 0), g.failed)
	g.jumpTo(whenConstant(asm.JNE, regResult, int32(len(n.text)+1)), to)
	g.compareBytes([]byte(n.text), to)
}

// compareBytes jumps if the bytes on the stack differ from want. It compares them in the largest
// aligned pieces.
func (g *generator) compareBytes(want []byte, to label) {
	for at := 0; at < len(want); {
		size := 8
		for size > len(want)-at {
			size /= 2
		}
		g.emit(asm.LoadMem(regResult, asm.R10, int16(stackText+at), endian.Size(size)))
		g.emit(constantTo(regOther, endian.Uint(want[at:at+size])))
		g.jumpTo(when(asm.JNE, regResult, regOther), to)
		at += size
	}
}
