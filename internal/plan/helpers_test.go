// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// withPrograms returns facts of a kernel with BPF programs that call helpers, functions of maps, and a
// helper that our programs call, too.
func withPrograms() *kernel.Facts {
	f := facts()
	update := kernel.Function{Name: "htab_map_update_elem", Addr: 0x1300}
	f.Called = &kernel.Called{Programs: 2, Functions: []kernel.Function{
		{Name: "bpf_ktime_get_ns", Addr: 0x1000},
		{Name: "bpf_skb_store_bytes", Addr: 0x1100},
		{Name: "bpf_map_lookup_elem", Addr: 0x1200},
		update,
	}}
	f.MapFunctions = []kernel.MapFunction{
		{Function: update, Operation: kernel.MapUpdate},
		{Function: kernel.Function{Name: "__htab_map_lookup_elem", Addr: 0x1400}, Operation: kernel.MapElement},
		{Function: kernel.Function{Name: "trie_lookup_elem", Addr: 0x1500}, Operation: kernel.MapLookup},
		{Function: kernel.Function{Name: "trie_delete_elem", Addr: 0x1600}, Operation: kernel.MapDelete},
	}
	return f
}

// served returns the names of functions by the program that is attached to them.
func served(groups []Group) map[string][]string {
	out := map[string][]string{}
	for _, g := range groups {
		for _, f := range g.Functions {
			out[g.Program] = append(out[g.Program], f.Name)
		}
	}
	return out
}

func TestHelpersOnMapsHaveTheirOwnProgram(t *testing.T) {
	p := mustPlan(t, Options{Func: "ip_rcv", Helpers: true}, withPrograms())
	want := map[string][]string{
		"kprobe_skb_1": {"ip_rcv"}, "kprobe_no_skb": {"bpf_skb_store_bytes"},
		bpf.NoSkbMapTemplate: {"bpf_map_lookup_elem", "htab_map_update_elem"},
	}
	if diff := cmp.Diff(want, served(p.Groups)); diff != "" {
		t.Errorf("functions by program (-want +got):\n%s", diff)
	}
	if len(p.LeftOut) != 1 || p.LeftOut[0].Name != "bpf_ktime_get_ns" || p.LeftOut[0].Reason != calledByUs {
		t.Errorf("left out %+v", p.LeftOut)
	}
	if c := p.BPF.Config; !c.NoSkbFuncs || c.Maps || c.Returns || p.Returns != "" {
		t.Errorf("settings %+v, returns %q", c, p.Returns)
	}
}

func TestMapLookupsAreTracedAtTheirReturn(t *testing.T) {
	errNone := errors.New("no sessions here")
	for name, test := range map[string]struct {
		options   Options
		noSession error
		returning map[string][]string
	}{
		"alone": {Options{Func: "ip_rcv"}, nil, map[string][]string{bpf.MapReturnTemplate: {"__htab_map_lookup_elem", "trie_lookup_elem"}}},
		"with returns": {Options{Func: "ip_rcv", Record: Record{Return: true}}, errNone, map[string][]string{
			bpf.MapReturnTemplate: {"__htab_map_lookup_elem", "trie_lookup_elem"},
			bpf.ReturnTemplate:    {"ip_rcv", "htab_map_update_elem", "trie_delete_elem"},
		}},
		"in a session": {Options{Func: "ip_rcv", Record: Record{Return: true}}, nil, map[string][]string{}},
	} {
		test.options.Record.Maps = true
		f := withPrograms()
		f.NoSession, f.IsReturn = test.noSession, asm.Instructions{asm.Return()}
		p := mustPlan(t, test.options, f)
		want := map[string][]string{
			"kprobe_skb_1": {"ip_rcv"}, bpf.MapUpdateTemplate: {"htab_map_update_elem"}, bpf.MapElementTemplate: {"__htab_map_lookup_elem"},
			bpf.MapLookupTemplate: {"trie_lookup_elem"}, bpf.MapDeleteTemplate: {"trie_delete_elem"},
		}
		if diff := cmp.Diff(want, served(p.Groups)); diff != "" {
			t.Errorf("%s: functions by program (-want +got):\n%s", name, diff)
		}
		got := served(p.ReturnGroups)
		inAnyOrder := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		if diff := cmp.Diff(test.returning, got, inAnyOrder); diff != "" {
			t.Errorf("%s: returns by program (-want +got):\n%s", name, diff)
		}
		session := test.options.Record.Return && test.noSession == nil
		if c := p.BPF.Config; !c.NoSkbFuncs || !c.Maps || c.Returns != test.options.Record.Return || c.Session != session {
			t.Errorf("%s: settings %+v", name, c)
		}
	}
}

// TestNoFunctionIsProbedTwice checks a function that several flags request.
func TestNoFunctionIsProbedTwice(t *testing.T) {
	f := withPrograms()
	f.NoSkbFuncs = []kernel.Function{f.MapFunctions[0].Function}
	p := mustPlan(t, Options{Func: "ip_rcv", Helpers: true, NoSkbFuncs: noSkbFuncs("htab_.*"), Record: Record{Maps: true}}, f)
	count := map[string]int{}
	for _, f := range p.Functions {
		count[f.Name]++
	}
	for name, n := range count {
		if n != 1 {
			t.Errorf("%s is probed %d times", name, n)
		}
	}
	if count["htab_map_update_elem"]+count["bpf_skb_store_bytes"] != 2 {
		t.Errorf("functions %v", count)
	}
}

func TestHelpersAndMapsThatCannotBeTraced(t *testing.T) {
	helpers, maps := Options{Helpers: true}, Options{Record: Record{Maps: true}}
	changed := func(change func(*kernel.Facts)) *kernel.Facts {
		f := withPrograms()
		change(f)
		return f
	}
	none := changed(func(f *kernel.Facts) {
		f.Support[kernel.KprobeMulti], f.Support[kernel.Kprobe] = errNoFprobe, errors.New("no kprobes")
	})
	for name, test := range map[string]struct {
		options    Options
		facts      *kernel.Facts
		text, hint string
		usage      bool
	}{
		"helpers by tracepoints": {helpers, none, "functions that BPF programs call can't be traced with the tracepoint backend", "no kprobes", true},
		"maps by tracepoints":    {maps, none, "operations on BPF maps can't be traced with the tracepoint backend", "no kprobes", true},
		"no programs":            {helpers, changed(func(f *kernel.Facts) { f.Called.Programs = 0 }), "no BPF program that handles packets is loaded", "at the start", true},
		"not known":              {helpers, changed(func(f *kernel.Facts) { f.Called.Unknown = errors.New("no way") }), "can't find the functions that BPF programs call: no way", "", false},
		"nothing to trace":       {helpers, changed(func(f *kernel.Facts) { f.Called.Functions = nil }), "(2) call no function that can be traced", "--debug", true},
		"hidden":                 {helpers, changed(func(f *kernel.Facts) { f.Called.Functions, f.Called.Hidden = nil, 2 }), "call no function", "code of 2 of them", true},
		"no functions of maps":   {maps, changed(func(f *kernel.Facts) { f.MapFunctions = nil }), "this kernel has no traceable function of BPF maps", "", false},
	} {
		_, err := New(test.options, test.facts)
		var usage usageError
		if err == nil || errors.As(err, &usage) != test.usage || !strings.Contains(err.Error(), test.text) || !strings.Contains(usage.hint, test.hint) {
			t.Errorf("%s: %v, hint %q", name, err, usage.hint)
		}
	}
}
