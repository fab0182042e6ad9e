// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"testing"
)

// matchData returns bytes with numbers of 16 bits at positions.
func matchData(size int, numbers map[int]uint16) []byte {
	b := make([]byte, size)
	for at, n := range numbers {
		binary.NativeEndian.PutUint16(b[at:], n)
	}
	return b
}

// TestLegacyMatches prints matches as the kernel describes them; TestLegacyTexts compares with iptables-save where the kernel
// has them.
func TestLegacyMatches(t *testing.T) {
	ports := matchData(48, map[int]uint16{2: 80, 4: 443, 6: 1000, 8: 2000})
	ports[0], ports[1], ports[34] = 1, 4, 1
	states := matchData(160, map[int]uint16{146: 1, 148: 1, 150: 2 | 4})
	for _, test := range []struct {
		name     string
		revision byte
		data     []byte
		want     string
	}{
		{"tcp", 0, matchData(12, map[int]uint16{2: 0xffff, 4: 25, 6: 25}), "-m tcp --dport 25"},
		{"udp", 0, matchData(16, map[int]uint16{0: 53, 2: 60, 6: 0xffff, 8: 1}), "-m udp ! --sport 53:60"},
		{"multiport", 1, ports, "-m multiport --dports 80,443,1000:2000"},
		{"conntrack", 3, states, "-m conntrack ! --ctstate RELATED,ESTABLISHED"},
		{"conntrack", 3, matchData(160, map[int]uint16{146: 1 | 1<<13, 150: 1}), "-m state --state INVALID"},
		{"conntrack", 3, matchData(160, map[int]uint16{146: 3, 150: 1}), "[-m conntrack]"},
		{"comment", 0, append([]byte(`it's "x"`), make([]byte, 248)...), `-m comment --comment "it\'s \"x\""`},
		{"tcp", 0, matchData(8, nil), "[-m tcp]"},
		{"tcp", 1, matchData(12, nil), "[-m tcp]"},
		{"hashlimit", 3, nil, "[-m hashlimit]"},
	} {
		var x legacyText
		x.match(test.name, test.revision, test.data)
		if got := x.String(); got != test.want || x.partial != (test.want[0] == '[') {
			t.Errorf("%s: %s, partial %v, want %s", test.name, got, x.partial, test.want)
		}
	}
}
