// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCodeByName(t *testing.T) {
	s, err := ParseSymbols(strings.NewReader(`ffffffff81000000 T kfree_skb_list
ffffffff81000040 t skb_release_data.isra.0
ffffffff81000100 t skb_release_data_more
ffffffff81000200 T last
ffffffffc0000000 t kfree_skb_list	[other]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]CodeRange{
		"kfree_skb_list":   {0xffffffff81000000, 0xffffffff81000040},
		"skb_release_data": {0xffffffff81000040, 0xffffffff81000100},
	}
	if diff := cmp.Diff(want, s.Code("kfree_skb_list", "skb_release_data", "absent")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var none *Symbols
	if got := none.Code("last"); len(got) != 0 {
		t.Errorf("without symbols: %v", got)
	}
}
