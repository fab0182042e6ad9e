// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// maxNested is the maximum nesting of a type name, and of anonymous members.
const maxNested = 16

// typeName returns the name of a type as in C, for messages.
func typeName(t btf.Type) string { return nestedName(t, maxNested) }

func nestedName(t btf.Type, left int) string {
	if left == 0 {
		return "…"
	}
	switch t := btf.QualifiedType(t).(type) {
	case *btf.Void:
		return "void"
	case *btf.Pointer:
		return starred(nestedName(t.Target, left-1))
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", nestedName(t.Type, left-1), t.Nelems)
	case *btf.Struct:
		return "struct " + orAnonymous(t.Name)
	case *btf.Union:
		return "union " + orAnonymous(t.Name)
	case *btf.Enum:
		return "enum " + orAnonymous(t.Name)
	case *btf.Fwd:
		return t.Kind.String() + " " + t.Name
	case *btf.FuncProto:
		return "function"
	default:
		return orAnonymous(t.TypeName())
	}
}

func starred(name string) string {
	if name[len(name)-1] == '*' {
		return name + "*"
	}
	return name + " *"
}

func orAnonymous(name string) string {
	if name == "" {
		return "without a name"
	}
	return name
}
