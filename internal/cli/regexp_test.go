// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestRegexps(t *testing.T) {
	for expr, good := range map[string]bool{
		"ip_rcv|tcp_v4_rcv": true, "a{1,2}": true, "[a,b]x": true, "(?:x|y)z": true, "@rx|my_.*": true, "tp:kfree_skb": true,
		"a,b": false, "(a,b)c": false, "a{1,2},b": false, "ip_rcv,": false, "@rx,@tx": false, "a(": false,
	} {
		if err := checkRegexp(expr); (err == nil) != good {
			t.Errorf("%q: error %v, want it accepted: %v", expr, err, good)
		}
	}
}

func TestAlternatives(t *testing.T) {
	for list, want := range map[string]string{"a,b": "a|b", "a, b ,c": "a|b|c", "a{1,2},b": "a{1,2}|b", "a,": "a", "@rx,tp:x": "@rx|tp:x"} {
		got := alternatives(list)
		if got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
		if err := checkRegexp(got); err != nil {
			t.Errorf("%q is suggested but rejected: %v", got, err)
		}
	}
}
