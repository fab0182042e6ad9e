// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/cilium/ebpf/btf"

// CountsMisses says whether the kernel counts each hit for which it ran no program, because
// one was running on that CPU. It does for tracepoints since 5.12, where the statistics of a
// program got the number, and for kprobe-multi since 6.7 (Jiri Olsa's "bpf: Add missed stats for
// kprobes"), where the description of its link got one in the same step. Single kprobes
// also miss hits in a count of their own, which a perf event does not show.
func CountsMisses(types *btf.Spec, backend Backend) bool {
	if !hasMember(types, "bpf_prog_stats", "misses") {
		return false
	}
	return backend == TracepointBackend || backend == KprobeMulti && hasMember(types, "bpf_link_info", "kprobe_multi", "missed")
}

// hasMember says whether a struct has a member, which has the next one, and so on.
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
