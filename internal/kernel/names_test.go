// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"strings"
	"testing"
)

func storedNames(t *testing.T, kernel string) *Names {
	t.Helper()
	s := stored(t, kernel)
	n, err := parseNamesOf(s.Arch, s.BTF)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNamesOfFunctions(t *testing.T) {
	for _, kernel := range storedKernels {
		n := storedNames(t, kernel)
		for what, test := range map[string]struct {
			names    []string
			has, not string
		}{
			"functions":       {n.Functions(), "ip_rcv", "__traceiter_kfree_skb"},
			"tracepoints":     {n.Tracepoints(), "kfree_skb", "ip_rcv"},
			"other functions": {n.AllFunctions("ip_"), "ip_rcv", "tcp_v4_rcv"},
		} {
			if !slices.IsSorted(test.names) || !slices.Contains(test.names, test.has) || slices.Contains(test.names, test.not) {
				t.Errorf("%s: %s %.200q, want them sorted, with %s and without %s", kernel, what, test.names, test.has, test.not)
			}
		}
	}
}

func TestNamesOfReasons(t *testing.T) {
	const reason = "SKB_DROP_REASON_NO_SOCKET"
	for kernel, want := range map[string]bool{"5.10-amd64": false, "6.12-amd64": true} {
		if got := slices.Contains(storedNames(t, kernel).Reasons(), reason); got != want {
			t.Errorf("%s has %s: %v, want %v", kernel, reason, got, want)
		}
	}
}

func TestNamesOfBrokenBTF(t *testing.T) {
	raw := stored(t, "6.12-amd64").BTF
	for what, raw := range map[string][]byte{"none": nil, "half of it": raw[:len(raw)/2]} {
		if _, err := parseNamesOf("amd64", raw); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := parseNamesOf("mips", raw); err == nil || !strings.Contains(err.Error(), "mips") {
		t.Errorf("error %v, want one about mips", err)
	}
}

// BenchmarkNames measures what the completion of a function name waits for.
func BenchmarkNames(b *testing.B) {
	for b.Loop() {
		n, err := ReadNames()
		if err != nil {
			b.Skip(err)
		}
		n.Functions()
	}
}
