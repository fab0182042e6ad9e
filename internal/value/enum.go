// SPDX-License-Identifier: Apache-2.0

package value

import "github.com/cilium/ebpf/btf"

// enum prints the name of a value, or the number if it has no name. If a value has several
// names, the first one is used.
type enum struct {
	number
	names map[uint64]string
}

func newEnum(t *btf.Enum, n number) enum {
	e := enum{number: n, names: make(map[uint64]string, len(t.Values))}
	for _, v := range t.Values {
		if _, named := e.names[v.Value]; !named {
			e.names[v.Value] = v.Name
		}
	}
	return e
}

func (e enum) text(dst, raw []byte, _ layout) []byte {
	v := e.load(raw)
	if name, ok := e.names[v]; ok {
		return append(dst, name...)
	}
	return e.appendDecimal(dst, v)
}

func (e enum) json(dst, raw []byte) []byte {
	v := e.load(raw)
	if name, ok := e.names[v]; ok {
		return append(append(append(dst, '"'), name...), '"')
	}
	return e.appendDecimal(dst, v)
}
