// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"

	"tracer/internal/printable"

	"github.com/cilium/ebpf/btf"
)

// pointedTo dereferences a pointer.
func (c *checker) pointedTo(value operand, at int) operand {
	target, ok := value.target()
	if !ok {
		fail(at, "%s is not a pointer", typeName(value.typ))
	}
	if _, isVoid := btf.UnderlyingType(target).(*btf.Void); isVoid {
		fail(at, "the type behind void * is unknown: cast it, as in (struct iphdr *)x")
	}
	return operand{at: at, typ: target, code: value.code, place: true}
}

// member checks x->name and x.name, which are interchangeable.
func (c *checker) member(e *member) operand {
	whole := c.whole(e)
	members, ok := membersOf(c.types.complete(whole.typ))
	if !ok {
		fail(e.place(), "%s has no members", typeName(whole.typ))
	}
	found, offset, ok := findMember(members, e.name, maxNested)
	if !ok && c.terse {
		fail(e.place(), "%s has no member %s", typeName(whole.typ), printable.Quote(e.name))
	}
	if !ok {
		failNear(e.place(), likelyMembers(members, e.name), "%s has no member %s", typeName(whole.typ), printable.Quote(e.name))
	}
	result := part(e, whole.code, found, int(offset))
	result.flexible = isFlexible(members, found)
	return result
}

// whole returns the struct or union whose member is accessed.
func (c *checker) whole(e *member) operand {
	c.checkBase(e.of)
	of := c.operand(e.of)
	if _, ok := membersOf(c.types.complete(of.typ)); ok && of.place {
		return of
	}
	value := of.loaded()
	target, ok := value.target()
	if !ok {
		fail(e.place(), "%s has no members", typeName(of.typ))
	}
	if declared, ok := c.types.complete(target).(*btf.Fwd); ok {
		fail(e.place(), "the kernel's BTF does not describe the members of %s", typeName(declared))
	}
	return c.pointedTo(value, e.place())
}

// part returns the member at an offset in bits from an address.
func part(e *member, address node, found btf.Member, offset int) operand {
	result := operand{at: e.place(), typ: found.Type, place: true, control: e.name == "cb"}
	result.code = advance(address, int64(offset/8))
	if found.BitfieldSize > 0 {
		result.lowest, result.width = offset%8, int(found.BitfieldSize)
	}
	if result.lowest+result.width > 64 {
		fail(e.place(), "the bitfield %s spans more than 8 bytes", printable.Quote(e.name))
	}
	return result
}

// membersOf returns the members of a struct or union.
func membersOf(t btf.Type) ([]btf.Member, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

// findMember finds a member, also in anonymous structs and unions, which may be nested up to left
// levels deep. The offset is from the beginning of the outermost struct.
func findMember(members []btf.Member, name string, left int) (found btf.Member, offset btf.Bits, ok bool) {
	for _, m := range members {
		if m.Name == name {
			return m, m.Offset, true
		}
		inner, isWhole := membersOf(btf.UnderlyingType(m.Type))
		if m.Name != "" || !isWhole || left == 0 {
			continue
		}
		if found, offset, ok = findMember(inner, name, left-1); ok {
			return found, m.Offset + offset, true
		}
	}
	return btf.Member{}, 0, false
}

// memberNames returns the sorted names of all members that findMember can find.
func memberNames(members []btf.Member, left int) []string {
	var names []string
	for _, m := range members {
		inner, isWhole := membersOf(btf.UnderlyingType(m.Type))
		switch {
		case m.Name != "":
			names = append(names, m.Name)
		case isWhole && left > 0:
			names = append(names, memberNames(inner, left-1)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// element checks x[index].
func (c *checker) element(e *element) operand {
	array := c.operand(e.of)
	of := array.loaded()
	if _, ok := of.target(); !ok {
		fail(e.place(), "%s has no elements", typeName(of.typ))
	}
	index := c.operand(e.index).integer("[]")
	checkRange(e, array, index.code)
	element := c.pointedTo(of, e.place())
	element.code = step(of.code, index.code, c.stride(element.typ, e.place()))
	return element
}

// stride returns the size in bytes of one element of a pointer. As in GNU C, it is 1 for
// pointers to void and to functions.
func (c *checker) stride(target btf.Type, at int) int64 {
	switch btf.UnderlyingType(target).(type) {
	case *btf.Void, *btf.FuncProto:
		return 1
	}
	return c.size(target, at)
}
