// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

func TestPrograms(t *testing.T) {
	loaded := map[uint32]*kernel.Program{
		7: {ID: 7, Kind: kernel.ProgramKindOf("tc"), Name: "to_host", Tag: "aa", Type: "sched_act", Addr: 0x77},
		8: {ID: 8, Kind: kernel.ProgramKindOf("netfilter"), Tag: "bb", Type: "netfilter"},
	}
	r := New(Options{Program: func(id uint32) *kernel.Program { return loaded[id] }})
	for _, test := range []struct {
		event event.Event
		bpf   event.BPF
		name  string
	}{
		{event.Event{Kind: event.Program, Raw: event.Raw{ID: 7}}, event.BPF{ID: 7, Name: "to_host", Tag: "aa", Kind: "tc", Type: "sched_act", Addr: 0x77}, ""},
		{event.Event{Kind: event.Verdict, Raw: event.Raw{ID: 7}, Return: event.Returned{Value: 2}}, event.BPF{ID: 7, Name: "to_host", Tag: "aa", Kind: "tc", Type: "sched_act", Addr: 0x77}, "TC_ACT_SHOT"},
		{event.Event{Kind: event.Verdict, Raw: event.Raw{ID: 7}, Return: event.Returned{Value: 0xabc_ffffffff}}, event.BPF{ID: 7, Name: "to_host", Tag: "aa", Kind: "tc", Type: "sched_act", Addr: 0x77}, "TC_ACT_UNSPEC"},
		{event.Event{Kind: event.Verdict, Raw: event.Raw{ID: 8}}, event.BPF{ID: 8, Name: "bpf_prog_bb", Tag: "bb", Kind: "netfilter", Type: "netfilter"}, "NF_DROP"},
		{event.Event{Kind: event.Program, Raw: event.Raw{ID: 9}}, event.BPF{ID: 9}, ""},
	} {
		e := test.event
		r.Enrich(&e)
		if diff := cmp.Diff(test.bpf, *e.BPF); diff != "" || e.Names.Func != test.bpf.Name || e.Names.Result.Name != test.name {
			t.Errorf("%+v: %q, result %+v, program: %s", test.event, e.Names.Func, e.Names.Result, diff)
		}
	}
}

// TestUnloadedProgramsKeepTheirNames checks that events of unloaded programs are named.
func TestUnloadedProgramsKeepTheirNames(t *testing.T) {
	program := &kernel.Program{ID: 7, Kind: kernel.ProgramKindOf("tc"), Name: "to_host"}
	r := New(Options{Program: func(uint32) *kernel.Program { return program }})
	for range 2 {
		e := event.Event{Kind: event.Program, Raw: event.Raw{ID: 7}}
		r.Enrich(&e)
		if e.Names.Func != "to_host" {
			t.Errorf("named %q", e.Names.Func)
		}
		program = nil
	}
}
