// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// operand is a part of an expression whose type is known.
type operand struct {
	at   int
	typ  btf.Type
	code node // the value, or of a place its address
	// place tells that it lies in memory, so that it has an address.
	place bool
	// lowest and width are the bits of a bitfield, counted from the address. Width is
	// 0 for what is none, and stays when the bitfield is read: it decides the kind.
	lowest, width int
	// control tells a member named cb. The kernel keeps bytes there, though it
	// declares them as char.
	control bool
	// flexible is set for an array that may be longer than declared.
	flexible bool
}

// kind is the kind of what can be computed with; anything else ends the compilation.
func (o operand) kind() kind {
	k, ok := kindOf(o.typ)
	if !ok {
		fail(o.at, "%s is not a number", typeName(o.typ))
	}
	return k
}

// promoted is the kind that an operand is computed in. A bitfield is an int where its
// bits fit into one.
func (o operand) promoted() kind {
	k := o.kind()
	if o.width > 0 && (o.width < 32 || o.width == 32 && k.signed) {
		return kind{4, true}
	}
	return k.promoted()
}

// held is a kind that holds every value, the narrower one where there are two: a
// bitfield has fewer bits than its type.
func (o operand) held() kind {
	if o.width > 0 {
		return o.promoted()
	}
	return o.kind()
}

// target is what an operand points to.
func (o operand) target() (btf.Type, bool) {
	pointer, ok := btf.As[*btf.Pointer](o.typ)
	if !ok {
		return nil, false
	}
	return pointer.Target, true
}

// isArray tells an array in memory.
func (o operand) isArray() bool {
	_, ok := btf.As[*btf.Array](o.typ)
	return ok && o.place
}

// loaded is the value of a place. An array becomes the address of its first element.
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

// integer is the value of an operand that is no pointer.
func (o operand) integer(sign string) operand {
	value := o.loaded()
	if _, isPointer := value.target(); isPointer {
		fail(o.at, "%s of a pointer: cast it to a number, as in (u64)x", sign)
	}
	value.kind()
	return value
}

// isChar tells the type of the letters of a string.
func isChar(t btf.Type) bool {
	char, ok := btf.As[*btf.Int](t)
	return ok && char.Name == "char"
}
