// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
)

func TestParseMark(t *testing.T) {
	for s, want := range map[string]Mark{
		"":            {},
		"10":          {10, 0xffffffff},
		"0xc00":       {0xc00, 0xffffffff},
		"0":           {0, 0xffffffff},
		"0xf00/0xff":  {0xf00, 0xff},
		"4294967295":  {0xffffffff, 0xffffffff},
		"010":         {10, 0xffffffff},
		"0/0":         {},
		"0x1/0xffff0": {1, 0xffff0},
	} {
		if got, err := ParseMark(s); err != nil || got != want {
			t.Errorf("mark %q: %+v, %v, want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"x", "1/", "/1", "1/2/3", "-1", "4294967296", "1/x", "0b1", "1_0", "0x", "0x0x1"} {
		if _, err := ParseMark(s); err == nil || !strings.Contains(err.Error(), `"`+s+`"`) {
			t.Errorf("mark %q: error %v does not name it", s, err)
		}
	}
}
