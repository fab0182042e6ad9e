// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// typeName returns the name of a type in C, such as "void (*)(struct sk_buff *)".
func typeName(t btf.Type) string { return declare(t, "", 0) }

// declare returns the C declaration of name with type t. In C, the parts of a type are on both
// sides of the name, so the declaration is built from the inside out.
func declare(t btf.Type, name string, depth int) string {
	if depth > maxDepth {
		return missing
	}
	depth++
	switch t := t.(type) {
	case *btf.Pointer:
		return declare(t.Target, pointerTo(t.Target, name), depth)
	case *btf.Array:
		return declare(t.Type, name+"["+strconv.Itoa(int(t.Nelems))+"]", depth)
	case *btf.FuncProto:
		return declare(t.Return, name+"("+parameters(t, depth)+")", depth)
	case *btf.Const:
		return qualify("const", t.Type, name, depth)
	case *btf.Volatile:
		return qualify("volatile", t.Type, name, depth)
	case *btf.Restrict:
		return qualify("restrict", t.Type, name, depth)
	case *btf.TypeTag: // __rcu, __user and the like are left out
		return declare(t.Type, name, depth)
	}
	return join(specifier(t), name)
}

func pointerTo(target btf.Type, name string) string {
	switch target.(type) {
	case *btf.Array, *btf.FuncProto:
		return "(*" + name + ")"
	}
	return "*" + name
}

// qualify adds a qualifier: after the star of a pointer, in front of any other type.
func qualify(qualifier string, t btf.Type, name string, depth int) string {
	if _, ok := t.(*btf.Pointer); ok {
		return declare(t, join(qualifier, name), depth)
	}
	return qualifier + " " + declare(t, name, depth)
}

func parameters(f *btf.FuncProto, depth int) string {
	if len(f.Params) == 0 {
		return "void"
	}
	types := make([]string, len(f.Params))
	for i, p := range f.Params {
		types[i] = parameter(p.Type, depth)
	}
	return strings.Join(types, ", ")
}

// parameter returns the type of a parameter. BTF encodes the ... of a variadic function as void.
func parameter(t btf.Type, depth int) string {
	if _, ok := t.(*btf.Void); ok {
		return "..."
	}
	return declare(t, "", depth)
}

func specifier(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Void:
		return "void"
	case *btf.Struct:
		return tag("struct", t.Name)
	case *btf.Union:
		return tag("union", t.Name)
	case *btf.Enum:
		return tag("enum", t.Name)
	case *btf.Fwd:
		return tag(t.Kind.String(), t.Name)
	}
	return t.TypeName()
}

func tag(kind, name string) string {
	if name == "" {
		return kind + " {...}"
	}
	return kind + " " + name
}

func join(left, right string) string {
	if right == "" {
		return left
	}
	return left + " " + right
}
