// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"strings"
)

// CodeRange is the address range of a function of vmlinux. End is exclusive. The zero value means unknown.
type CodeRange struct{ Begin, End uint64 }

// Code finds functions of vmlinux, not of modules, by name. A compiler suffix such as .isra.0 is ignored, but a
// function without one is preferred. The result has no entry for a name that is not found. s may be nil.
func (s *Symbols) Code(names ...string) map[string]CodeRange {
	found := map[string]CodeRange{}
	if s == nil {
		return found
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	for i, sym := range s.list {
		if sym.length == 0 || sym.module != 0 {
			continue
		}
		name, suffix, _ := strings.Cut(string(s.name(sym)), ".")
		if _, known := found[name]; wanted[name] && (!known || suffix == "") {
			found[name] = CodeRange{sym.addr, s.after(i)}
		}
	}
	return found
}

// AllCode finds all functions of vmlinux and modules with these names, including those with a compiler suffix
// such as .isra.0 or .cold. s may be nil.
func (s *Symbols) AllCode(wanted map[string]bool) map[string][]CodeRange {
	found := map[string][]CodeRange{}
	if s == nil {
		return found
	}
	for i, sym := range s.list {
		if sym.length == 0 {
			continue
		}
		text := s.name(sym)
		if dot := bytes.IndexByte(text, '.'); dot > 0 {
			text = text[:dot]
		}
		if wanted[string(text)] {
			found[string(text)] = append(found[string(text)], CodeRange{sym.addr, s.after(i)})
		}
	}
	return found
}
