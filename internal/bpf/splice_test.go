// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

func onlyProgram(t *testing.T, s Spec) asm.Instructions {
	t.Helper()
	spec, _, err := ReadObject().Collection(s)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Programs[s.Programs[0].Name].Instructions
}

func symbols(insns asm.Instructions) map[string]bool {
	names := map[string]bool{}
	for _, i := range insns {
		names[i.Symbol()] = true
	}
	return names
}

func TestBodiesReplaceStubs(t *testing.T) {
	program := OnFunctions(1)
	bodies := Bodies{Filter: computedFilter(), TunnelL2: fixedFilter(), TunnelL3: computedFilter(), Expression: expression(), Values: lastValue()}
	all := Config{Filter: true, FilterL2: true, FilterL3: true, FilterExpression: true, ValuesSize: 8}
	insns := onlyProgram(t, Spec{Programs: []Program{program}, Bodies: bodies, Config: all})
	for _, r := range bodies.list() {
		if got := len(split(insns).code[r.function]); got != len(r.body) {
			t.Errorf("%s has %d instructions, want %d", r.function, got, len(r.body))
		}
	}
	for _, needed := range []string{"load_packet", "load_byte"} {
		if !symbols(insns)[needed] {
			t.Errorf("%q was removed, but a filter calls it", needed)
		}
	}
}

func TestUncalledFunctionsAreDropped(t *testing.T) {
	insns := onlyProgram(t, Spec{Programs: []Program{OnFunctions(1)}, Bodies: Bodies{Filter: fixedFilter()}})
	for _, needless := range []string{"load_packet", "load_byte"} {
		if symbols(insns)[needless] {
			t.Errorf("%q remains, but is never called", needless)
		}
	}
}

// TestCallsAreReplaced checks that all calls of the stub are replaced, and that the stub is removed.
func TestCallsAreReplaced(t *testing.T) {
	call := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: 4711}
	count := func(s Spec) (stub, direct int) {
		s.Programs, s.Config = []Program{OnFunctions(1)}, Config{Meta: true, Direct: true}
		for _, in := range onlyProgram(t, s) {
			switch {
			case in.IsFunctionCall() && in.Reference() == castFunction:
				stub++
			case in.IsKfuncCall() && in.Constant == 4711:
				direct++
			}
		}
		return stub, direct
	}
	before, none := count(Spec{})
	left, direct := count(Spec{Bodies: Bodies{Cast: call}})
	if before == 0 || none != 0 || left != 0 || direct != before {
		t.Errorf("%d calls of the stub, %d of the kernel function; then %d and %d", before, none, left, direct)
	}
	if symbols(onlyProgram(t, Spec{Programs: []Program{OnFunctions(1)}, Bodies: Bodies{Cast: call}, Config: Config{Meta: true, Direct: true}}))[castFunction] {
		t.Error("the stub remains")
	}
}

func TestCopiesDoNotShareInstructions(t *testing.T) {
	spec, _, err := ReadObject().Collection(Spec{Programs: []Program{
		{Name: "one", Template: TracepointTemplate, Tracepoint: &TracepointParams{Number: 1}},
		{Name: "two", Template: TracepointTemplate, Tracepoint: &TracepointParams{Number: 2}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, number := range map[string]uint64{"one": 1, "two": 2} {
		insns := spec.Programs[name].Instructions
		if got := uint64(split(insns).code[tracepointFunction][0].Constant) & 0xffff; got != number {
			t.Errorf("program %q returns %d", name, got)
		}
	}
}

// TestWordsOfTheSkb checks that each copy reads the skb at its own offset of the context, and that no placeholder
// is left.
func TestWordsOfTheSkb(t *testing.T) {
	second := Program{Name: "t", Template: TracepointTemplate, Argument: 1, Tracepoint: &TracepointParams{}}
	for want, p := range map[int16]Program{8 * int16(wordsOfArguments(t)[1]): OnFunctions(2), 8: second} {
		insns := onlyProgram(t, Spec{Programs: []Program{p}})
		reads := func(offset int16) bool {
			return slices.ContainsFunc(insns, func(in asm.Instruction) bool {
				return in.OpCode.Class() == asm.LdXClass && in.Offset == offset
			})
		}
		if !reads(want) || reads(chosenOffset) {
			t.Errorf("%s: reads offset %d: %v, the placeholder: %v", p.Name, want, reads(want), reads(chosenOffset))
		}
	}
	for _, register := range []int{-1, 9} {
		if _, _, err := ReadObject().Collection(Spec{Programs: []Program{OnFunctions(register)}}); err == nil {
			t.Errorf("a program for register %d", register)
		}
	}
}

// wordsOfArguments returns the indices of the words with arguments in the kernel's struct pt_regs.
func wordsOfArguments(t *testing.T) []int {
	t.Helper()
	words := map[string][]int{"amd64": {14, 13, 12, 11, 9, 8}, "arm64": {0, 1, 2, 3, 4, 5, 6, 7}}[runtime.GOARCH]
	if words == nil {
		t.Fatalf("unknown architecture %q", runtime.GOARCH)
	}
	return words
}

func TestTracepointParamsWord(t *testing.T) {
	if got, want := (TracepointParams{Number: 3, Location: -1, Reason: 2, Drop: true}).word(), uint64(0x1_02ff_0003); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func TestUnknownTemplateIsNamed(t *testing.T) {
	_, _, err := ReadObject().Collection(Spec{Programs: []Program{{Name: "p", Template: "nosuch"}}})
	if err == nil || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("error %v", err)
	}
}
