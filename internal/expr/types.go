// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"iter"

	"github.com/cilium/ebpf/btf"
)

// Types are what expressions are about. A *btf.Spec has these methods, and Kernel
// does for vmlinux and the modules together.
type Types interface {
	// AnyTypesByName finds all types of a name.
	AnyTypesByName(name string) ([]btf.Type, error)
	// All goes through all types. It is asked only for a name that may be the constant
	// of an enum.
	All() iter.Seq2[btf.Type, error]
}

// finder looks for types and constants in what the caller gave.
type finder struct{ Types }

// find is the first type of a name that is of a kind.
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

// typedef finds a type that has a name of its own, or nil.
func (f finder) typedef(name string) btf.Type {
	return f.find(name, func(t btf.Type) bool {
		_, ok := t.(*btf.Typedef)
		return ok
	})
}

// char is the type char, whose sign is another on each architecture and version.
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

// complete is a type without what does not change its meaning. A struct that is only
// declared in one place, as those of modules are in vmlinux, is looked for elsewhere.
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

// enumerators are the constants of all enums. The first of a name wins.
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
