// SPDX-License-Identifier: Apache-2.0

package live

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/expr"
	"tracer/internal/plan"
	"tracer/internal/value"
)

// threeValues returns three expressions: two numbers and a string.
func threeValues() plan.Values {
	number := &btf.Int{Name: "unsigned int", Size: 4}
	text := &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Nelems: 16}
	return plan.Values{
		Programs: []*expr.Program{
			{Text: "skb->len", Type: number, Size: 8},
			{Text: "skb->mark", Type: number, Size: 8},
			{Text: "skb->dev->name", Type: text, Size: 16, String: true},
		},
		At: expr.Layout{Offsets: []int{8, 16, 24}, Size: 40},
	}
}

// rawValues returns the part of a record with the values of threeValues. The first one can always be read.
func rawValues(n int) []byte {
	raw := make([]byte, 40)
	binary.NativeEndian.PutUint64(raw, uint64(1+n%4*2))
	binary.NativeEndian.PutUint64(raw[8:], uint64(84+n))
	copy(raw[24:], []byte{'e', 't', 'h', byte('0' + n%10)})
	return raw
}

// TestValuesAreReadAtTheirOffsets checks three values, of which the second could not be read.
func TestValuesAreReadAtTheirOffsets(t *testing.T) {
	v := threeValues()
	values, err := valuesOf(v, Forms{Text: true, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 40)
	binary.NativeEndian.PutUint64(raw, 0b101)
	binary.NativeEndian.PutUint64(raw[8:], 84)
	copy(raw[24:], "eth0")
	named := values(raw)
	if len(named) != 3 || named[0].Name != "skb->len" || named[1].Value != nil {
		t.Fatalf("%+v", named)
	}
	if got := string(named[0].Value.JSON); got != "84" {
		t.Errorf("length %s", got)
	}
	if got := string(named[2].Value.JSON); got != `"eth0"` {
		t.Errorf("name %s", got)
	}
}

func TestNoValuesAreRequested(t *testing.T) {
	if values, err := valuesOf(plan.Values{}, Forms{}); values != nil || err != nil {
		t.Errorf("values of no expressions: %v", err)
	}
}

// TestNumbersAreNarrowed checks that a big-endian machine has the bytes of a short type at the end of eight.
func TestNumbersAreNarrowed(t *testing.T) {
	format, err := value.New(&btf.Int{Name: "short", Size: 2})
	if err != nil {
		t.Fatal(err)
	}
	for big, want := range map[bool]int{false: 16, true: 22} {
		p := recordedValue{formattedValue{format: format}, 16, 8}
		if p.narrow(big); p.at != want || p.size != 2 {
			t.Errorf("big-endian %t: %d bytes at %d, want 2 at %d", big, p.size, p.at, want)
		}
	}
	if isNumber(&btf.Array{Type: &btf.Int{Size: 1}, Nelems: 6}) || !isNumber(&btf.Typedef{Type: &btf.Enum{Size: 4}}) {
		t.Error("an array counts as a number, or an enum does not")
	}
}

// TestFormattedValuesAllocateNothing checks that the memory of the first event's values is reused.
func TestFormattedValuesAllocateNothing(t *testing.T) {
	values, err := valuesOf(threeValues(), Forms{Text: true, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	raw := rawValues(1)
	if n := testing.AllocsPerRun(100, func() { values(raw) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// TestValuesHaveTheRequestedForms checks that the other form is nil.
func TestValuesHaveTheRequestedForms(t *testing.T) {
	for _, f := range []Forms{{Text: true}, {JSON: true}} {
		values, err := valuesOf(threeValues(), f)
		if err != nil {
			t.Fatal(err)
		}
		if v := values(rawValues(1))[0].Value; (v.Text != nil) != f.Text || (v.JSON != nil) != f.JSON {
			t.Errorf("forms %+v: %q and %q", f, v.Text, v.JSON)
		}
	}
}
