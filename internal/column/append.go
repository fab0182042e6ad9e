// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/hex"
	"strconv"
)

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

func appendHex(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), n, 16)
}

// appendHex16 appends n with four hexadecimal digits.
func appendHex16(dst []byte, n uint16) []byte { return appendDigits16(append(dst, "0x"...), n) }

func appendDigits16(dst []byte, n uint16) []byte {
	return hex.AppendEncode(dst, []byte{byte(n >> 8), byte(n)})
}

func appendHexString(dst []byte, n uint64) []byte {
	return append(appendHex(append(dst, '"'), n), '"')
}

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

func appendNull(dst []byte) []byte { return append(dst, "null"...) }

// appendUintOrNull appends a number, or null for 0, which means no value.
func appendUintOrNull(dst []byte, n uint64) []byte {
	if n == 0 {
		return appendNull(dst)
	}
	return appendUint(dst, n)
}

func appendStringOrNull(dst []byte, s string) []byte {
	if s == "" {
		return appendNull(dst)
	}
	return appendJSONString(dst, s)
}
