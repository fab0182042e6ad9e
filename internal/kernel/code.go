// SPDX-License-Identifier: Apache-2.0

package kernel

import "strings"

// CodeRange is the code of a function in the kernel itself.
type CodeRange struct{ Begin, End uint64 }

// Code finds functions of the kernel itself by name. A suffix that the compiler adds, such as
// .isra.0, does not count. Functions that are not there are missing, also of nil.
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
