// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// withMembers returns a struct with these members.
func withMembers(name string, members map[string]btf.Type) *btf.Struct {
	s := &btf.Struct{Name: name, Size: 8}
	for member, t := range members {
		s.Members = append(s.Members, btf.Member{Name: member, Type: t})
	}
	return s
}

// linkInfo describes struct bpf_link_info, which contains an anonymous union of structs.
func linkInfo(member string) *btf.Struct {
	multi := withMembers("", map[string]btf.Type{member: tInt})
	union := &btf.Union{Size: 8, Members: []btf.Member{{Name: "kprobe_multi", Type: multi}}}
	return withMembers("bpf_link_info", map[string]btf.Type{"": union})
}

func TestCountsMisses(t *testing.T) {
	stats := withMembers("bpf_prog_stats", map[string]btf.Type{"misses": tInt})
	for name, c := range map[string]struct {
		types              []btf.Type
		tracepoints, multi bool
	}{
		"5.10":       {[]btf.Type{withMembers("bpf_prog_stats", map[string]btf.Type{"cnt": tInt})}, false, false},
		"6.1":        {[]btf.Type{stats, withMembers("bpf_link_info", map[string]btf.Type{"id": tInt})}, true, false},
		"6.6":        {[]btf.Type{stats, linkInfo("flags")}, true, false},
		"6.7":        {[]btf.Type{stats, linkInfo("missed")}, true, true},
		"no types":   {[]btf.Type{tInt}, false, false},
		"stats only": {[]btf.Type{stats}, true, false},
	} {
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(marshal(t, c.types...)))
		if err != nil {
			t.Fatal(err)
		}
		for backend, want := range map[Backend]bool{TracepointBackend: c.tracepoints, KprobeMulti: c.multi, Kprobe: false} {
			if got := CountsMisses(spec, backend); got != want {
				t.Errorf("%s, %s: %v", name, backend, got)
			}
		}
	}
}

// TestMissesAreCountedHere checks this kernel if it has netkit links, which were added later in 6.7 than the
// counters.
func TestMissesAreCountedHere(t *testing.T) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	if !hasMember(spec, "bpf_link_info", "netkit") {
		t.Skip("this kernel has no netkit links")
	}
	for _, backend := range []Backend{TracepointBackend, KprobeMulti} {
		if !CountsMisses(spec, backend) {
			t.Errorf("%s: misses are not counted", backend)
		}
	}
}
