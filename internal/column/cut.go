// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// ellipsis replaces text that is cut. It takes one cell of the terminal.
const ellipsis = "…"

// terminal has the character widths of terminals without East Asian legacy fonts.
var terminal = runewidth.Condition{}

// Cells returns the number of terminal cells that the text takes.
func Cells(text []byte) int {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return i + cellsOf(text[i:])
		}
	}
	return len(text)
}

// cellsOf is Cells for text with characters beyond ASCII.
func cellsOf(text []byte) (n int) {
	for len(text) > 0 {
		size, cells := token(text)
		n += cells
		text = text[size:]
	}
	return n
}

// token returns the length in bytes and in cells of the first unit that must not be split: a
// character, or an escape of appendEscaped.
func token(text []byte) (size, cells int) {
	switch {
	case text[0] == '\\' && len(text) >= 4 && text[1] == 'x':
		return 4, 4
	case text[0] == '\\' && len(text) >= 2:
		return 2, 2
	case text[0] < utf8.RuneSelf:
		return 1, 1
	}
	r, size := utf8.DecodeRune(text)
	return size, terminal.RuneWidth(r)
}

// head returns the number of bytes of text that fit into the cells.
func head(text []byte, cells int) (size int) {
	for size < len(text) {
		n, width := token(text[size:])
		if width > cells {
			break
		}
		size, cells = size+n, cells-width
	}
	return size
}

// cutEnd shortens a cell at its end.
func cutEnd(dst []byte, start, width int) []byte {
	return append(dst[:start+head(dst[start:], width-1)], ellipsis...)
}

// cutStart shortens a cell at its beginning. It is for kernel addresses and generated names, which differ at
// the end.
func cutStart(dst []byte, start, width int) []byte {
	cut := 0
	for over := Cells(dst[start:]) - (width - 1); over > 0; {
		size, cells := token(dst[start+cut:])
		cut, over = cut+size, over-cells
	}
	return splice(dst, start, 0, cut)
}

// cutName shortens a name but keeps the number after it, as in `NetworkMan…:1042`. If the number would
// leave no room for the name, it cuts at the end.
func cutName(dst []byte, start, width int) []byte {
	name := bytes.LastIndexByte(dst[start:], ':')
	room := width - 1 - (len(dst) - start - name)
	if name < 0 || room < 1 {
		return cutEnd(dst, start, width)
	}
	return splice(dst, start, head(dst[start:start+name], room), name)
}

// splice replaces the bytes from begin to end of the cell by an ellipsis.
func splice(dst []byte, start, begin, end int) []byte {
	cell := len(dst)
	dst = append(append(dst, ellipsis...), dst[start+end:cell]...)
	return append(dst[:start+begin], dst[cell:]...)
}

// narrowTuple is the minimum width for shortened addresses. Below it, a tuple is cut at its end.
const narrowTuple = 20

// cutTuple first shortens the part after the addresses. If the addresses are still too long, it
// removes their middles and keeps the ports.
func cutTuple(dst []byte, start, width int) []byte {
	behind := bytes.IndexByte(dst[start:], '(')
	arrow := bytes.Index(dst[start:], []byte("->"))
	if arrow < 0 || behind < arrow || behind+2 <= width || width < narrowTuple {
		return cutEnd(dst, start, width)
	}
	cell := len(dst)
	source, dest := dst[start:start+arrow], dst[start+arrow+2:start+behind]
	most, rest := shares(len(source), len(dest), width-len("->(")-1)
	dst = appendShort(dst, source, most)
	dst = appendShort(append(dst, "->"...), dest, rest)
	dst = append(append(dst, '('), ellipsis...)
	return append(dst[:start], dst[cell:]...)
}

// shares divides the width room between two texts of lengths a and b. If one needs less than half, the other
// gets the rest.
func shares(a, b, room int) (forA, forB int) {
	forA = min(a, max(room/2, room-b))
	return forA, min(b, room-forA)
}

// appendShort appends an address with its port in at most width cells, such as `[2001:db…f3]:443`.
func appendShort(dst, endpoint []byte, width int) []byte {
	if len(endpoint) <= width {
		return append(dst, endpoint...)
	}
	tail := endpoint[portOf(endpoint):]
	room := max(width-1-len(tail), 0)
	end := portOf(endpoint) - room/2
	dst = append(dst, endpoint[:min(room-room/2, end)]...)
	return append(append(dst, ellipsis...), endpoint[end:]...)
}

// portOf returns the index of the colon before the port. It skips the colons of an IPv6 address in
// brackets.
func portOf(endpoint []byte) int {
	address := bytes.LastIndexByte(endpoint, ']') + 1 // of IPv6
	if port := bytes.LastIndexByte(endpoint, ':'); port >= address {
		return port
	}
	return len(endpoint)
}
