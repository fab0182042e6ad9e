// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// kind is the size (1, 2, 4 or 8 bytes) and signedness of a number. Pointers are unsigned
// numbers of 8 bytes.
type kind struct {
	size   int
	signed bool
}

// Basic types of C, by size and signedness.
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

// kindOf returns the kind of a type. It returns false for a type that is neither a number nor a pointer.
func kindOf(t btf.Type) (kind, bool) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return kind{int(t.Size), t.Encoding == btf.Signed}, fitsRegister(t.Size)
	case *btf.Enum:
		return kind{int(t.Size), t.Signed}, fitsRegister(t.Size)
	case *btf.Pointer:
		return kind{8, false}, true
	}
	return kind{}, false
}

// fitsRegister reports whether a number of that size can be loaded into a register.
func fitsRegister(size uint32) bool { return size == 1 || size == 2 || size == 4 || size == 8 }

// typeOf returns the basic type of a kind.
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

// promoted applies the integer promotions of C: a kind smaller than int becomes int.
func (k kind) promoted() kind {
	if k.size < 4 {
		return kind{4, true}
	}
	return k
}

// usual applies the usual arithmetic conversions of C: it returns the common kind of two promoted ones.
func usual(a, b kind) kind {
	switch {
	case a.size > b.size:
		return a
	case b.size > a.size:
		return b
	}
	return kind{a.size, a.signed && b.signed}
}

// holds reports whether conversion of a number of the other kind to k leaves its register unchanged:
// k can represent all values of the other kind, or has 8 bytes.
func (k kind) holds(other kind) bool {
	switch {
	case k == other, k.size == 8:
		return true
	case k.size > other.size:
		return k.signed || !other.signed
	}
	return false
}

// wrap converts a number to this kind, as in C: it truncates it, then extends it to the 64 bits of
// a register with its sign or zeros.
func (k kind) wrap(value uint64) uint64 {
	above := 64 - 8*k.size
	if k.signed {
		return uint64(int64(value<<above) >> above)
	}
	return value << above >> above
}
