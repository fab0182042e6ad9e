// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Kinds of BTF types (include/uapi/linux/btf.h).
const (
	kindInt       = 1
	kindPtr       = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindTypedef   = 8
	kindVolatile  = 9
	kindConst     = 10
	kindRestrict  = 11
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindFloat     = 16
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
	kinds         = 20
)

const (
	btfMagic  = 0xeB9F
	btfHeader = 24
	fixed     = 12 // size of the part that every type has, in bytes
)

var errTruncated = errors.New("BTF is truncated")

// types parses BTF in place. To iterate over the 56,000 functions of a kernel with btf.Spec takes 200 ms, since
// every type becomes an object; with types it takes a few ms (compare BenchmarkTypes and BenchmarkSpecFunctions).
type types struct {
	base    *types // the types of vmlinux, if this is a module
	raw     []byte
	strings []byte
	first   uint32   // id of offsets[0]
	offsets []uint32 // of each type in raw
	ids     [kinds][]uint32
}

// record is one type: its fixed part, and the data that follows it.
type record struct {
	name uint32
	info uint32
	size uint32 // or the id of another type
	data []byte
}

func (r record) kind() int   { return int(r.info>>24) & 0x1f }
func (r record) length() int { return int(r.info & 0xffff) }
func (r record) ref() uint32 { return r.size }
func (r record) word(i int) uint32 {
	return binary.NativeEndian.Uint32(r.data[4*i:])
}

// pair is a parameter of a function prototype, or a member of an enum.
type pair struct{ name, value uint32 }

// pairs returns the parameters of a FUNC_PROTO (name, type) or the members of an ENUM (name, value).
func (r record) pairs() []pair {
	out := make([]pair, r.length())
	for i := range out {
		out[i] = pair{r.word(2 * i), r.word(2*i + 1)}
	}
	return out
}

// parseTypes indexes raw BTF; base is nil for vmlinux.
func parseTypes(b []byte, base *types) (*types, error) {
	if err := checkMagic(b); err != nil {
		return nil, err
	}
	h := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(b[i:])) }
	size := uint64(len(b))
	body := h(4)
	typeOff, typeEnd := body+h(8), body+h(8)+h(12)
	strOff, strEnd := body+h(16), body+h(16)+h(20)
	if typeEnd > size || strEnd > size {
		return nil, errTruncated
	}
	t := &types{base: base, raw: b[typeOff:typeEnd], strings: b[strOff:strEnd]}
	return t, t.index()
}

// checkMagic returns an error unless b is BTF in this machine's byte order.
func checkMagic(b []byte) error {
	if len(b) < btfHeader || binary.NativeEndian.Uint16(b) != btfMagic {
		return errors.New("not BTF in this machine's byte order")
	}
	return nil
}

func (t *types) index() error {
	t.offsets = make([]uint32, 0, len(t.raw)/24)
	if t.base == nil {
		t.offsets = append(t.offsets, 0) // void has id 0 and no record
	} else {
		t.first = t.base.first + uint32(len(t.base.offsets))
	}
	for off := 0; off < len(t.raw); {
		n, err := t.add(off)
		if err != nil {
			return err
		}
		off += n
	}
	return nil
}

// add indexes the type at off, and returns its size in bytes.
func (t *types) add(off int) (int, error) {
	if len(t.raw)-off < fixed {
		return 0, errTruncated
	}
	r := record{info: binary.NativeEndian.Uint32(t.raw[off+4:])}
	n, err := r.trailing()
	if err != nil {
		return 0, err
	}
	if fixed+n > len(t.raw)-off {
		return 0, errTruncated
	}
	switch kind := r.kind(); kind {
	case kindFunc, kindTypedef, kindEnum, kindDeclTag:
		t.ids[kind] = append(t.ids[kind], t.end())
	}
	t.offsets = append(t.offsets, uint32(off))
	return fixed + n, nil
}

// trailing returns the number of bytes that follow the fixed part.
func (r record) trailing() (int, error) {
	switch kind, n := r.kind(), r.length(); kind {
	case kindInt, kindVar, kindDeclTag:
		return 4, nil
	case kindArray:
		return 12, nil
	case kindStruct, kindUnion, kindDatasec, kindEnum64:
		return 12 * n, nil
	case kindEnum, kindFuncProto:
		return 8 * n, nil
	default:
		if kind == 0 || kind > kindEnum64 {
			return 0, fmt.Errorf("BTF kind %d is unknown", kind)
		}
		return 0, nil
	}
}

// end returns the id after the last one.
func (t *types) end() uint32 { return t.first + uint32(len(t.offsets)) }

// each calls f for the types of one kind in t, but not in its base. Only functions, typedefs, enums and
// declaration tags are indexed.
func (t *types) each(kind int, f func(r record)) {
	for _, id := range t.ids[kind] {
		f(t.at(id))
	}
}

// at returns the type with that id. Void and ids out of range have kind 0.
func (t *types) at(id uint32) record {
	if id < t.first {
		return t.base.at(id)
	}
	if id == 0 || id >= t.end() {
		return record{}
	}
	b := t.raw[t.offsets[id-t.first]:] // index has checked that the data is complete
	return record{
		name: binary.NativeEndian.Uint32(b),
		info: binary.NativeEndian.Uint32(b[4:]),
		size: binary.NativeEndian.Uint32(b[8:]),
		data: b[fixed:],
	}
}

// name returns the string at that offset without copying it; empty if the offset is out of range.
func (t *types) name(off uint32) []byte {
	s := t.strings
	if t.base != nil {
		if off < uint32(len(t.base.strings)) {
			return t.base.name(off)
		}
		off -= uint32(len(t.base.strings))
	}
	if off >= uint32(len(s)) {
		return nil
	}
	s = s[off:]
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return s
}

// maxQualifiers limits chains of typedefs and qualifiers, so that strip ends on broken BTF.
const maxQualifiers = 64

// strip follows typedefs and qualifiers to the underlying type.
func (t *types) strip(id uint32) (uint32, record) {
	r := t.at(id)
	for range maxQualifiers {
		switch r.kind() {
		case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
			id = r.ref()
			r = t.at(id)
		default:
			return id, r
		}
	}
	return 0, record{}
}

// proto returns the prototype of a FUNC.
func (t *types) proto(fn record) record {
	p := t.at(fn.ref())
	if p.kind() != kindFuncProto {
		return record{}
	}
	return p
}
