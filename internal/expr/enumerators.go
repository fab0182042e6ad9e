// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cilium/ebpf/btf"
)

// Constants of enums are read from the raw BTF. Decoding all of the kernel's 150,000 types
// into objects takes ten times as long, and 40 MB.

// The kinds of BTF types (include/uapi/linux/btf.h) that have data after the common header, or that
// are decoded.
const (
	kindInt       = 1
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19
)

const (
	btfMagic   = 0xeb9f
	headerSize = 24
	typeSize   = 12
)

var errBTF = errors.New("BTF can't be read")

// rawTypes has the sections of an encoded BTF file.
type rawTypes struct {
	types, strings []byte
	base           []byte // for a module: the strings of vmlinux, which precede its own
}

// parseRaw finds the type and string sections of encoded BTF.
func parseRaw(raw, base []byte) (rawTypes, error) {
	if len(raw) < headerSize || binary.NativeEndian.Uint16(raw) != btfMagic {
		return rawTypes{}, errBTF
	}
	field := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(raw[at:])) }
	part := func(at int) []byte {
		begin := field(4) + field(at)
		end := begin + field(at+4)
		if end > uint64(len(raw)) {
			return nil
		}
		return raw[begin:end]
	}
	r := rawTypes{types: part(8), strings: part(16), base: base}
	if r.types == nil || r.strings == nil {
		return rawTypes{}, errBTF
	}
	return r, nil
}

// name returns the string at an offset.
func (r rawTypes) name(offset uint32) string {
	s := r.strings
	if offset < uint32(len(r.base)) {
		s = r.base
	} else {
		offset -= uint32(len(r.base))
	}
	if offset >= uint32(len(s)) {
		return ""
	}
	name, _, _ := bytes.Cut(s[offset:], []byte{0})
	return string(name)
}

// enumerators adds the constants of all enums to the map. An existing entry is not replaced.
func (r rawTypes) enumerators(to map[string]enumerator) error {
	for rest := r.types; len(rest) > 0; {
		if len(rest) < typeSize {
			return errBTF
		}
		info, size := binary.NativeEndian.Uint32(rest[4:]), binary.NativeEndian.Uint32(rest[8:])
		kind, count := int(info>>24)&0x1f, int(info&0xffff)
		length := recordSize(kind)
		if !isSingle(kind) {
			length *= count
		}
		if len(rest) < typeSize+length || kind > kindEnum64 {
			return errBTF
		}
		if kind == kindEnum || kind == kindEnum64 {
			r.values(rest[typeSize:typeSize+length], recordSize(kind), &btf.Enum{Size: size, Signed: info>>31 == 1}, to)
		}
		rest = rest[typeSize+length:]
	}
	return nil
}

// recordSize returns the size in bytes of a record after the common header of a type. A type has one
// record if isSingle, else one for each member.
func recordSize(kind int) int {
	switch kind {
	case kindInt, kindVar, kindDeclTag:
		return 4
	case kindEnum, kindFuncProto:
		return 8
	case kindArray, kindStruct, kindUnion, kindDatasec, kindEnum64:
		return 12
	}
	return 0
}

func isSingle(kind int) bool {
	return kind == kindInt || kind == kindVar || kind == kindDeclTag || kind == kindArray
}

// values adds the constants of one enum.
func (r rawTypes) values(records []byte, size int, of *btf.Enum, to map[string]enumerator) {
	for ; len(records) > 0; records = records[size:] {
		word := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(records[at:])) }
		value := word(4)
		switch {
		case size == 12:
			value |= word(8) << 32
		case of.Signed:
			value = kind{4, true}.wrap(value)
		}
		name := r.name(uint32(word(0)))
		if _, taken := to[name]; !taken {
			to[name] = enumerator{value, of}
		}
	}
}
