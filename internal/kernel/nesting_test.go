// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// nested checks BTF that contains this type.
func nested(t *testing.T, typ btf.Type) error {
	t.Helper()
	parsed, err := parseTypes(marshal(t, typ), nil)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.checkNesting()
}

// holder returns a struct with these members.
func holder(name string, members ...btf.Type) *btf.Struct {
	s := &btf.Struct{Name: name, Size: 8}
	for _, m := range members {
		s.Members = append(s.Members, btf.Member{Type: m})
	}
	return s
}

func TestCheckNesting(t *testing.T) {
	list := holder("list_head")
	list.Members = []btf.Member{{Name: "next", Type: &btf.Pointer{Target: list}}}
	self := holder("self")
	self.Members = []btf.Member{{Type: &btf.Typedef{Name: "t", Type: &btf.Array{Index: tInt, Type: self, Nelems: 1}}}}
	deep, wide := holder("deep"), holder("wide", tInt, tInt)
	for i := range maxNesting + 1 {
		deep = holder(fmt.Sprint("deep", i), deep)
	}
	for i := range 25 {
		wide = holder(fmt.Sprint("wide", i), wide, wide)
	}
	for name, tc := range map[string]struct {
		typ  btf.Type
		want error
	}{
		"a pointer to itself": {list, nil},
		"itself":              {self, errEndless},
		"too deep":            {deep, errTooDeep},
		"too wide":            {wide, errTooLarge},
	} {
		if err := nested(t, tc.typ); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
	}
}

// TestNestingOfThisKernel checks that this kernel's types are within the limits.
func TestNestingOfThisKernel(t *testing.T) {
	raw, err := os.ReadFile(btfVmlinux)
	if err != nil {
		t.Skip(err)
	}
	parsed, err := parseTypes(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.checkNesting(); err != nil {
		t.Error(err)
	}
}
