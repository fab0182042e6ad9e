// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/cilium/ebpf/asm"

	"tracer/internal/endian"
)

// fill calls a helper that reads from an address into the stack.
func (g *generator) fill(helper asm.BuiltinFunc, from node, to, size int) {
	g.evaluateTo(from, asm.R3)
	g.emit(asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, int32(to)), asm.Mov.Imm(asm.R2, int32(size)), helper.Call())
}

// must leaves for what comes of a failed read unless the helper could read.
func (g *generator) must() {
	g.jumpTo(whenConstant(asm.JNE, regResult, 0), g.failed)
}

// read reads a number. The loads that the oldest kernels know extend it with zeros.
func (g *generator) read(n read) {
	g.fill(readKernel, n.from, stackRead, n.kind.size)
	g.must()
	g.emit(asm.LoadMem(regResult, asm.R10, stackRead, endian.Size(n.kind.size)))
	if n.kind.signed {
		g.wrap(regResult, n.kind)
	}
}

// bits reads the bytes that a bitfield lies in and takes its bits out. Its place is counted
// from the lowest bit of the first byte, but from the highest where that byte has the
// highest bits of a number (big-endian).
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

// unequal jumps where a string is not the text.
func (g *generator) unequal(n equality, to label) {
	if n.array >= 0 {
		g.unequalArray(n, to)
	} else {
		g.unequalString(n, to)
	}
}

// unequalArray reads the letters and the NUL behind them, unless they fill the array.
func (g *generator) unequalArray(n equality, to label) {
	want := []byte(n.text + "\x00")
	want = want[:min(len(want), n.array)]
	g.fill(readKernel, n.from, stackText, len(want))
	g.must()
	g.compareBytes(want, to)
}

// unequalString reads no further than the string's NUL, for what is behind it may not
// be readable. It reads one more byte than there should be, or a longer string would
// come out cut and equal.
func (g *generator) unequalString(n equality, to label) {
	g.fill(readString, n.from, stackText, len(n.text)+2)
	g.jumpTo(whenConstant(asm.JSLT, regResult, 0), g.failed)
	g.jumpTo(whenConstant(asm.JNE, regResult, int32(len(n.text)+1)), to)
	g.compareBytes([]byte(n.text), to)
}

// compareBytes jumps where the bytes on the stack are others, in the largest pieces
// that are aligned there.
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
