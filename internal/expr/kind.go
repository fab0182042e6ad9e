// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// kind is what computing has to know about a number: its bytes (1, 2, 4 or 8) and its
// sign. Pointers are unsigned numbers of 8 bytes.
type kind struct {
	size   int
	signed bool
}

// Types that results have.
var (
	boolean       = &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	plainChar     = &btf.Int{Name: "char", Size: 1}
	shortType     = &btf.Int{Name: "short int", Size: 2, Encoding: btf.Signed}
	unsignedShort = &btf.Int{Name: "short unsigned int", Size: 2}
	intType       = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	unsignedInt   = &btf.Int{Name: "unsigned int", Size: 4}
	longType      = &btf.Int{Name: "long int", Size: 8, Encoding: btf.Signed}
	unsignedLong  = &btf.Int{Name: "long unsigned int", Size: 8}
)

// kindOf is the kind of a type that can be computed with.
func kindOf(t btf.Type) (kind, bool) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return kind{int(t.Size), t.Encoding == btf.Signed}, isPower(t.Size)
	case *btf.Enum:
		return kind{int(t.Size), t.Signed}, isPower(t.Size)
	case *btf.Pointer:
		return kind{8, false}, true
	}
	return kind{}, false
}

// isPower tells the sizes that a register can hold.
func isPower(size uint32) bool { return size == 1 || size == 2 || size == 4 || size == 8 }

// typeOf is the type of a result.
func (k kind) typeOf() btf.Type {
	switch k {
	case kind{4, true}:
		return intType
	case kind{4, false}:
		return unsignedInt
	case kind{8, true}:
		return longType
	case kind{2, false}:
		return unsignedShort
	}
	return unsignedLong
}

// promoted is the kind that a number is computed in: at least int.
func (k kind) promoted() kind {
	if k.size < 4 {
		return kind{4, true}
	}
	return k
}

// usual is the kind that two promoted numbers have in common.
func usual(a, b kind) kind {
	switch {
	case a.size > b.size:
		return a
	case b.size > a.size:
		return b
	}
	return kind{a.size, a.signed && b.signed}
}

// holds tells whether all numbers of another kind are numbers of this one, or, with
// 8 bytes, whether its bits are the same in a register.
func (k kind) holds(other kind) bool {
	switch {
	case k == other, k.size == 8:
		return true
	case k.size > other.size:
		return k.signed || !other.signed
	}
	return false
}

// wrap makes a number one of this kind as a conversion in C does. In a register it has
// 64 bits: the bits above are those of its sign, or zero.
func (k kind) wrap(value uint64) uint64 {
	above := 64 - 8*k.size
	if k.signed {
		return uint64(int64(value<<above) >> above)
	}
	return value << above >> above
}
