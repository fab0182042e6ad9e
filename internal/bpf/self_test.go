// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

func TestSelfHelpersAreNamedAsInTheKernel(t *testing.T) {
	own, err := SelfHelpers()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bpf_probe_read_kernel", "bpf_ringbuf_reserve", "bpf_ktime_get_ns", "bpf_get_current_pid_tgid", "bpf_jiffies64"} {
		if !own[name] {
			t.Errorf("%s is not among %v", name, own)
		}
	}
	for _, name := range []string{"bpf_map_lookup_elem", "bpf_skb_store_bytes"} {
		if own[name] {
			t.Errorf("%s is ours", name)
		}
	}
}

// withoutKeys are the types of maps that is_self_map need not list: ring buffers have no keys, and our programs
// access arrays (of global variables) without a function call.
var withoutKeys = []ebpf.MapType{ebpf.RingBuf, ebpf.Array}

// TestSelfMapsAreKnown checks that is_self_map lists all of our maps, whose operations are not traced.
func TestSelfMapsAreKnown(t *testing.T) {
	source, err := os.ReadFile("../../bpf/entry/self_maps.h")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := readObject()
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for name, m := range spec.Maps {
		if slices.Contains(withoutKeys, m.Type) {
			continue
		}
		if !strings.Contains(string(source), "map == (u64)&"+name+" ") && !strings.Contains(string(source), "map == (u64)&"+name+";") {
			t.Errorf("is_self_map does not know %s", name)
		}
		known++
	}
	if known < 10 {
		t.Errorf("only %d maps were checked", known)
	}
}
