// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// Types of parameters in the tests.
var (
	tInt       = &btf.Int{Name: "int", Size: 4}
	tInt128    = &btf.Int{Name: "__int128", Size: 16}
	tDouble    = &btf.Float{Name: "double", Size: 8}
	tSkb       = &btf.Struct{Name: "sk_buff", Size: 232}
	tSkbPtr    = &btf.Pointer{Target: tSkb}
	tHookState = &btf.Struct{Name: "nf_hook_state", Size: 48}
	tReason    = &btf.Enum{Name: "skb_drop_reason", Size: 4}
	tOther     = &btf.Pointer{Target: &btf.Struct{Name: "sock", Size: 760}}
	tNet       = &btf.Pointer{Target: &btf.Const{Type: &btf.Struct{Name: "net", Size: 3200}}}
	tTimeWait  = &btf.Pointer{Target: &btf.Struct{Name: "inet_timewait_sock", Size: 256}}
	tEmpty     = &btf.Struct{Name: "empty"}
	tOneReg    = &btf.Struct{Name: "one", Size: 8}
	tTwoRegs   = &btf.Struct{Name: "two", Size: 12}
	tBig       = &btf.Struct{Name: "big", Size: 24}
	tBigUnion  = &btf.Union{Name: "bigu", Size: 17}
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
	at := func(p position, socket, net int) position {
		p.endpoint = endpoint{socket, net}
		return p
	}
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
		{"first", proto(tInt, tSkbPtr), pos{skb: 1}, pos{skb: 1}},
		{"two skbs", proto(tInt, tOther, tSkbPtr, tSkbPtr), at(pos{skb: 2}, 1, 0), at(pos{skb: 2}, 1, 0)},
		{"reason", proto(tInt, tOther, tSkbPtr, tReason), at(pos{skb: 2, reason: 3}, 1, 0), at(pos{skb: 2, reason: 3}, 1, 0)},
		{"reason only", proto(tInt, tOther, tReason), at(pos{reason: 2}, 1, 0), at(pos{reason: 2}, 1, 0)},
		{"reason is the fourth argument", proto(tInt, tSkbPtr, tOther, tOther, tReason), at(pos{skb: 1, reason: 4}, 2, 0), at(pos{skb: 1, reason: 4}, 2, 0)},
		{"reason is the first argument, which events do not contain", proto(tInt, tReason, tSkbPtr), pos{skb: 2}, pos{skb: 2}},
		{"reason is the fifth argument", proto(tInt, tSkbPtr, tOther, tOther, tOther, tReason), at(pos{skb: 1}, 2, 0), at(pos{skb: 1}, 2, 0)},
		{"sixth", proto(tInt, ints(5, tSkbPtr)...), pos{skb: 6}, pos{skb: 6}},
		{"seventh", proto(tInt, ints(6, tSkbPtr)...), pos{}, pos{skb: 7}},
		{"eighth", proto(tInt, ints(7, tSkbPtr)...), pos{}, pos{skb: 8}},
		{"ninth", proto(tInt, ints(8, tSkbPtr)...), pos{}, pos{}},
		{"empty struct", proto(tInt, tEmpty, tSkbPtr), pos{skb: 1}, pos{skb: 1}},
		{"struct of 8 bytes", proto(tInt, tOneReg, tSkbPtr), pos{skb: 2}, pos{skb: 2}},
		{"struct of 12 bytes", proto(tInt, tTwoRegs, tSkbPtr), pos{skb: 3}, pos{skb: 3}},
		{"struct of 24 bytes: in memory, by reference", proto(tInt, tBig, tSkbPtr), pos{skb: 1}, pos{skb: 2}},
		{"union of 17 bytes", proto(tInt, tBigUnion, tSkbPtr), pos{skb: 1}, pos{skb: 2}},
		{"128 bits", proto(tInt, tInt128, tSkbPtr), pos{skb: 3}, pos{skb: 3}},
		{"128 bits at an even register", proto(tInt, tInt, tInt128, tSkbPtr), pos{skb: 4}, pos{skb: 5}},
		{"floating point", proto(tInt, tDouble, tSkbPtr), pos{skb: 1}, pos{skb: 1}},
		{"struct needs two registers, and one is left", proto(tInt, ints(5, tTwoRegs, tSkbPtr)...), pos{skb: 6}, pos{skb: 8}},
		{"no register after a struct that got none", proto(tInt, ints(7, tTwoRegs, tSkbPtr)...), pos{}, pos{}},
		{"big result", proto(tBig, tSkbPtr), pos{skb: 2}, pos{skb: 1}},
		{"result in registers", proto(tTwoRegs, tSkbPtr), pos{skb: 1}, pos{skb: 1}},
		{"variable arguments", proto(tInt, tSkbPtr, (*btf.Void)(nil)), pos{skb: 1}, pos{skb: 1}},
		{"const", proto(tInt, tInt, &btf.Const{Type: &btf.Pointer{Target: &btf.Const{Type: tSkb}}}), pos{skb: 2}, pos{skb: 2}},
		{"typedef", proto(tInt, &btf.Typedef{Name: "p", Type: &btf.Pointer{Target: &btf.Volatile{Type: &btf.Typedef{Name: "s", Type: tSkb}}}}), pos{skb: 1}, pos{skb: 1}},
		{"type tag", proto(tInt, &btf.Pointer{Target: &btf.TypeTag{Value: "rcu", Type: tSkb}}), pos{skb: 1}, pos{skb: 1}},
		{"restrict", proto(tInt, &btf.Restrict{Type: tSkbPtr}), pos{skb: 1}, pos{skb: 1}},
		{"pointer to pointer", proto(tInt, &btf.Pointer{Target: tSkbPtr}), pos{}, pos{}},
		{"skb by value", proto(tInt, tSkb), pos{}, pos{}},
		{"netfilter hook", proto(tInt, tOther, tSkbPtr, &btf.Pointer{Target: &btf.Const{Type: tHookState}}), at(pos{skb: 2, state: 3}, 1, 0), at(pos{skb: 2, state: 3}, 1, 0)},
		{"hook state only", proto(tInt, &btf.Pointer{Target: tHookState}), pos{state: 1}, pos{state: 1}},
		{"namespace and socket", proto(tInt, tNet, tOther, tSkbPtr), at(pos{skb: 3}, 2, 1), at(pos{skb: 3}, 2, 1)},
		{"sockets that are no struct sock", proto(tInt, tSkbPtr, tTimeWait, tOther), at(pos{skb: 1}, 2, 0), at(pos{skb: 1}, 2, 0)},
		{"none", proto(tInt, tOther), at(pos{}, 1, 0), at(pos{}, 1, 0)},
	} {
		types := build(t, &btf.Func{Name: "f", Type: tc.proto})
		types.functions(func(_ uint32, p record) {
			if got := newParamKinds(types).position(abis["amd64"], p); got != tc.amd64 {
				t.Errorf("%s: amd64 %+v, want %+v", tc.name, got, tc.amd64)
			}
			if got := newParamKinds(types).position(abis["arm64"], p); got != tc.arm64 {
				t.Errorf("%s: arm64 %+v, want %+v", tc.name, got, tc.arm64)
			}
		})
	}
}

