// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf8"

	"tracer/internal/printable"
)

func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendEscaped appends text as it is where it can be seen, and as \xNN each byte of
// what could break a line or speak to a terminal; without blanks also these.
func appendEscaped(dst, s []byte, blanks bool) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		switch {
		case r == '\\' || r == '"':
			dst = append(dst, '\\', byte(r))
		case visible(r, size) && (blanks || r != ' '):
			dst = append(dst, s[:size]...)
		default:
			dst = appendBytesEscaped(dst, s[:size])
		}
		s = s[size:]
	}
	return dst
}

func visible(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return size > 1 && unicode.IsPrint(r)
}

func appendBytesEscaped(dst, s []byte) []byte {
	for _, b := range s {
		dst = hex.AppendEncode(append(dst, `\x`...), []byte{b})
	}
	return dst
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	return append(printable.AppendJSON(append(dst, '"'), string(s)), '"')
}
