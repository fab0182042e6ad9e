// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"regexp"
	"testing"
)

// TestNameSet compares sets of names with the expressions that they are made from.
func TestNameSet(t *testing.T) {
	for _, expr := range []string{"ip_rcv", "ip_rcv|nft_do_chain|__udp4_lib_rcv", "ip_.*", "ip_rcv|arp_.*", "a.c|b", "", "ip_rcv|", "(ip|ip6)_rcv"} {
		re := MustWholeName(expr)
		set := newNameSet([]*regexp.Regexp{re})
		for _, name := range []string{"", "ip_rcv", "ip_rcv_core", "xip_rcv", "nft_do_chain", "__udp4_lib_rcv", "arp_process", "abc", "a.c", "b", "ip6_rcv", "|"} {
			if got, want := set.has([]byte(name)), re.MatchString(name); got != want {
				t.Errorf("%q: %q is in the set: %v, want %v", expr, name, got, want)
			}
		}
		if set.isEmpty() {
			t.Errorf("%q: the set is empty", expr)
		}
	}
	if !newNameSet(nil).isEmpty() {
		t.Error("a set without expressions is not empty")
	}
	if set := newNameSet([]*regexp.Regexp{MustWholeName("ip_rcv|ip_output")}); len(set.expressions) != 0 {
		t.Error("an expression that is a list of names is not taken apart")
	}
	if set := newNameSet([]*regexp.Regexp{regexp.MustCompile("ip_rcv")}); !set.has([]byte("ip_rcv_core")) {
		t.Error("an expression that matches parts of names is taken for a list of names")
	}
}
