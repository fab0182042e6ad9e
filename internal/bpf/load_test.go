// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// fixedFilter reads fixed places only. What it finds decides, so that the
// verifier has to follow what comes after a match.
func fixedFilter() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 13, asm.Byte),
		asm.Return(),
	}
}

// computedFilter also reads a computed place.
func computedFilter() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, 23, asm.Byte),
		asm.And.Imm(asm.R2, 0x3c),
		asm.Mov.Imm(asm.R3, 2),
		asm.Call.Label("load_packet"),
		asm.Return(),
	}
}

// allPrograms asks for every template once, tracepoints with facts.
func allPrograms(t *testing.T) []Program {
	t.Helper()
	templates, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	var programs []Program
	for name := range templates {
		p := Program{Name: name, Template: name}
		if name[0] == 't' {
			p.Facts = &Facts{Number: 7, Location: 1, Reason: 2, Drop: true}
		}
		programs = append(programs, p)
	}
	return programs
}

// TestVerifier has the running kernel verify every program under settings that
// reach all code.
func TestVerifier(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	for name, s := range map[string]Spec{
		"nothing asked": {},
		"all asked": {
			Config: Config{PageStructs: 1 << 40, PageMemory: 1 << 41, PageShift: 12, Netns: 1, Ifindex: 1, Mark: 1, MarkMask: 1, Need: 64, Filter: true, Length: true, Meta: true, Tuple: true, Watermark: 4096},
			Filter: computedFilter(),
		},
		"link header only": {Config: Config{Need: 14, Filter: true}, Filter: fixedFilter()},
	} {
		t.Run(name, func(t *testing.T) {
			s.RingSize, s.Programs = 1<<16, allPrograms(t)
			spec, err := Collection(s)
			if err != nil {
				t.Fatal(err)
			}
			collection, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			collection.Close()
		})
	}
}
