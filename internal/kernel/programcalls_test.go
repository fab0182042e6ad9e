// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestCallsOfLoadedPrograms checks that the call of a helper is found, and resolved to its function, and that
// programs that do not handle packets are ignored.
func TestCallsOfLoadedPrograms(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	before := mustCalls(t)
	loadProgram(t, ebpf.RawTracepoint)
	if c := mustCalls(t); c.Programs != before.Programs {
		t.Errorf("%d programs handle packets, %d before", c.Programs, before.Programs)
	}
	loadProgram(t, ebpf.SchedCLS)
	c := mustCalls(t)
	if c.Programs != before.Programs+1 || c.Hidden != before.Hidden || len(c.Calls) == 0 {
		t.Errorf("%+v, before %+v", c, before)
	}
	symbols, err := ReadSymbols()
	if errors.Is(err, ErrAddressesHidden) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	base := symbols.Addresses(callBase, "")
	for call := range c.Calls {
		if sym, ok := symbols.callee(call, base[0], nil); ok && string(symbols.name(sym)) == "bpf_user_rnd_u32" {
			return
		}
	}
	t.Errorf("no call of the helper among %+v", c.Calls)
}

func mustCalls(t *testing.T) *ProgramCalls {
	t.Helper()
	c, err := readProgramCalls()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadProgram(t *testing.T, kind ebpf.ProgramType) {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: kind, License: "GPL", Instructions: asm.Instructions{
		asm.FnGetPrandomU32.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
}
