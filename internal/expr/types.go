// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"iter"

	"github.com/cilium/ebpf/btf"
)

// Types finds the types for expressions. A *btf.Spec implements it, and Kernel implements
// it for vmlinux and the modules together.
type Types interface {
	// AnyTypesByName returns all types with a name.
	AnyTypesByName(name string) ([]btf.Type, error)
	// All iterates over all types. It is only called for a name that may be a constant of
	// an enum.
	All() iter.Seq2[btf.Type, error]
}

// finder adds searches for types and constants to Types.
type finder struct{ Types }

// find returns the first type of that name for which is returns true, or nil.
func (f finder) find(name string, is func(btf.Type) bool) btf.Type {
	found, err := f.AnyTypesByName(name)
	if err != nil {
		return nil
	}
	for _, t := range found {
		if is(t) {
			return t
		}
	}
	return nil
}

// tagged finds a struct, union or enum, or nil.
func (f finder) tagged(keyword, name string) btf.Type {
	return f.find(name, func(t btf.Type) bool {
		switch t.(type) {
		case *btf.Struct:
			return keyword == "struct"
		case *btf.Union:
			return keyword == "union"
		case *btf.Enum:
			return keyword == "enum"
		}
		return false
	})
}

// typedef finds a typedef, or nil.
func (f finder) typedef(name string) btf.Type {
	return f.find(name, func(t btf.Type) bool {
		_, ok := t.(*btf.Typedef)
		return ok
	})
}

// char returns the kernel's type char; its signedness depends on architecture and version.
func (f finder) char() btf.Type {
	found := f.find("char", func(t btf.Type) bool {
		_, ok := t.(*btf.Int)
		return ok
	})
	if found == nil {
		return plainChar
	}
	return found
}

// complete strips typedefs and qualifiers from a type. It replaces a forward declaration, such as
// that of a module's struct in vmlinux, by the full type if there is one.
func (f finder) complete(t btf.Type) btf.Type {
	bare := btf.UnderlyingType(t)
	declared, ok := bare.(*btf.Fwd)
	if !ok {
		return bare
	}
	if found := f.tagged(declared.Kind.String(), declared.Name); found != nil {
		return found
	}
	return bare
}

// enumerator is a constant of an enum.
type enumerator struct {
	value uint64
	of    *btf.Enum
}

// enumerators returns the constants of all enums. The first one with a name has precedence.
func (f finder) enumerators() map[string]enumerator {
	if k, ok := f.Types.(*Kernel); ok {
		return k.enumerators()
	}
	all := map[string]enumerator{}
	for t, err := range f.All() {
		if err != nil {
			break
		}
		enum, ok := t.(*btf.Enum)
		if !ok {
			continue
		}
		for _, v := range enum.Values {
			if _, taken := all[v.Name]; !taken {
				all[v.Name] = enumerator{v.Value, enum}
			}
		}
	}
	return all
}
