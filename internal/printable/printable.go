// SPDX-License-Identifier: Apache-2.0

// Package printable escapes text that others control, such as names of processes, interfaces,
// namespaces, modules and chains, so that it cannot break a line or control a terminal: control
// characters, also those of C1, line separators and marks that change the direction of text.
package printable

import (
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// Text escapes a name for a message.
func Text(s string) string { return string(Append(nil, s)) }

// Append appends s as it is where it is visible, and as \xNN each byte of all else.
func Append(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '\\':
			dst = append(dst, `\\`...)
		case visible(r, size):
			dst = append(dst, s[:size]...)
		default:
			dst = appendBytes(dst, s[:size])
		}
		s = s[size:]
	}
	return dst
}

// Lines escapes a whole message, in which line feeds and backslashes are ours.
func Lines(s string) string {
	var dst []byte
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == '\n' || visible(r, size) {
			dst = append(dst, s[:size]...)
		} else {
			dst = appendBytes(dst, s[:size])
		}
		s = s[size:]
	}
	return string(dst)
}

func visible(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return size > 1 && unicode.IsPrint(r)
}

func appendBytes(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	return dst
}

// AppendJSON appends s to a JSON string, of which it appends no quotes. Bytes that are not UTF-8
// become U+FFFD, as JSON has no way to write them.
func AppendJSON(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case visible(r, utf8.UTFMax):
			dst = utf8.AppendRune(dst, r)
		default:
			dst = appendUnicode(dst, r)
		}
	}
	return dst
}

func appendUnicode(dst []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return appendUnicode(appendUnicode(dst, high), low)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// JSON escapes what is not visible in JSON that another package wrote, which has it in strings only.
// Line feeds between records stay.
func JSON(text []byte) []byte {
	dst := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == '\n' || visible(r, utf8.UTFMax) {
			dst = append(dst, text[:size]...)
		} else {
			dst = appendUnicode(dst, r)
		}
		text = text[size:]
	}
	return dst
}

// JSONWriter escapes JSON on its way to w, which gets whole records.
func JSONWriter(w io.Writer) io.Writer { return writer{w, JSON} }

// LineWriter escapes messages on their way to w, which gets whole messages.
func LineWriter(w io.Writer) io.Writer {
	return writer{w, func(b []byte) []byte { return []byte(Lines(string(b))) }}
}

type writer struct {
	to     io.Writer
	escape func([]byte) []byte
}

// Write reports b as written if what it became was.
func (w writer) Write(b []byte) (int, error) {
	if _, err := w.to.Write(w.escape(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
