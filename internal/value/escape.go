// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendHexBytes appends two digits for each byte.
func appendHexBytes(dst, raw []byte) []byte {
	for _, b := range raw {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
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
		dst = append(dst, '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// appendJSONString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, as JSON has no way to write them.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		dst = appendJSONRune(dst, r)
		s = s[size:]
	}
	return append(dst, '"')
}

func appendJSONRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r < ' ' || r == 0x7f:
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}
