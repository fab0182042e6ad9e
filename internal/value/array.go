// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// array prints as many elements as the bytes contain.
type array struct {
	element printer
	stride  int // size of an element in bytes
}

// compileArray returns the printer of an array: of bytes, of char, or of any other type.
func compileArray(t *btf.Array, depth int) (printer, error) {
	stride, err := btf.Sizeof(t.Type)
	if err != nil || stride == 0 || t.Nelems == 0 {
		return &array{}, err
	}
	if i, ok := btf.UnderlyingType(t.Type).(*btf.Int); ok && i.Size == 1 && i.Encoding != btf.Bool {
		if isChar(i) {
			return chars(t.Nelems), nil
		}
		return octets(t.Nelems), nil
	}
	element, err := compile(t.Type, depth+1)
	return &array{element: element, stride: stride}, err
}

// isChar checks the name too, since BTF rarely has the encoding "char".
func isChar(i *btf.Int) bool { return i.Encoding == btf.Char || i.Name == "char" }

func (a *array) need() int { return min(a.stride, 1) }

func (a *array) zero(raw []byte) bool {
	for raw := raw; a.has(raw); raw = a.next(raw) {
		if !a.element.zero(a.first(raw)) {
			return false
		}
	}
	return true
}

// text appends the non-zero elements, with their indexes.
func (a *array) text(dst, raw []byte, l layout) []byte {
	n := 0
	for i, raw := 0, raw; a.has(raw); i, raw = i+1, a.next(raw) {
		if a.element.zero(a.first(raw)) {
			continue
		}
		dst = strconv.AppendInt(append(l.begin(dst, n), '['), int64(i), 10)
		dst = l.part(l.assign(append(dst, ']')), a.element, a.first(raw))
		n++
	}
	return l.end(dst, n)
}

func (a *array) json(dst, raw []byte) []byte {
	dst = append(dst, '[')
	for i, raw := 0, raw; a.has(raw); i, raw = i+1, a.next(raw) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.element.json(dst, a.first(raw))
	}
	return append(dst, ']')
}

// has reports whether there is another element that can be printed.
func (a *array) has(raw []byte) bool { return len(raw) > 0 && len(raw) >= a.element.need() }

func (a *array) first(raw []byte) []byte { return raw[:min(a.stride, len(raw))] }

func (a *array) next(raw []byte) []byte { return raw[min(a.stride, len(raw)):] }
