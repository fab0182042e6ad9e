// SPDX-License-Identifier: Apache-2.0

package value

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestStructGroupIsPrintedOnce checks that the members of a struct_group(), which declares them in two structs, are
// printed once.
func TestStructGroupIsPrintedOnce(t *testing.T) {
	members := []btf.Member{{Name: "a", Type: u8}, {Name: "b", Type: u8, Offset: 8, BitfieldSize: 3}}
	others := []btf.Member{{Name: "a", Type: u8}, {Name: "b", Type: u8, Offset: 11, BitfieldSize: 3}}
	for want, arms := range map[string][]btf.Member{
		`{"a":1,"b":2}`: {
			{Type: structOf("", 2, members...)}, {Name: "headers", Type: structOf("", 2, members...)},
		},
		`{"a":1,"b":2,"headers":{"a":1,"b":0}}`: {
			{Type: structOf("", 2, members...)}, {Name: "headers", Type: structOf("", 2, others...)},
		},
		`{"headers":{"a":1,"b":2},"twin":{"a":1,"b":2}}`: {
			{Name: "headers", Type: structOf("", 2, members...)}, {Name: "twin", Type: structOf("", 2, members...)},
		},
	} {
		f := format(t, structOf("s", 2, btf.Member{Type: unionOf(2, arms...)}))
		if got := string(f.AppendJSON(nil, []byte{1, 2})); got != want {
			t.Errorf("JSON is %s, want %s", got, want)
		}
	}
}

func TestDuplicateNames(t *testing.T) {
	f := format(t, structOf("s", 3,
		btf.Member{Type: unionOf(1,
			btf.Member{Type: structOf("", 1, btf.Member{Name: "a", Type: u8})},
			btf.Member{Type: structOf("", 1, btf.Member{Name: "a", Type: &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed}})},
		)},
		btf.Member{Name: "a_2", Type: u8, Offset: 8},
		btf.Member{Name: "a", Type: u8, Offset: 16},
	))
	const want = `{"a":255,"a_2":-1,"a_2_2":7,"a_3":8}`
	if got := string(f.AppendJSON(nil, []byte{255, 7, 8})); got != want {
		t.Errorf("JSON is %s, want %s", got, want)
	}
}

// TestOffsetsOfAnonymousMembers checks members of anonymous structs at offsets other than 0.
func TestOffsetsOfAnonymousMembers(t *testing.T) {
	inner := structOf("", 2, btf.Member{Name: "b", Type: u8}, btf.Member{Name: "c", Type: u8, Offset: 12, BitfieldSize: 4})
	middle := unionOf(3, btf.Member{Type: structOf("", 3, btf.Member{Type: inner, Offset: 8})})
	f := format(t, structOf("s", 4, btf.Member{Name: "a", Type: u8}, btf.Member{Type: middle, Offset: 8}))
	const want = `{"a":1,"b":3,"c":4}`
	if got := string(f.AppendJSON(nil, []byte{1, 2, 3, 0x45})); got != want {
		t.Errorf("JSON is %s, want %s", got, want)
	}
}
