// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// TestTracersKeepTheirTypes checks that the copies have the program and attach types of their ELF sections.
func TestTracersKeepTheirTypes(t *testing.T) {
	_, tracers, err := ReadObject().Collection(Spec{RingSize: 1 << 16, Config: Config{Programs: true}, Tracers: tracerTemplates})
	if err != nil {
		t.Fatal(err)
	}
	for template, want := range map[string]struct {
		typ    ebpf.ProgramType
		attach ebpf.AttachType
	}{
		SkbProgram:     {ebpf.Tracing, ebpf.AttachTraceFEntry},
		HookProgram:    {ebpf.Tracing, ebpf.AttachTraceFEntry},
		VerdictProgram: {ebpf.Tracing, ebpf.AttachTraceFExit},
		SkbTail:        {ebpf.PerfEvent, ebpf.AttachNone},
		HookTail:       {ebpf.PerfEvent, ebpf.AttachNone},
		FrameTail:      {ebpf.PerfEvent, ebpf.AttachNone},
		HoldersProgram: {ebpf.Tracing, ebpf.AttachTraceIter},
	} {
		p, err := tracers.For(template, Traced{ID: 7, Kept: 5})
		if err != nil || p.Type != want.typ || p.AttachType != want.attach {
			t.Errorf("%s: %v of %v, error %v, want %v of %v", template, p.AttachType, p.Type, err, want.attach, want.typ)
		}
	}
}

// TestTracersKnowTheirProgram checks that a copy returns the id of the traced program, and that it has only the
// source lines that the kernel requires.
func TestTracersKnowTheirProgram(t *testing.T) {
	_, tracers, err := ReadObject().Collection(Spec{RingSize: 1 << 16, Config: Config{Programs: true}, Tracers: []string{SkbProgram, VerdictProgram}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		template, function string
		traced             Traced
		want               int64
	}{
		{SkbProgram, tracedFunction, Traced{ID: 7}, 7},
		{SkbProgram, tracedFunction, Traced{ID: 0xfffffff8}, 0xfffffff8},
		{VerdictProgram, keptFunction, Traced{Kept: 5}, 5},
	} {
		p, err := tracers.For(test.template, test.traced)
		if err != nil {
			t.Fatal(err)
		}
		if code := split(p.Instructions).code[test.function]; code == nil || code[0].Constant != test.want {
			t.Errorf("%s: %s does not return %d", test.template, test.function, test.want)
		}
		for i := range p.Instructions {
			if p.Instructions[i].Source() != nil && btf.FuncMetadata(&p.Instructions[i]) == nil {
				t.Errorf("%s: instruction %d has a source line", test.template, i)
				break
			}
		}
	}
	if _, err := tracers.For(HookProgram, Traced{}); err == nil {
		t.Error("a program that is not in Spec.Tracers was made")
	}
}