// TestPositionElsewhere compares the other calling conventions with what compilers generate.
func TestPositionElsewhere(t *testing.T) {
	ints := func(n int, more ...btf.Type) *btf.FuncProto {
		params := make([]btf.Type, n, n+len(more))
		for i := range params {
			params[i] = tInt
		}
		return proto(tInt, append(params, more...)...)
	}
	tThree := &btf.Struct{Name: "three", Size: 3}
	for _, tc := range []struct {
		name string
		// The register of the skb on riscv64 and loong64, on ppc64le, and on s390x.
		proto              *btf.FuncProto
		riscv, power, s390 int
	}{
		{"first", proto(tInt, tSkbPtr), 1, 1, 1},
		{"fifth", ints(4, tSkbPtr), 5, 5, 5},
		{"sixth", ints(5, tSkbPtr), 6, 6, 0},
		{"eighth", ints(7, tSkbPtr), 8, 8, 0},
		{"ninth", ints(8, tSkbPtr), 0, 0, 0},
		{"struct of 3 bytes: by reference on s390x", proto(tInt, tThree, tSkbPtr), 2, 2, 2},
		{"struct of 8 bytes", proto(tInt, tOneReg, tSkbPtr), 2, 2, 2},
		{"struct of 12 bytes", proto(tInt, tTwoRegs, tSkbPtr), 3, 3, 2},
		{"struct of 24 bytes: in registers on Power", proto(tInt, tBig, tSkbPtr), 2, 4, 2},
		{"empty struct", proto(tInt, tEmpty, tSkbPtr), 1, 1, 1},
		{"128 bits", proto(tInt, tInt128, tSkbPtr), 3, 3, 2},
		{"struct in the last register and on the stack", ints(7, tTwoRegs, tSkbPtr), 0, 0, 0},
		{"result of 8 bytes", proto(tOneReg, tSkbPtr), 1, 1, 2},
		{"result of 12 bytes", proto(tTwoRegs, tSkbPtr), 1, 1, 2},
		{"result of 24 bytes", proto(tBig, tSkbPtr), 2, 2, 2},
		{"result of 128 bits", proto(tInt128, tSkbPtr), 1, 1, 2},
	} {
		types := build(t, &btf.Func{Name: "f", Type: tc.proto})
		types.functions(func(_ uint32, p record) {
			for arch, want := range map[string]int{"riscv64": tc.riscv, "loong64": tc.riscv, "ppc64le": tc.power, "s390x": tc.s390} {
				if got := newParamKinds(types).position(abis[arch], p).skb; got != want {
					t.Errorf("%s: %s %d, want %d", tc.name, arch, got, want)
				}
			}
		})
	}
}

func TestArchitecture(t *testing.T) {
	if _, err := FactsFrom(Sources{Arch: "mips", BTF: marshal(t, tInt)}); err == nil || err.Error() != `architecture "mips" is not supported` {
		t.Error(err)
	}
}

// TestEndpointIsDisputed checks functions with the same name: they are traced if the skb is in the same register,
// and none of their arguments counts as a socket if they differ in it.
func TestEndpointIsDisputed(t *testing.T) {
	for _, test := range []struct {
		name   string
		second *btf.FuncProto
		want   position
		traced bool
	}{
		{"alike", proto(tDouble, tSkbPtr, tOther), position{skb: 1, endpoint: endpoint{socket: 2}}, true},
		{"no socket", proto(tInt, tSkbPtr), position{skb: 1}, true},
		{"another position of the skb", proto(tInt, tOther, tSkbPtr), position{}, false},
	} {
		types := build(t, &btf.Func{Name: "f", Type: proto(tInt, tSkbPtr, tOther)}, &btf.Func{Name: "f", Type: test.second})
		f := newCatalogue(types, abis["amd64"], "", nil).byName["f"]
		if f.disputed == test.traced || test.traced && f.position != test.want {
			t.Errorf("%s: %+v, disputed %v", test.name, f.position, f.disputed)
		}
	}
}
