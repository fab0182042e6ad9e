// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"slices"
	"testing"

	"tracer/internal/ktest"
)

func TestInBraces(t *testing.T) {
	for text, want := range map[string][]string{
		"tcp dport 99 jump { counter; ip saddr { 1.1.1.1, 2.2.2.2 } drop }": {"counter", "ip saddr { 1.1.1.1, 2.2.2.2 } drop"},
		`tcp dport { 1, 2 } goto { log prefix "a; } b" }`:                   {`log prefix "a; } b"`},
		"jump { jump { drop }; accept }":                                    {"jump { drop }", "accept"},
		"tcp dport { 1, 2 } drop":                                           nil,
		"jump deny":                                                         nil,
		"":                                                                  nil,
	} {
		if got := inBraces(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestAnonymousText checks that nft's text is used for an anonymous chain's rule that this package can't print.
func TestAnonymousText(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-anonymous")
	load(t, n, `table inet t {
	chain input {
		type filter hook input priority 0; policy accept;
		tcp dport 99 jump { counter; ip dscp cs1 drop comment "inner"; ip dscp cs2 drop comment "outer"; }
	}
}
`)
	for comment, want := range map[string]string{"inner": `ip dscp cs1 drop comment "inner"`, "outer": `ip dscp cs2 drop comment "outer"`} {
		if text, ok := newHost(t, needs(t, "nft")).Rule(n.Inode, keyOf(t, n, "t", comment)); !ok || text.Text != want || text.Partial {
			t.Errorf("%v, %+v, want %s", ok, text, want)
		}
		if text, ok := newHost(t, "none").Rule(n.Inode, keyOf(t, n, "t", comment)); !ok || !text.Partial {
			t.Errorf("without nft: %v, %+v", ok, text)
		}
	}
}
