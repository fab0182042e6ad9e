// SPDX-License-Identifier: Apache-2.0

package column

import (
	"unicode"
	"unicode/utf8"
)

// appendEscaped appends s as it is where it can be seen, and as \xNN each byte
// of what could break a line or speak to a terminal: a process names itself.
func appendEscaped(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if harmless(r, size) {
			dst = append(dst, s[:size]...)
		} else {
			dst = appendBytesEscaped(dst, s[:size])
		}
		s = s[size:]
	}
	return dst
}

func harmless(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f && r != '\\'
	}
	return size > 1 && unicode.IsPrint(r)
}

func appendBytesEscaped(dst []byte, s string) []byte {
	if s == `\` {
		return append(dst, `\\`...)
	}
	for i := range len(s) {
		dst = append(dst, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	return dst
}

// appendJSONString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, as JSON has no way to write them.
func appendJSONString(dst []byte, s string) []byte {
	return append(appendJSONEscaped(append(dst, '"'), s), '"')
}

func appendJSONEscaped(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
