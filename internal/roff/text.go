// SPDX-License-Identifier: Apache-2.0

package roff

import (
	"fmt"
	"strings"
	"unicode"
)

// Text is roff that stands within a line: words, escaped, in one font or several.
type Text string

// Plain is s in the font of the page.
func Plain(s string) Text { return Text(escape(s)) }

// Bold is what the user types as it stands.
func Bold(s string) Text { return font("B", s) }

// Italic is what the user puts something else for.
func Italic(s string) Text { return font("I", s) }

func font(name, s string) Text {
	if s == "" {
		return ""
	}
	return Text(`\f` + name + escape(s) + `\fR`)
}

// glyphs are the characters that roff takes for orders, or prints as others that look
// better in prose and can't be pasted into a shell.
var glyphs = map[rune]string{
	'\\': `\(rs`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`, '"': `\(dq`,
	'…': `...`, // mandoc has no other where the window knows only ASCII
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(glyph(r))
	}
	return b.String()
}

// glyph is a character by its name where it has no place in ASCII, so that the page needs
// no declared encoding.
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
