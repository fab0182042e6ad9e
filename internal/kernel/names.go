// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"maps"
	"runtime"
	"slices"
)

// Names finds the names of functions, tracepoints and drop reasons that a user may enter, for completion. It
// reads only the BTF of the running kernel, which needs no privileges and takes a few ms. It does not check
// whether each function can be traced.
type Names struct {
	types *types
	abi   abi
}

// ReadNames reads the BTF of the running kernel.
func ReadNames() (*Names, error) {
	raw, err := readOwnBTF()
	if err != nil {
		return nil, err
	}
	return parseNamesOf(runtime.GOARCH, raw)
}

func parseNamesOf(arch string, raw []byte) (*Names, error) {
	a, err := abiOf(arch)
	if err != nil {
		return nil, err
	}
	t, err := parseTypes(raw, nil)
	return &Names{t, a}, err
}

// Functions returns the functions that take an skb in a register, sorted.
func (n *Names) Functions() []string {
	var names []string
	for name, f := range newCatalogue(n.types, n.abi, "", nil).byName {
		if !f.glue && f.skb > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Tracepoints returns the raw tracepoints that take an skb, sorted.
func (n *Names) Tracepoints() []string {
	var names []string
	for _, t := range n.types.tracepoints("") {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// AllFunctions returns all functions whose names begin with prefix and are longer, sorted.
func (n *Names) AllFunctions(prefix string) []string {
	var names []string
	n.types.each(kindFunc, func(r record) {
		if name := n.types.name(r.name); len(name) > len(prefix) && string(name[:len(prefix)]) == prefix {
			names = append(names, string(name))
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// Reasons returns the drop reasons, including those of modules, sorted.
func (n *Names) Reasons() []string {
	all := mergeReasons(n.types.reasons(), moduleReasons([]image{{types: n.types}}))
	return slices.Sorted(maps.Values(all))
}

// ModuleNames returns the loaded modules whose functions can be traced, sorted.
func ModuleNames() []string { return slices.Sorted(slices.Values(sysModules().withBTF())) }
