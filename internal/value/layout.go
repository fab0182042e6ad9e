// SPDX-License-Identifier: Apache-2.0

package value

// layout selects the form of text output.
type layout struct {
	blanks bool // with blanks and the types of pointers; otherwise the text is one word
	block  bool // each part of a value is on its own line
	indent int  // of these lines
}

const (
	step      = 2     // indentation of a block within another
	shortLine = 80    // maximum length of a part that stays on one line
	missing   = "..." // in place of missing bytes
)

// part appends one part of a value, on its own line or lines.
func (l layout) part(dst []byte, value printer, raw []byte) []byte {
	if !l.block {
		return value.text(dst, raw, l)
	}
	start := len(dst)
	dst = value.text(dst, raw, layout{blanks: true})
	if len(dst)-start <= shortLine {
		return dst
	}
	l.indent += step
	return value.text(dst[:start], raw, l)
}

// begin appends the bracket or comma before the n-th part of a value.
func (l layout) begin(dst []byte, n int) []byte {
	if n == 0 {
		dst = append(dst, '{')
	} else {
		dst = append(dst, ',')
	}
	return l.space(dst, step)
}

// assign appends the equals sign between the name and the value of a part.
func (l layout) assign(dst []byte) []byte {
	if l.blanks {
		return append(dst, " = "...)
	}
	return append(dst, '=')
}

// end appends the closing bracket after n parts.
func (l layout) end(dst []byte, n int) []byte {
	if n == 0 {
		return append(dst, "{}"...)
	}
	if l.block {
		dst = append(dst, ',')
	}
	return append(l.space(dst, 0), '}')
}

// space appends the white space between two parts.
func (l layout) space(dst []byte, further int) []byte {
	switch {
	case l.block:
		return appendBlanks(append(dst, '\n'), l.indent+further)
	case l.blanks:
		return append(dst, ' ')
	}
	return dst
}

func appendBlanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}
