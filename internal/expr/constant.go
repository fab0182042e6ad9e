// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"tracer/internal/printable"
)

// integer parses an integer constant. As in C, its type is the first of int, unsigned int,
// long and unsigned long that holds the value and that suffix and base allow.
func integer(t token) (uint64, kind) {
	text := strings.TrimRight(t.text, "uUlL")
	suffix := strings.ToLower(t.text[len(text):])
	if !validSuffix(suffix) {
		fail(t.at, "%s is not a number", printable.Quote(t.text))
	}
	value, err := parseInteger(text)
	if err != nil && errors.Is(err, strconv.ErrRange) {
		fail(t.at, "%s does not fit into 64 bits", t.text)
	}
	if err != nil {
		fail(t.at, "%s is not a number", printable.Quote(t.text))
	}
	decimal := text[0] != '0'
	return value, smallest(value, strings.Contains(suffix, "u"), strings.Contains(suffix, "l"), decimal)
}

func validSuffix(suffix string) bool {
	switch suffix {
	case "", "u", "l", "ul", "lu", "ll", "ull", "llu":
		return true
	}
	return false
}

// parseInteger parses decimal digits, 0x and hexadecimal digits, 0b and binary digits, or 0 and
// octal digits. It rejects the 0o and _ of Go.
func parseInteger(text string) (uint64, error) {
	if strings.Contains(text, "_") || strings.HasPrefix(text, "0o") || strings.HasPrefix(text, "0O") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 0, 64)
}

// smallest returns the type of a constant.
func smallest(value uint64, unsigned, long, decimal bool) kind {
	switch {
	case !long && !unsigned && value <= math.MaxInt32:
		return kind{4, true}
	case !long && (unsigned || !decimal) && value <= math.MaxUint32:
		return kind{4, false}
	case !unsigned && value <= math.MaxInt64:
		return kind{8, true}
	}
	return kind{8, false}
}

// characterValue returns the value of a character constant, such as 'a' or '\n'.
func characterValue(t token) uint64 {
	text := unescaped(t)
	if len(text) != 1 {
		fail(t.at, "%s is not one character", t.text)
	}
	return uint64(text[0])
}

// escapes maps the character after a backslash to its meaning.
var escapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v',
	'\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// unescaped returns the text between the quotes of a token, with escape sequences replaced.
func unescaped(t token) string {
	var text strings.Builder
	inner := t.text[1 : len(t.text)-1]
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			text.WriteByte(inner[i])
			i++
			continue
		}
		value, n := escaped(t, inner[i+1:])
		text.WriteByte(value)
		i += 1 + n
	}
	return text.String()
}

// escaped returns the byte for the escape sequence at the beginning of rest, and the length of the
// sequence without its backslash.
func escaped(t token, rest string) (value byte, length int) {
	if value, ok := escapes[rest[0]]; ok {
		return value, 1
	}
	length = min(3, prefix(rest, func(c byte) bool { return '0' <= c && c <= '7' }))
	base, text := 8, rest[:length]
	if rest[0] == 'x' {
		length = 1 + prefix(rest[1:], isHexadecimal)
		base, text = 16, rest[1:length]
	}
	number, err := strconv.ParseUint(text, base, 8)
	if err != nil {
		fail(t.at, "%s has an unknown escape sequence", t.text)
	}
	return byte(number), length
}

func isHexadecimal(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
