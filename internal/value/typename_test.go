// SPDX-License-Identifier: Apache-2.0

package value

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTypeName(t *testing.T) {
	pointer := func(t btf.Type) btf.Type { return &btf.Pointer{Target: t} }
	void := &btf.Void{}
	handler := &btf.FuncProto{Return: s32, Params: []btf.FuncParam{
		{Name: "l", Type: pointer(list)}, {Type: pointer(&btf.Const{Type: char})}, {Type: void},
	}}
	for want, of := range map[string]btf.Type{
		"unsigned int":                 u32,
		"__be16":                       be16,
		"struct list_head":             list,
		"struct {...}":                 structOf("", 0),
		"union {...} *":                pointer(unionOf(0)),
		"enum state":                   state,
		"struct net_device *":          pointer(&btf.Fwd{Name: "net_device"}),
		"void *":                       pointer(void),
		"const char *":                 pointer(&btf.Const{Type: char}),
		"char *const":                  &btf.Const{Type: pointer(char)},
		"const volatile void *":        pointer(&btf.Const{Type: &btf.Volatile{Type: void}}),
		"struct list_head **":          pointer(pointer(list)),
		"struct list_head *restrict *": pointer(&btf.Restrict{Type: pointer(&btf.TypeTag{Value: "rcu", Type: list})}),
		"char [2][3]":                  arrayOf(arrayOf(char, 3), 2),
		"struct list_head *[4]":        arrayOf(pointer(list), 4),
		"unsigned char (*)[6]":         pointer(arrayOf(u8, 6)),
		"void (*)(void)":               pointer(&btf.FuncProto{Return: void}),
		"int (*)(struct list_head *, const char *, ...)":          pointer(handler),
		"int (*(*)(void))(struct list_head *, const char *, ...)": pointer(&btf.FuncProto{Return: pointer(handler)}),
	} {
		if got := typeName(of); got != want {
			t.Errorf("name is %q, want %q", got, want)
		}
	}
}

// TestTypeNameOfALoop checks that typeName terminates for a pointer to itself, which can't be written in C.
func TestTypeNameOfALoop(t *testing.T) {
	loop := &btf.Pointer{}
	loop.Target = loop
	if got := typeName(loop); got != missing {
		t.Errorf("name is %q, want %q", got, missing)
	}
}
