// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// FuzzCompile compiles arbitrary text. A program must have a valid shape, and an error
// must be complete.
func FuzzCompile(f *testing.F) {
	for _, s := range samples {
		f.Add(s.text)
	}
	for _, s := range wholes {
		f.Add(s.text)
	}
	types := newTypes()
	f.Fuzz(func(t *testing.T, text string) {
		for _, compile := range []func(Types, Roots, string) (*Program, error){Condition, Value} {
			p, err := compile(types, Skb, text)
			if err != nil {
				checkShown(t, err.(*Error))
				continue
			}
			checkShape(t, p)
		}
	})
}

func checkShown(t *testing.T, err *Error) {
	if err.Offset < 0 || err.Offset > len(err.Expr) || err.Msg == "" || !strings.HasSuffix(err.Hint(), "^") {
		t.Errorf("%+v\n%s", err, err.Hint())
	}
}

// checkShape checks that a body ends with a return, jumps only forward and to its own instructions, and has
// neither symbols nor references.
func checkShape(t *testing.T, p *Program) {
	if last := p.Body[len(p.Body)-1]; last.OpCode != asm.Return().OpCode {
		t.Fatalf("%q ends with %v", p.Text, last)
	}
	slots := map[int]bool{}
	at := 0
	for _, in := range p.Body {
		slots[at] = true
		at += int(in.Size() / asm.InstructionSize)
	}
	at = 0
	for _, in := range p.Body {
		at += int(in.Size() / asm.InstructionSize)
		isJump := in.OpCode.Class() == asm.JumpClass && in.OpCode.JumpOp() != asm.Call && in.OpCode.JumpOp() != asm.Exit
		if isJump && (in.Offset < 0 || !slots[at+int(in.Offset)]) {
			t.Fatalf("%q jumps %d from slot %d\n%s", p.Text, in.Offset, at, p.Body)
		}
		if in.Symbol() != "" || in.Reference() != "" || in.OpCode == asm.InvalidOpCode {
			t.Fatalf("%q has %v", p.Text, in)
		}
	}
}
