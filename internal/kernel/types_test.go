// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestTypesAgree compares this parser with the library's, function by function.
func TestTypesAgree(t *testing.T) {
	for _, kernel := range storedKernels {
		raw := stored(t, kernel).BTF
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		types, err := parseTypes(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		types.functions(func(name uint32, p record) {
			count++
			compareProto(t, spec, types, string(types.name(name)), p)
		})
		if count < 25 {
			t.Errorf("%s: %d functions", kernel, count)
		}
	}
}

func compareProto(t *testing.T, spec *btf.Spec, types *types, name string, p record) {
	t.Helper()
	all, err := spec.AnyTypesByName(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range all {
		fn, ok := typ.(*btf.Func)
		if ok && len(fn.Type.(*btf.FuncProto).Params) == p.length() {
			return
		}
	}
	t.Errorf("%s has %d parameters, which no FUNC of the library has", name, p.length())
}

func TestParseTypesRefuses(t *testing.T) {
	good := marshal(t, &btf.Func{Name: "f", Type: proto(tInt, tSkbPtr)})
	unknown := bytes.Clone(good)
	unknown[btfHeader+7] = 31 // the kind of the first type
	swapped := bytes.Clone(good)
	swapped[0], swapped[1] = swapped[1], swapped[0]
	for name, b := range map[string][]byte{
		"nothing":      nil,
		"text":         []byte("there is no BTF in this file, only text"),
		"cut":          good[:len(good)-1],
		"unknown kind": unknown,
		"big-endian":   swapped,
	} {
		if _, err := parseTypes(b, nil); err == nil {
			t.Errorf("%s is accepted as BTF", name)
		}
	}
}

// TestTypedefLoop checks that strip ends on typedefs that refer to each other.
func TestTypedefLoop(t *testing.T) {
	w := splitWriter{next: 1}
	w.add(kindTypedef, 0, "a", 2)
	w.add(kindTypedef, 0, "b", 1)
	types, err := parseTypes(w.bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, r := types.strip(1); r.kind() != 0 {
		t.Errorf("kind %d", r.kind())
	}
}

func FuzzParseTypes(f *testing.F) {
	f.Add(marshal(f, &btf.Func{Name: "f", Type: proto(tInt, tSkbPtr)}, &btf.Typedef{Name: "btf_trace_f", Type: tSkbPtr}, tReason))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if t, err := parseTypes(b, nil); err == nil {
			newImage(t, abis["amd64"], "", nil).consistent()
			_ = t.checkNesting() // it must end, with or without an error
		}
	})
}

// splitWriter writes the BTF of a module, whose type ids continue those of vmlinux.
type splitWriter struct {
	next          uint32 // id of the next type
	base          uint32 // length of the strings of vmlinux
	types, string bytes.Buffer
}

func (w *splitWriter) add(kind, length uint32, name string, words ...uint32) uint32 {
	if w.string.Len() == 0 {
		w.string.WriteByte(0)
	}
	off := uint32(0)
	if name != "" {
		off = w.base + uint32(w.string.Len())
		w.string.WriteString(name + "\x00")
	}
	for _, v := range append([]uint32{off, kind<<24 | length}, words...) {
		w.types.Write(binary.LittleEndian.AppendUint32(nil, v))
	}
	w.next++
	return w.next - 1
}

func (w *splitWriter) bytes() []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint16(b, btfMagic)
	b = append(b, 1, 0)
	for _, v := range []int{btfHeader, 0, w.types.Len(), w.types.Len(), w.string.Len()} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return append(append(b, w.types.Bytes()...), w.string.Bytes()...)
}

// TestModule checks that a function and a tracepoint of a module, whose types are those of vmlinux, are found,
// and that functions with the same name in vmlinux and other modules are told apart.
func TestModule(t *testing.T) {
	skb := &btf.Func{Name: "twice", Type: proto(tInt, tOther, tSkbPtr)}
	vmlinux := marshal(t, skb)
	base := build(t, skb)
	var skbProto uint32
	base.each(kindFunc, func(r record) { skbProto = r.ref() })
	skbPtr := base.at(skbProto).word(3)

	w := splitWriter{next: base.end(), base: uint32(len(base.strings))}
	p := w.add(kindFuncProto, 1, "", 0, 0, skbPtr)
	w.add(kindFunc, 0, "mod_xmit", p)
	w.add(kindFunc, 0, "twice", p)
	ptr := w.add(kindPtr, 0, "", w.add(kindFuncProto, 2, "", 0, 0, 0, 0, skbPtr))
	w.add(kindTypedef, 0, "btf_trace_mod_event", ptr)

	f := facts(t, Sources{
		Arch:    "amd64",
		BTF:     vmlinux,
		Modules: map[string][]byte{"mod": w.bytes()},
		Symbols: bytes.NewReader([]byte("1000 T twice\n2000 T next\na000 t mod_xmit\t[mod]\nb000 t twice\t[mod]\nc000 t twice\t[other]\n")),
		Places:  bytes.NewReader([]byte("1004 twice\na004 mod_xmit [mod]\nb004 twice [mod]\nc004 twice [other]\n")),
	})
	want := []Function{
		{Name: "twice", Addr: 0x1000, SkbArg: 2, SocketArg: 1, Result: Result{Class: Unsigned, Size: 4}},
		{Name: "mod_xmit", Module: "mod", Addr: 0xa000, SkbArg: 1},
		{Name: "twice", Module: "mod", Addr: 0xb000, SkbArg: 1},
	}
	diff(t, want, f.Functions)
	diff(t, []Tracepoint{{Name: "mod_event", Module: "mod", SkbArg: 0, ReasonArg: -1, LocationArg: -1, SocketArg: -1}}, f.Tracepoints)
}

func TestConsistent(t *testing.T) {
	for kernel, want := range map[string]bool{"5.10-amd64": false, "6.1-amd64": false, "6.12-amd64": false, "7.3-amd64": true} {
		types, err := parseTypes(stored(t, kernel).BTF, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := types.consistent(); got != want {
			t.Errorf("%s: %v", kernel, got)
		}
	}
}
