// SPDX-License-Identifier: Apache-2.0

package value

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestOnlyElementsInUse(t *testing.T) {
	shared := func(name string) *btf.Struct {
		return structOf(name, 8, btf.Member{Name: "nr_frags", Type: u8}, btf.Member{Name: "frags", Type: arrayOf(u16, 3), Offset: 16})
	}
	for want, test := range map[string]struct {
		of  *btf.Struct
		raw string
	}{
		`{"nr_frags":0,"frags":[]}`:        {shared("skb_shared_info"), "\x00\x00\x01\x00\x02\x00\x03\x00"},
		`{"nr_frags":2,"frags":[1,2]}`:     {shared("skb_shared_info"), "\x02\x00\x01\x00\x02\x00\x03\x00"},
		`{"nr_frags":255,"frags":[1,2,3]}`: {shared("skb_shared_info"), "\xff\x00\x01\x00\x02\x00\x03\x00"},
		`{"nr_frags":3,"frags":[1]}`:       {shared("skb_shared_info"), "\x03\x00\x01\x00\x02"},
		`{"nr_frags":3,"frags":null}`:      {shared("skb_shared_info"), "\x03\x00"},
		`{"nr_frags":1,"frags":[1,2,3]}`:   {shared("another"), "\x01\x00\x01\x00\x02\x00\x03\x00"},
	} {
		if got := string(format(t, test.of).AppendJSON(nil, []byte(test.raw))); got != want {
			t.Errorf("JSON is %s, want %s", got, want)
		}
	}
	const want = `{.nr_frags=1,.frags={[0]=1}}`
	if got := string(format(t, shared("skb_shared_info")).AppendText(nil, []byte("\x01\x00\x01\x00\x02\x00\x03\x00"))); got != want {
		t.Errorf("text is %s, want %s", got, want)
	}
}
