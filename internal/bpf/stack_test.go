// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// maxStack is the maximum stack of a program in bytes: the sum of the frames of the longest call chain, each
// rounded up. Newer kernels calculate it differently, and would load programs that older ones reject.
const (
	maxStack    = 512
	frameUnit   = 32
	exprFrame   = 120 // the frame of bodies of package expr
	lookupFrame = 32  // the frame of the body for look-ups, see TestLookupsOfThisKernel of package plan
	filterFrame = 64  // the frame of bodies of package filter
	minChain    = 2   // the longest call chain has at least this length
)

// replaced are the functions whose bodies are replaced, with the frames of the new bodies.
var replaced = map[string]int{
	"filter_expression": exprFrame, "fill_values": exprFrame, "fill_lookup": lookupFrame,
	"filter_xdp_expression": exprFrame, "fill_xdp_values": exprFrame,
	"filter_packet": filterFrame, "filter_tunnel_l2": filterFrame, "filter_tunnel_l3": filterFrame,
	"prefilter": filterFrame + 16,
}

// frames are the stack frames of a program's functions in bytes, and the functions that they call.
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

// reach returns the lowest byte of the stack that an instruction accesses, as a distance from the frame pointer: by
// an offset, or by an address that is computed in two steps.
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

// deepest returns the call chain from a function that needs the most stack.
func (f frames) deepest(function string) (bytes int, chain []string) {
	for _, callee := range f.calls[function] {
		if b, c := f.deepest(callee); b > bytes {
			bytes, chain = b, c
		}
	}
	frame := (max(f.bytes[function], 1) + frameUnit - 1) / frameUnit * frameUnit
	return bytes + frame, append([]string{function}, chain...)
}

// TestStackFits checks that no program uses more stack than the kernel allows, as calculated by the oldest kernels.
func TestStackFits(t *testing.T) {
	spec, err := readObject()
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range spec.Programs {
		f, root := framesOf(program.Instructions)
		bytes, chain := f.deepest(root)
		lone := name == HoldersProgram // it handles no packet, and calls no function
		if bytes > maxStack || len(chain) < minChain && !lone {
			t.Errorf("%s: %d bytes of stack in %v, at most %d are allowed", name, bytes, chain, maxStack)
		}
	}
}
