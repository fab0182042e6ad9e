// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"strings"

	"github.com/cilium/ebpf/asm"
)

// SelfHelpers returns the names of the kernel functions of all helpers that our programs call. It omits
// the helpers for maps, since the programs recognize our own calls of these by the map.
func SelfHelpers() (map[string]bool, error) {
	spec, err := readObject()
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, program := range spec.Programs {
		for _, in := range program.Instructions {
			if in.IsBuiltinCall() {
				names[helperName(asm.BuiltinFunc(in.Constant))] = true
			}
		}
	}
	for _, name := range []string{"bpf_map_lookup_elem", "bpf_map_update_elem", "bpf_map_delete_elem"} {
		delete(names, name)
	}
	return names, nil
}

// helperName converts a name such as FnSkbStoreBytes to bpf_skb_store_bytes.
func helperName(helper asm.BuiltinFunc) string {
	var b strings.Builder
	b.WriteString("bpf")
	for _, r := range strings.TrimPrefix(helper.String(), "Fn") {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
