// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// mostStack is how many bytes of stack the kernel lets a program have, with all
// functions that are active at a time, each of them rounded up. Newer kernels do not
// count it so, and would load what older ones refuse.
const (
	mostStack   = 512
	frameUnit   = 32
	exprFrame   = 120 // of the bodies that package expr makes
	lookupFrame = 32  // of that for look-ups, see TestLookupsOfThisKernel of package plan
	filterFrame = 64  // of those of package filter
	fewest      = 2   // functions in the longest chain, at least
)

// replaced are the functions that get other bodies.
var replaced = map[string]int{
	"filter_expression": exprFrame, "fill_values": exprFrame, "fill_lookup": lookupFrame,
	"filter_xdp_expression": exprFrame, "fill_xdp_values": exprFrame,
	"filter_packet": filterFrame, "filter_tunnel_l2": filterFrame, "filter_tunnel_l3": filterFrame,
	"prefilter": filterFrame + 16,
}

// frames is what a program's functions take of the stack, and which they call.
type frames struct {
	bytes map[string]int
	calls map[string][]string
}

func framesOf(instructions asm.Instructions) (f frames, root string) {
	f = frames{map[string]int{}, map[string][]string{}}
	var name string
	for i, in := range instructions {
		if function := btf.FuncMetadata(&instructions[i]); function != nil {
			name = function.Name
			f.bytes[name] = replaced[name]
			if root == "" {
				root = name
			}
		}
		f.bytes[name] = max(f.bytes[name], reach(instructions, i))
		if in.IsFunctionCall() {
			f.calls[name] = append(f.calls[name], in.Reference())
		}
	}
	return f, root
}

// reach is how far down the stack an instruction looks: by an offset from its top, or
// by an address that is made in two steps.
func reach(instructions asm.Instructions, i int) int {
	in := instructions[i]
	isMemory := in.OpCode.Class().IsLoad() || in.OpCode.Class().IsStore()
	switch {
	case isMemory && (in.Src == asm.R10 || in.Dst == asm.R10):
		return -int(in.Offset)
	case i > 0 && in.OpCode.ALUOp() == asm.Add && instructions[i-1].Src == asm.R10 && instructions[i-1].Dst == in.Dst:
		return -int(in.Constant)
	}
	return 0
}

// deepest is the longest chain of frames from a function on.
func (f frames) deepest(function string) (bytes int, chain []string) {
	for _, callee := range f.calls[function] {
		if b, c := f.deepest(callee); b > bytes {
			bytes, chain = b, c
		}
	}
	frame := (max(f.bytes[function], 1) + frameUnit - 1) / frameUnit * frameUnit
	return bytes + frame, append([]string{function}, chain...)
}

// TestStackFits counts what the oldest kernels count.
func TestStackFits(t *testing.T) {
	spec, err := readObject()
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range spec.Programs {
		f, root := framesOf(program.Instructions)
		bytes, chain := f.deepest(root)
		lone := name == HoldersProgram // it looks at no packet
		if bytes > mostStack || len(chain) < fewest && !lone {
			t.Errorf("%s: %d bytes of stack in %v, at most %d are allowed", name, bytes, chain, mostStack)
		}
	}
}
