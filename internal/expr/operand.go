// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// operand is a part of an expression whose type is known.
type operand struct {
	at   int
	typ  btf.Type
	code node // the value; the address if place is set
	// place is set if the operand is in memory and has an address (an lvalue).
	place bool
	// lowest is the first bit of a bitfield, counted from the address, and width its number
	// of bits; 0 for other operands. A bitfield keeps its width after it is read, since
	// its promoted kind depends on it.
	lowest, width int
	// control is set for a member named cb, which is a char array but contains no
	// string.
	control bool
	// flexible is set for an array that may be longer than declared.
	flexible bool
}

// kind returns the kind of a number or pointer; for anything else, the compilation fails.
func (o operand) kind() kind {
	k, ok := kindOf(o.typ)
	if !ok {
		fail(o.at, "%s is not a number", typeName(o.typ))
	}
	return k
}

// promoted applies the integer promotions of C. A bitfield becomes an int if all its values
// fit.
func (o operand) promoted() kind {
	k := o.kind()
	if o.width > 0 && (o.width < 32 || o.width == 32 && k.signed) {
		return kind{4, true}
	}
	return k.promoted()
}

// held returns a kind that holds every value of the operand. For a bitfield this is the promoted
// kind, which may be narrower than the declared type.
func (o operand) held() kind {
	if o.width > 0 {
		return o.promoted()
	}
	return o.kind()
}

// target returns the target type of a pointer.
func (o operand) target() (btf.Type, bool) {
	pointer, ok := btf.As[*btf.Pointer](o.typ)
	if !ok {
		return nil, false
	}
	return pointer.Target, true
}

// isArray reports whether the operand is an array in memory.
func (o operand) isArray() bool {
	_, ok := btf.As[*btf.Array](o.typ)
	return ok && o.place
}

// loaded returns the value of an operand in memory. An array becomes the address of its first element.
func (o operand) loaded() operand {
	if !o.place {
		return o
	}
	value := o
	value.place = false
	switch t := btf.UnderlyingType(o.typ).(type) {
	case *btf.Array:
		value.typ = &btf.Pointer{Target: t.Type}
		return value
	case *btf.FuncProto:
		value.typ = &btf.Pointer{Target: t}
		return value
	case *btf.Struct, *btf.Union:
		fail(o.at, "%s is not a number: name a member of it", typeName(o.typ))
	}
	k := o.kind()
	if o.width > 0 {
		value.code = bitRead{o.code, o.lowest, o.width, k.signed}
		return value
	}
	value.code = read{o.code, k}
	return value
}

// integer returns the value of an operand, and rejects pointers.
func (o operand) integer(sign string) operand {
	value := o.loaded()
	if _, isPointer := value.target(); isPointer {
		fail(o.at, "%s of a pointer: cast it to a number, as in (u64)x", sign)
	}
	value.kind()
	return value
}

// isChar reports whether a type is char.
func isChar(t btf.Type) bool {
	char, ok := btf.As[*btf.Int](t)
	return ok && char.Name == "char"
}
