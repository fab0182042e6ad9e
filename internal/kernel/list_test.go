// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	l, err := parsePlaces(strings.NewReader("ffffffffc0000004 m_xmit [m]\nffffffff81000104 b\nffffffff81000018 a\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := span{0xffffffff81000000, 0xffffffff81000100}
	b := span{0xffffffff81000100, 0xffffffff81000200}
	none := span{0xffffffff81000200, 0xffffffff81000300}
	got, why := l.traceable("f", "", []span{a, none, b})
	if len(got) != 2 || got[0] != a || got[1] != b || why != "" {
		t.Error(got, why)
	}
	if got, why := l.traceable("f", "", []span{none}); got != nil || why != notListed {
		t.Error(got, why)
	}
}

func TestNames(t *testing.T) {
	l, err := parseNames(strings.NewReader("once\ntwice\ntwice\nonce [m]\nhalf\n"))
	if err != nil {
		t.Fatal(err)
	}
	one, two := []span{{1, 2}}, []span{{1, 2}, {3, 4}}
	for _, tc := range []struct {
		name, module string
		spans        []span
		want         int
		why          string
	}{
		{"once", "", one, 1, ""},
		{"once", "m", one, 1, ""},
		{"once", "other", one, 0, notListed},
		{"twice", "", two, 2, ""},
		{"twice", "", one, 1, ""}, // a removed weak function is listed under the name before it
		{"half", "", two, 0, "ftrace can trace 1 of 2 functions of this name and does not say which"},
		{"never", "", one, 0, notListed},
	} {
		got, why := l.traceable(tc.name, tc.module, tc.spans)
		if len(got) != tc.want || why != tc.why {
			t.Errorf("%s [%s]: %v %q", tc.name, tc.module, got, why)
		}
	}
}
