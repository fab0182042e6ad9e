// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"maps"
	"runtime"
	"slices"
)

// Names are what the running kernel calls the things that a user may name. They are read
// from its BTF alone, which takes no privilege and some ms; whether each can be traced is
// not looked into.
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

// Functions are those that take an skb where it can be found, sorted.
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

// Tracepoints are those that take an skb, sorted.
func (n *Names) Tracepoints() []string {
	var names []string
	for _, t := range n.types.tracepoints("") {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// AllFunctions are those whose names begin like that, whatever they take, sorted.
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

// Reasons are why packets are dropped, those of modules included, sorted.
func (n *Names) Reasons() []string {
	all := mergeReasons(n.types.reasons(), otherReasons([]image{{types: n.types}}))
	return slices.Sorted(maps.Values(all))
}

// ModuleNames are the loaded modules whose functions can be traced, sorted.
func ModuleNames() []string { return slices.Sorted(slices.Values(sysModules().withBTF())) }
