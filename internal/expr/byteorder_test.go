// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"testing"

	"tracer/internal/endian"
)

func TestByteOrderIsNoted(t *testing.T) {
	if endian.Big {
		t.Skip("host byte order is network byte order on this machine")
	}
	for text, want := range map[string]string{
		"skb->wire16 == 0x0800":        "__be16 is in network byte order: write htons(0x800) instead of 0x800",
		"0x86dd != skb->wire16":        "htons(0x86dd)",
		"skb->wire16 > 1024":           "htons(0x400)",
		"skb->wire32 == 0x0a000001":    "__be32 is in network byte order: write htonl(0xa000001) instead of 0xa000001",
		"(skb->wire16 & 0x1fff) != 0":  "htons(0x1fff)",
		"skb->wire16 == 0":             "",
		"skb->wire16 == 0xffff":        "",
		"skb->wire16 == htons(0x0800)": "",
		"ntohs(skb->wire16) == 0x0800": "",
		"skb->us == 0x0800":            "",
		"skb->wire16 == skb->us":       "",
	} {
		p, err := Condition(newTypes(), Skb, text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if notes := strings.Join(p.Notes, ";"); !strings.Contains(notes, want) || want == "" && notes != "" {
			t.Errorf("%q: %q, want %q", text, notes, want)
		}
	}
	p, err := Value(newTypes(), Skb, "skb->wire16 == 0x0800")
	if err != nil || len(p.Notes) != 1 {
		t.Errorf("a value: %+v, %v", p, err)
	}
}

// TestIndexesInRange checks that indexes in range are accepted, and any index of an array that may be
// longer than declared or of a pointer.
func TestIndexesInRange(t *testing.T) {
	for _, text := range []string{
		"skb->arr[3]", "skb->arr[0]", "skb->tail[9]", "skb->last[3]", "skb->in->pairs[7].a", "skb->label[-1]", "skb->arr[skb->ub]",
		"skb->arr[sizeof skb->us + 1]",
	} {
		if _, err := Condition(newTypes(), Skb, text); err != nil {
			t.Error(err)
		}
	}
}
