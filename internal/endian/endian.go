// SPDX-License-Identifier: Apache-2.0

// Package endian describes the byte order of this machine, for uses that package encoding/binary does
// not cover: bit fields, numbers of variable size, and BPF instructions.
package endian

import "encoding/binary"

// Big is true on big-endian machines, such as s390x: the first byte of a number is the most
// significant one, and bit fields are numbered from the most significant bit.
var Big = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// Uint decodes an unsigned number of 1, 2, 4 or 8 bytes in the byte order of this machine.
func Uint(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.NativeEndian.Uint16(b))
	case 4:
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}
