// SPDX-License-Identifier: Apache-2.0

// Package printable escapes untrusted text, such as names of processes, interfaces, namespaces,
// modules and chains, so that it cannot break a line or control a terminal. It escapes everything that
// unicode.IsPrint rejects: control characters (C0 and C1), line separators, bidirectional marks and others.
package printable

import (
	"encoding/hex"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text escapes a name for a message: see [Append].
func Text(s string) string { return string(Append(nil, s)) }

// Quote escapes text for a message, and puts it between double quotes. Messages quote with it and not with %q, which
// writes some control characters as \a or \t, and others as \u200b.
func Quote(s string) string { return `"` + string(AppendQuoted(nil, []byte(s))) + `"` }

// Append appends s. Printable characters stay as they are, a backslash is doubled, and each byte of
// any other character becomes \xNN.
func Append(dst []byte, s string) []byte { return backslash.append(dst, []byte(s)) }

// AppendWord is like [Append], and escapes blanks too.
func AppendWord(dst []byte, s string) []byte { return word.append(dst, []byte(s)) }

// AppendQuoted is like [Append] for text between quotes: `"` gets a backslash too.
func AppendQuoted(dst, s []byte) []byte { return quoted.append(dst, s) }

// AppendQuotedWord is like [AppendQuoted], and escapes blanks too.
func AppendQuotedWord(dst, s []byte) []byte { return quotedWord.append(dst, s) }

// Lines is like Text for a whole message: line feeds and backslashes in it are not escaped.
func Lines(s string) string { return string(message.append(nil, []byte(s))) }

// escaper keeps the characters that are [Visible] and replaces the bytes of all others by \xNN, with the
// exceptions in its fields.
type escaper struct {
	// marked are characters that get a backslash, hidden are visible characters that become
	// \xNN, and kept are invisible characters that stay.
	marked, hidden, kept string
}

var (
	backslash  = escaper{marked: `\`}
	word       = escaper{marked: `\`, hidden: " "}
	quoted     = escaper{marked: `\"`}
	quotedWord = escaper{marked: `\"`, hidden: " "}
	message    = escaper{kept: "\n"}
)

func (e *escaper) append(dst, s []byte) []byte {
	for len(s) > 0 {
		if n := plain(s); n > 0 {
			dst, s = append(dst, s[:n]...), s[n:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		switch {
		case strings.ContainsRune(e.marked, r):
			dst = append(dst, '\\', byte(r))
		case e.stays(r, size):
			dst = append(dst, s[:size]...)
		default:
			dst = appendBytes(dst, s[:size])
		}
		s = s[size:]
	}
	return dst
}

// plain returns the number of bytes at the beginning of s that no escaper changes.
func plain(s []byte) int {
	for i, b := range s {
		if b <= ' ' || b >= 0x7f || b == '"' || b == '\\' {
			return i
		}
	}
	return len(s)
}

func (e *escaper) stays(r rune, size int) bool {
	if Visible(r, size) {
		return !strings.ContainsRune(e.hidden, r)
	}
	return strings.ContainsRune(e.kept, r)
}

// Visible reports whether a character can be printed as it is. The size is that of
// utf8.DecodeRune, so invalid UTF-8 is not visible.
func Visible(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return size > 1 && unicode.IsPrint(r)
}

func appendBytes(dst, s []byte) []byte {
	for _, b := range s {
		dst = hex.AppendEncode(append(dst, `\x`...), []byte{b})
	}
	return dst
}

// AppendJSON appends s as the content of a JSON string, without the quotes. Invalid UTF-8 becomes U+FFFD,
// since JSON cannot represent it.
func AppendJSON(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case Visible(r, utf8.UTFMax):
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
	return hex.AppendEncode(append(dst, `\u`...), []byte{byte(r >> 8), byte(r)})
}

// JSON escapes unprintable characters in the output of another JSON encoder, where they occur only in
// strings. It keeps the line feeds between records.
func JSON(text []byte) []byte {
	dst := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == '\n' || Visible(r, utf8.UTFMax) {
			dst = append(dst, text[:size]...)
		} else {
			dst = appendUnicode(dst, r)
		}
		text = text[size:]
	}
	return dst
}

// JSONWriter returns a writer that escapes JSON and writes it to w. Each write has to be whole
// records.
func JSONWriter(w io.Writer) io.Writer { return writer{w, JSON} }

// LineWriter returns a writer that escapes messages as [Lines] does and writes them to w. Each write
// has to be whole messages.
func LineWriter(w io.Writer) io.Writer {
	return writer{w, func(b []byte) []byte { return []byte(Lines(string(b))) }}
}

type writer struct {
	to     io.Writer
	escape func([]byte) []byte
}

// Write reports the length of b, not that of the escaped text.
func (w writer) Write(b []byte) (int, error) {
	if _, err := w.to.Write(w.escape(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
