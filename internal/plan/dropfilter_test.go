// SPDX-License-Identifier: Apache-2.0

package plan

import "testing"

func TestSelectsDrops(t *testing.T) {
	for _, c := range []struct {
		only, never string
		want        bool
	}{
		{"", "", true},
		{"ip_.*", "", false},
		{"ip_.*|tp:kfree_skb", "", true},
		{"@drop", "", true},
		{"sk_skb_reason_drop", "", true},
		{"", "ip_.*", true},
		{"", "tp:.*", false},
		{"kfree_skb", "kfree_skb", false},
	} {
		got, err := SelectsDrops(c.only, c.never)
		if err != nil || got != c.want {
			t.Errorf("%q and not %q: %t, %v", c.only, c.never, got, err)
		}
	}
	if _, err := SelectsDrops("a(", ""); err == nil {
		t.Error("an invalid expression is accepted")
	}
}
