// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// symbolsOfBPF are functions that BPF programs call. The stored BTF does not describe those that implement
// maps.
const symbolsOfBPF = `ffffffffff000000 T __bpf_call_base
ffffffffff000100 T bpf_skb_store_bytes
ffffffffff000200 t __htab_map_lookup_elem
ffffffffff000300 t htab_map_update_elem
ffffffffff000400 t trie_delete_elem
ffffffffff000500 T bpf_notrace_helper
ffffffffff000600 T bpf_map_lookup_elem
ffffffffff000700 t map_lookup_elem
ffffffffff000800 t bpf_fd_htab_map_update_elem
ffffffffff000900 T bpf_sk_lookup_tcp
ffffffffff000a00 t htab_map_lookup_and_delete_elem
ffffffffff000b00 t unheard_of_map_lookup_elem
ffffffffff000c00 T bpf_last
`

// withBPF returns a stored kernel with these symbols added. All of them except bpf_notrace_helper can be
// traced.
func withBPF(t *testing.T) Sources {
	t.Helper()
	s := stored(t, "5.10-amd64")
	dir := filepath.Join("testdata", "5.10-amd64")
	s.Symbols = strings.NewReader(string(file(t, filepath.Join(dir, "kallsyms"))) + symbolsOfBPF)
	var names strings.Builder
	names.Write(file(t, filepath.Join(dir, "names")))
	for line := range strings.Lines(symbolsOfBPF) {
		if name := strings.Fields(line)[2]; name != "bpf_notrace_helper" {
			names.WriteString(name + "\n")
		}
	}
	s.Names = strings.NewReader(names.String())
	return s
}

func calls(list ...ProgramCall) *ProgramCalls {
	c := &ProgramCalls{Programs: 1, Calls: map[ProgramCall]bool{}}
	for _, call := range list {
		c.Calls[call] = true
	}
	return c
}

func namesOf(functions []Function) (list []string) {
	for _, f := range functions {
		list = append(list, f.Name)
	}
	return list
}

func TestCalledFunctionsAreFoundByAddress(t *testing.T) {
	s := withBPF(t)
	s.Calls = calls(
		ProgramCall{Imm: 0x100}, ProgramCall{Imm: 0x200}, ProgramCall{Imm: 0x500}, ProgramCall{Imm: 0x900},
		ProgramCall{Imm: 12},                            // a tail call
		ProgramCall{Imm: 0x104},                         // within a function
		ProgramCall{Imm: 77, Kfunc: true, Module: true}, // by its BTF id in a module
	)
	f := facts(t, s)
	if diff := cmp.Diff([]string{"bpf_skb_store_bytes", "__htab_map_lookup_elem", "bpf_sk_lookup_tcp"}, namesOf(f.Called.Functions)); diff != "" {
		t.Errorf("functions that are called (-want +got):\n%s", diff)
	}
	for i, want := range []Class{Signed, Pointer, Pointer} {
		if got := f.Called.Functions[i].Result.Class; got != want {
			t.Errorf("%s returns class %d, want %d", f.Called.Functions[i].Name, got, want)
		}
	}
	for name, reason := range map[string]string{"bpf_notrace_helper": notListed, "kfunc 77": "the kernel does not say which function this is"} {
		if !contains(f.Skipped, Skipped{Name: name, Reason: reason}) {
			t.Errorf("%s is not reported as skipped: %+v", name, f.Skipped)
		}
	}
}

func contains(list []Skipped, want Skipped) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// TestKfuncsAreFoundByBTFID checks kfuncs that are called by BTF id, as on arm64, where a kfunc may be too far
// away for an offset.
func TestKfuncsAreFoundByBTFID(t *testing.T) {
	s := stored(t, "6.12-arm64")
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(s.BTF))
	if err != nil {
		t.Fatal(err)
	}
	var f *btf.Func
	if err := spec.TypeByName("ip_rcv", &f); err != nil {
		t.Fatal(err)
	}
	id, err := spec.TypeID(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", "6.12-arm64")
	s.Symbols = strings.NewReader(string(file(t, filepath.Join(dir, "kallsyms"))) + "fffffffffff00000 T __bpf_call_base\n")
	s.Calls = calls(ProgramCall{Imm: int32(id), Kfunc: true})
	if got := namesOf(facts(t, s).Called.Functions); !cmp.Equal(got, []string{"ip_rcv"}) {
		t.Errorf("called %q, want ip_rcv", got)
	}
}

func TestCalledIsUnknownWithoutCallBase(t *testing.T) {
	s := stored(t, "6.12-amd64")
	s.Calls = calls(ProgramCall{Imm: 0x100})
	if c := facts(t, s).Called; !errors.Is(c.Unknown, errNoCallBase) || len(c.Functions) > 0 {
		t.Errorf("called %+v", c)
	}
}

// TestCallsInCode checks that calls of helpers and kfuncs are found, but not BPF-to-BPF calls, nor the second
// half of a wide instruction that looks like a call.
func TestCallsInCode(t *testing.T) {
	var code []byte
	add := func(op, registers byte, offset uint16, imm int32) {
		code = append(code, op, registers)
		code = binary.LittleEndian.AppendUint16(code, offset)
		code = binary.LittleEndian.AppendUint32(code, uint32(imm))
	}
	add(callInstruction, 0, 0, -5)
	add(wideInstruction, 0, 0, 1)
	add(callInstruction, 0, 0, 99)
	add(callInstruction, callOfProgram<<4, 0, 7)
	add(callInstruction, callOfKfunc<<4, 3, 8)
	add(callInstruction, callOfKfunc<<4, 0, 9)
	code = append(code, callInstruction)
	c := &ProgramCalls{Calls: map[ProgramCall]bool{}}
	c.add(code)
	want := map[ProgramCall]bool{{Imm: -5}: true, {Imm: 8, Kfunc: true, Module: true}: true, {Imm: 9, Kfunc: true}: true}
	if diff := cmp.Diff(want, c.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestMapFunctions checks that map functions without BTF are recognised by their names, and that functions for
// system calls only are left out.
func TestMapFunctions(t *testing.T) {
	s := withBPF(t)
	s.Maps = true
	want := map[string]MapOperation{"__htab_map_lookup_elem": MapElement, "htab_map_update_elem": MapUpdate, "trie_delete_elem": MapDelete}
	got := map[string]MapOperation{}
	for _, f := range facts(t, s).MapFunctions {
		got[f.Name] = f.Operation
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("map functions (-want +got):\n%s", diff)
	}
}

func TestCalledAndMapFunctionsAreOptional(t *testing.T) {
	if f := facts(t, withBPF(t)); f.Called != nil || f.MapFunctions != nil {
		t.Errorf("called %+v, map functions %+v", f.Called, f.MapFunctions)
	}
}
