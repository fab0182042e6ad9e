// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/rdonly"
)

// TestDirectOnThisKernel checks that a kernel with bpf_rdonly_cast accepts loads through it in our program
// types.
func TestDirectOnThisKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	d, err := tryDirect(types)
	if errors.Is(err, ErrNoCast) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d.Func == 0 || d.Words == 0 || d.Bytes == 0 || d.Length < 80 {
		t.Errorf("%+v", d)
	}
	if d.Head == d.Tail || d.MacHeader != d.NetworkHeader+2 {
		t.Errorf("members of the sk_buff: %+v", d)
	}
}

// TestDirectIsDescribed checks that members in anonymous structs are found, and an array of bytes.
func TestDirectIsDescribed(t *testing.T) {
	u8, u16 := &btf.Int{Name: "u8", Size: 1}, &btf.Int{Name: "u16", Size: 2}
	u32, u64 := &btf.Int{Name: "u32", Size: 4}, &btf.Int{Name: "u64", Size: 8}
	headers := &btf.Struct{Size: 6, Members: []btf.Member{
		{Name: "protocol", Type: u16}, {Name: "network_header", Type: u16, Offset: 16}, {Name: "mac_header", Type: u16, Offset: 32},
	}}
	skb := &btf.Struct{Name: "sk_buff", Size: 40, Members: []btf.Member{
		{Name: "cb", Type: u64},
		{Type: &btf.Union{Size: 6, Members: []btf.Member{{Type: headers}}}, Offset: 64},
		{Name: "tail", Type: u32, Offset: 128},
		{Name: "head", Type: u64, Offset: 192},
		{Name: "data", Type: u64, Offset: 256},
	}}
	regs := &btf.Struct{Name: wordsType, Size: 8, Members: []btf.Member{{Name: "r15", Type: u64}}}
	array := &btf.Array{Type: u8, Index: u32, Nelems: 126}
	storage := &btf.Struct{Name: "__kernel_sockaddr_storage", Size: 128, Members: []btf.Member{
		{Type: &btf.Union{Size: 128, Members: []btf.Member{
			{Type: &btf.Struct{Size: 128, Members: []btf.Member{{Name: "ss_family", Type: u16}, {Name: "__data", Type: array, Offset: 16}}}},
		}}},
	}}
	d, err := describeDirect(specOf(t, skb, regs, storage))
	if err != nil {
		t.Fatal(err)
	}
	want := rdonly.Cast{Words: d.Words, Bytes: d.Bytes, Array: 2, Length: 126, Head: 24, Data: 32, Tail: 16, MacHeader: 12, NetworkHeader: 10, Protocol: 8}
	if *d != want {
		t.Errorf("%+v, want %+v", *d, want)
	}
	if _, err := describeDirect(specOf(t, skb, regs)); err == nil {
		t.Error("a byte array was found in BTF without one")
	}
	if _, err := describeDirect(specOf(t, regs, storage)); err == nil {
		t.Error("an sk_buff was found in BTF without one")
	}
}

func specOf(t *testing.T, list ...btf.Type) *btf.Spec {
	t.Helper()
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(marshal(t, list...)))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
