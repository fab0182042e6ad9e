// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"strings"
	"testing"
)

func TestSites(t *testing.T) {
	l, err := parseSites("amd64", strings.NewReader("ffffffffc0000004 m_xmit [m]\nffffffff81000104 b\nffffffff81000018 a\n"))
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

// TestSitesAreProbed checks that kprobes are attached at the ftrace call sites on ppc64le.
func TestSitesAreProbed(t *testing.T) {
	l, err := parseSites("ppc64le", strings.NewReader("c00000000000100c a\nc000000000002004 b\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := l.traceable("f", "", []span{{0xc000000000001000, 0xc000000000002000}, {0xc000000000002000, 0xc000000000003000}})
	want := []span{{0xc00000000000100c, 0xc000000000002000}, {0xc000000000002004, 0xc000000000003000}}
	if !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestProbingAtSitesNeedsAddresses checks that kprobes are not supported without the addresses of call sites on an
// architecture that attaches them there.
func TestProbingAtSitesNeedsAddresses(t *testing.T) {
	for list, want := range map[traceable]error{
		&probeList{counts: map[listed]int{}}: errNoSites, nil: errNoSites, &probeList{sites: []uint64{1}}: nil,
	} {
		e := inputs{arch: "ppc64le", list: list}
		f := &Facts{Functions: []Function{{Name: "f"}}}
		if got := e.support(f)[Kprobe]; got != want {
			t.Errorf("%v: %v, want %v", list, got, want)
		}
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
		{"half", "", two, 0, "ftrace lists 1 of 2 functions with this name and does not say which"},
		{"never", "", one, 0, notListed},
	} {
		got, why := l.traceable(tc.name, tc.module, tc.spans)
		if len(got) != tc.want || why != tc.why {
			t.Errorf("%s [%s]: %v %q", tc.name, tc.module, got, why)
		}
	}
}
