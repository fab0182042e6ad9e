// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/format"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// mapNames generates a constant for the name of each map. Maps of global variables, whose names begin with
// a dot, are left out.
func mapNames(spec *ebpf.CollectionSpec) ([]byte, error) {
	var b strings.Builder
	b.WriteString(header("bpf"))
	b.WriteString("// The names of the maps in the object.\nconst (\n")
	for _, name := range slices.Sorted(maps.Keys(spec.Maps)) {
		if !strings.HasPrefix(name, ".") {
			fmt.Fprintf(&b, "Map%s = %q\n", camel(name), name)
		}
	}
	b.WriteString(")\n")
	return format.Source([]byte(b.String()))
}

// camel turns hook_functions into HookFunctions.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
