// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFuncRanges(t *testing.T) {
	const symbols = `ffffffff81000000 T skb_clone
ffffffff81000040 t skb_release_data
ffffffff81000080 t skb_release_data.cold
ffffffff810000c0 T other
ffffffffc0000000 t esp_input_done2	[esp4]
ffffffffc0000100 t end	[esp4]
`
	list, err := ParseSymbols(strings.NewReader(symbols))
	if err != nil {
		t.Fatal(err)
	}
	names, err := parseNames(strings.NewReader("skb_clone\nother\nesp_input_done2 [esp4]\n"))
	if err != nil {
		t.Fatal(err)
	}
	sel := selector{symbols: list, list: names}
	want := []FuncRange{
		{Name: "skb_clone", Addr: 0xffffffff81000000, End: 0xffffffff81000040},
		{Name: "skb_release_data", Addr: 0xffffffff81000040, End: 0xffffffff81000080, Refused: notListed},
		{Name: "esp_input_done2", Module: "esp4", Addr: 0xffffffffc0000000, End: 0xffffffffc0000100},
	}
	if diff := cmp.Diff(want, sel.funcRanges([]string{"esp_input_done2", "skb_clone", "skb_release_data", "absent"})); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}
