// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/cilium/ebpf/btf"

// memberPath is the name of a struct, one of its members, a member of that, and so on.
type memberPath []string

var (
	// programMisses counts the hits for which the kernel skipped a program because another program was running
	// on that CPU (5.12). It does not include those that kprobe-multi skips earlier.
	programMisses = memberPath{"bpf_prog_stats", "misses"}
	// multiMisses is in the description of a kprobe-multi link. It was added together with the counters of all
	// misses of such links (6.7, Jiri Olsa's "bpf: Add missed stats for kprobes").
	multiMisses = memberPath{"bpf_link_info", "kprobe_multi", "missed"}
)

// CountsMisses reports whether the kernel counts each hit of a backend's probes for which it ran
// no program, because another program ran on that CPU.
func CountsMisses(types *btf.Spec, backend Backend) bool {
	members := backend.Describe().misses
	for _, m := range members {
		if !hasMember(types, m[0], m[1:]...) {
			return false
		}
	}
	return len(members) > 0
}

// hasMember reports whether a struct has a member with this path.
func hasMember(types *btf.Spec, structure string, path ...string) bool {
	var s *btf.Struct
	if types.TypeByName(structure, &s) != nil {
		return false
	}
	m := btf.Member{Type: s}
	for _, name := range path {
		var ok bool
		if m, ok = findMember(m.Type, name); !ok {
			return false
		}
	}
	return true
}
