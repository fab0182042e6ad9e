// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// MaxValues is how many values fit into one record, MaxBytes how many bytes they
// have together with the bitmap in front of them.
const (
	MaxValues = 64
	MaxBytes  = 2048
)

// bitmap is the size in bytes of what tells which values were read.
const bitmap = 8

// Layout is where values lie behind one another: first a bitmap of 8 bytes, whose bit i
// tells that value i was read, then each value. Values that were not read are zero.
type Layout struct {
	Offsets []int // of each value, in bytes
	Size    int   // of all, in bytes
}

// TooManyError is a list of values that does not fit.
type TooManyError struct{ Msg string }

func (e *TooManyError) Error() string { return e.Msg }

// Usage tells that the user's input is wrong, not the run.
func (e *TooManyError) Usage() bool { return true }

// LayOut finds the places of values.
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

// Values puts values that LayOut has places for into one body, of u32 f(u64 root, u8 *to).
// It returns 0.
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
	body, _ := g.finish() // no jump leaves its value, each of which was assembled before
	return body
}

// valueOf reads value i, and notes that it was read or clears its place.
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
