// SPDX-License-Identifier: Apache-2.0

package value

import "github.com/cilium/ebpf/btf"

// pointer prints an address. Text with blanks has its type in front.
type pointer struct {
	number
	cast string
}

func newPointer(t btf.Type) pointer {
	return pointer{number: number{bytes: 8, bits: 64}, cast: "(" + typeName(t) + ")"}
}

func (p pointer) text(dst, raw []byte, l layout) []byte {
	if l.blanks {
		dst = append(dst, p.cast...)
	}
	return appendHex(dst, p.load(raw))
}

func (p pointer) json(dst, raw []byte) []byte {
	return append(appendHex(append(dst, '"'), p.load(raw)), '"')
}
