// SPDX-License-Identifier: Apache-2.0

package roff

import (
	"fmt"
	"strings"
	"unicode"
)

// Text is escaped text within a line, in one or several fonts.
type Text string

// Plain returns text in the font of the page.
func Plain(s string) Text { return Text(escape(s)) }

// Bold returns text that the user types literally.
func Bold(s string) Text { return font("B", s) }

// Italic returns text that the user replaces with a value.
func Italic(s string) Text { return font("I", s) }

func font(name, s string) Text {
	if s == "" {
		return ""
	}
	return Text(`\f` + name + escape(s) + `\fR`)
}

// glyphs are the characters that roff interprets, or prints as typographic characters that cannot be
// pasted into a shell.
var glyphs = map[rune]string{
	'\\': `\(rs`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`, '"': `\(dq`,
	'…': `...`, // mandoc has no ASCII form of it
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(glyph(r))
	}
	return b.String()
}

// glyph escapes a character. Characters outside ASCII are written by name, so that the page needs no
// declared encoding.
func glyph(r rune) string {
	name, special := glyphs[r]
	switch {
	case special:
		return name
	case unicode.IsControl(r):
		return " "
	case r > unicode.MaxASCII:
		return fmt.Sprintf(`\[u%04X]`, r)
	}
	return string(r)
}
