// SPDX-License-Identifier: Apache-2.0

// Package endian says in which order this machine has the bytes of a number, for what
// package encoding/binary does not do: bit fields, and numbers put together from pieces.
package endian

import "encoding/binary"

// Big says that the first byte of a number has its highest bits, and that bit fields are
// counted from there, as on s390x.
var Big = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// Uint is the number that 1, 2, 4 or 8 bytes are to this machine.
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
