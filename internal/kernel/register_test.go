// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// Parameters of prototypes that the tests put together.
var (
	tInt      = &btf.Int{Name: "int", Size: 4}
	tInt128   = &btf.Int{Name: "__int128", Size: 16}
	tDouble   = &btf.Float{Name: "double", Size: 8}
	tSkb      = &btf.Struct{Name: "sk_buff", Size: 232}
	tSkbPtr   = &btf.Pointer{Target: tSkb}
	tReason   = &btf.Enum{Name: "skb_drop_reason", Size: 4}
	tOther    = &btf.Pointer{Target: &btf.Struct{Name: "sock", Size: 760}}
	tEmpty    = &btf.Struct{Name: "empty"}
	tOneReg   = &btf.Struct{Name: "one", Size: 8}
	tTwoRegs  = &btf.Struct{Name: "two", Size: 12}
	tBig      = &btf.Struct{Name: "big", Size: 24}
	tBigUnion = &btf.Union{Name: "bigu", Size: 17}
)

func proto(result btf.Type, params ...btf.Type) *btf.FuncProto {
	p := &btf.FuncProto{Return: result}
	for _, typ := range params {
		p.Params = append(p.Params, btf.FuncParam{Type: typ})
	}
	return p
}

func TestPosition(t *testing.T) {
	type pos = position
	ints := func(n int, more ...btf.Type) []btf.Type {
		var out []btf.Type
		for range n {
			out = append(out, tInt)
		}
		return append(out, more...)
	}
	for _, tc := range []struct {
		name         string
		proto        *btf.FuncProto
		amd64, arm64 position
	}{
		{"first", proto(tInt, tSkbPtr), pos{1, 0}, pos{1, 0}},
		{"two skbs", proto(tInt, tOther, tSkbPtr, tSkbPtr), pos{2, 0}, pos{2, 0}},
		{"reason", proto(tInt, tOther, tSkbPtr, tReason), pos{2, 3}, pos{2, 3}},
		{"reason only", proto(tInt, tReason), pos{0, 1}, pos{0, 1}},
		{"sixth", proto(tInt, ints(5, tSkbPtr)...), pos{6, 0}, pos{6, 0}},
		{"seventh", proto(tInt, ints(6, tSkbPtr)...), pos{}, pos{7, 0}},
		{"eighth", proto(tInt, ints(7, tSkbPtr)...), pos{}, pos{8, 0}},
		{"ninth", proto(tInt, ints(8, tSkbPtr)...), pos{}, pos{}},
		{"empty struct", proto(tInt, tEmpty, tSkbPtr), pos{1, 0}, pos{1, 0}},
		{"struct of 8 bytes", proto(tInt, tOneReg, tSkbPtr), pos{2, 0}, pos{2, 0}},
		{"struct of 12 bytes", proto(tInt, tTwoRegs, tSkbPtr), pos{3, 0}, pos{3, 0}},
		{"struct of 24 bytes: in memory, by reference", proto(tInt, tBig, tSkbPtr), pos{1, 0}, pos{2, 0}},
		{"union of 17 bytes", proto(tInt, tBigUnion, tSkbPtr), pos{1, 0}, pos{2, 0}},
		{"128 bits", proto(tInt, tInt128, tSkbPtr), pos{3, 0}, pos{3, 0}},
		{"128 bits at an even register", proto(tInt, tInt, tInt128, tSkbPtr), pos{4, 0}, pos{5, 0}},
		{"floating point", proto(tInt, tDouble, tSkbPtr), pos{1, 0}, pos{1, 0}},
		{"struct finds no pair", proto(tInt, ints(5, tTwoRegs, tSkbPtr)...), pos{6, 0}, pos{8, 0}},
		{"no register behind one that found none", proto(tInt, ints(7, tTwoRegs, tSkbPtr)...), pos{}, pos{}},
		{"big result", proto(tBig, tSkbPtr), pos{2, 0}, pos{1, 0}},
		{"result in registers", proto(tTwoRegs, tSkbPtr), pos{1, 0}, pos{1, 0}},
		{"variable arguments", proto(tInt, tSkbPtr, (*btf.Void)(nil)), pos{1, 0}, pos{1, 0}},
		{"const", proto(tInt, tInt, &btf.Const{Type: &btf.Pointer{Target: &btf.Const{Type: tSkb}}}), pos{2, 0}, pos{2, 0}},
		{"typedef", proto(tInt, &btf.Typedef{Name: "p", Type: &btf.Pointer{Target: &btf.Volatile{Type: &btf.Typedef{Name: "s", Type: tSkb}}}}), pos{1, 0}, pos{1, 0}},
		{"type tag", proto(tInt, &btf.Pointer{Target: &btf.TypeTag{Value: "rcu", Type: tSkb}}), pos{1, 0}, pos{1, 0}},
		{"restrict", proto(tInt, &btf.Restrict{Type: tSkbPtr}), pos{1, 0}, pos{1, 0}},
		{"pointer to pointer", proto(tInt, &btf.Pointer{Target: tSkbPtr}), pos{}, pos{}},
		{"skb by value", proto(tInt, tSkb), pos{}, pos{}},
		{"none", proto(tInt, tOther), pos{}, pos{}},
	} {
		types := build(t, &btf.Func{Name: "f", Type: tc.proto})
		types.functions(func(_ uint32, p record) {
			if got := newRoles(types).position(abis["amd64"], p); got != tc.amd64 {
				t.Errorf("%s: amd64 %+v, want %+v", tc.name, got, tc.amd64)
			}
			if got := newRoles(types).position(abis["arm64"], p); got != tc.arm64 {
				t.Errorf("%s: arm64 %+v, want %+v", tc.name, got, tc.arm64)
			}
		})
	}
}

func TestArchitecture(t *testing.T) {
	if _, err := FactsFrom(Sources{Arch: "mips", BTF: marshal(t, tInt)}); err == nil || err.Error() != `architecture "mips" is not supported` {
		t.Error(err)
	}
}
