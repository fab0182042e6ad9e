// SPDX-License-Identifier: Apache-2.0

package value

// layout is how text is set.
type layout struct {
	blanks bool // there are blanks and types; without them the text is one word
	block  bool // the parts of a value stand on lines of their own
	indent int  // of these lines
}

const (
	step      = 2     // a block is indented so much more than what it is in
	shortLine = 80    // a part that needs no more stays on one line
	missing   = "..." // stands where bytes are missing
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

// begin appends what stands before the n-th part of a value.
func (l layout) begin(dst []byte, n int) []byte {
	if n == 0 {
		dst = append(dst, '{')
	} else {
		dst = append(dst, ',')
	}
	return l.space(dst, step)
}

// assign appends what stands between the name of a part and the part.
func (l layout) assign(dst []byte) []byte {
	if l.blanks {
		return append(dst, " = "...)
	}
	return append(dst, '=')
}

// end appends what stands behind the last of n parts.
func (l layout) end(dst []byte, n int) []byte {
	if n == 0 {
		return append(dst, "{}"...)
	}
	if l.block {
		dst = append(dst, ',')
	}
	return append(l.space(dst, 0), '}')
}

// space sets two parts apart.
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
