// SPDX-License-Identifier: Apache-2.0

package value

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// maxDepth is the maximum nesting of types; it protects against loops in broken BTF.
const maxDepth = 64

// compile returns the printer of a type that has a size.
func compile(t btf.Type, depth int) (printer, error) {
	if depth > maxDepth {
		return nil, errors.New("types are nested too deep")
	}
	switch u := btf.UnderlyingType(t).(type) {
	case *btf.Int, *btf.Enum, *btf.Float:
		return scalar(t, u)
	case *btf.Pointer:
		return newPointer(t), nil
	case *btf.Array:
		return compileArray(u, depth)
	case *btf.Struct:
		return compileStructure(u.Name, u.Size, u.Members, false, depth)
	case *btf.Union:
		return compileStructure(u.Name, u.Size, u.Members, true, depth)
	}
	return nil, fmt.Errorf("%q has no size", typeName(t))
}

// scalar returns the printer of a number that is no bit field; u is the underlying type of t.
func scalar(t, u btf.Type) (printer, error) {
	size, err := btf.Sizeof(u)
	if err != nil {
		return nil, err
	}
	if _, float := u.(*btf.Float); float || !isWord(size) {
		return octets(size), nil
	}
	n := number{bytes: size, bits: uint(size) * 8}
	if isWireOrder(t) {
		return wire{n}, nil
	}
	return numeric(u, n)
}

// bitfield returns the printer of a bit field.
func bitfield(t btf.Type, shift, bits btf.Bits) (printer, error) {
	if bits > 64 {
		return nil, fmt.Errorf("unsupported bit field of %d bits", bits)
	}
	n := number{bytes: int(shift+bits+7) / 8, shift: uint(shift), bits: uint(bits)}
	return numeric(btf.UnderlyingType(t), n)
}

// numeric returns the printer of n as an enum, a boolean or an integer.
func numeric(u btf.Type, n number) (printer, error) {
	switch u := u.(type) {
	case *btf.Enum:
		n.signed = u.Signed
		return newEnum(u, n), nil
	case *btf.Int:
		n.signed = u.Encoding == btf.Signed
		if u.Encoding == btf.Bool {
			return boolean{n}, nil
		}
		return integer{n}, nil
	}
	return nil, fmt.Errorf("unsupported bit field of type %q", typeName(u))
}

func isWord(size int) bool { return size == 1 || size == 2 || size == 4 || size == 8 }
