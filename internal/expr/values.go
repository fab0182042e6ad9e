// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// MaxValues is the maximum number of values in a record, MaxBytes their maximum size
// together with the bitmap in front of them.
const (
	MaxValues = 64
	MaxBytes  = 2048
)

// bitmap is the size in bytes of the bitmap of values that were read.
const bitmap = 8

// Layout is the layout of several values in a buffer. A bitmap of 8 bytes comes first; its bit i
// is set if value i could be read. The values follow. Values that could not be read are zero.
type Layout struct {
	Offsets []int // of each value, in bytes
	Size    int   // of the buffer, in bytes
}

// TooManyError is the error for a list of values that does not fit into a record.
type TooManyError struct{ Msg string }

func (e *TooManyError) Error() string { return e.Msg }

// Usage marks the error as a usage error.
func (e *TooManyError) Usage() bool { return true }

// LayOut computes the layout of values.
func LayOut(programs []*Program) (Layout, error) {
	if len(programs) > MaxValues {
		return Layout{}, &TooManyError{fmt.Sprintf("%d %ss: at most %d can be shown", len(programs), programs[0].What, MaxValues)}
	}
	l := Layout{Size: bitmap}
	for _, p := range programs {
		l.Offsets = append(l.Offsets, l.Size)
		l.Size += p.Size
	}
	if l.Size > MaxBytes {
		return Layout{}, &TooManyError{fmt.Sprintf("the values of %d %ss have %d bytes: at most %d can be shown", len(programs), programs[0].What, l.Size, MaxBytes)}
	}
	return l, nil
}

// Values returns one body that reads all values, which LayOut must have accepted. Its signature is
// u32 f(u64 root, u8 *to); it returns 0 and writes the layout described at [Layout].
func Values(programs []*Program) asm.Instructions {
	g := generator{}
	g.emit(asm.Mov.Reg(regRoot, asm.R1), asm.Mov.Reg(regOutput, asm.R2))
	g.clear(0, bitmap)
	at := bitmap
	for i, p := range programs {
		g.valueOf(p, i, at)
		at += p.Size
	}
	g.emit(asm.Mov.Imm(regResult, 0), asm.Return())
	body, _ := g.finish() // can't fail: jumps stay within one value, and Value has assembled each value already
	return body
}

// valueOf reads value i and sets its bit, or clears its bytes if it can't be read.
func (g *generator) valueOf(p *Program, i, at int) {
	g.failed = g.label()
	g.output(p, at)
	g.note(i)
	if !g.canFail() {
		return
	}
	done := g.label()
	g.jumpTo(always(), done)
	g.put(g.failed)
	g.clear(at, p.Size)
	g.put(done)
}

// note sets bit i of the bitmap.
func (g *generator) note(i int) {
	g.emit(
		asm.LoadMem(regResult, regOutput, int16(i/8), asm.Byte),
		asm.Or.Imm(regResult, int32(1)<<(i%8)),
		asm.StoreMem(regOutput, int16(i/8), regResult, asm.Byte),
	)
}
