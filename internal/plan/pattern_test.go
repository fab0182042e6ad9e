// SPDX-License-Identifier: Apache-2.0

package plan

import "testing"

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		same          bool
	}{
		{"eth0", "eth0", true},
		{"eth0", "eth01", false},
		{"eth0", "eth", false},
		{"eth*", "eth01", true},
		{"eth*", "et", false},
		{"eth*", "eth", true},
		{"th*", "eth", false},
		{"*", "lo", true},
		{"lxc0123456789*", "lxc0123456789ab", true},
		{"abcdefghijklmno", "abcdefghijklmno", true},
		{"abcdefghijklmno", "abcdefghijklmn", false},
	} {
		if got := matchesPattern(pattern(test.pattern), test.name); got != test.same {
			t.Errorf("%q and %q: same %v", test.pattern, test.name, got)
		}
	}
}

func TestTaskFilterMatchesProcess(t *testing.T) {
	for _, test := range []struct {
		filter TaskFilter
		want   bool
	}{
		{TaskFilter{PIDs: []uint32{6, 7}}, true},
		{TaskFilter{PIDs: []uint32{6}}, false},
		{TaskFilter{Comms: []string{"x", "cur*"}}, true},
		{TaskFilter{Comms: []string{"cur"}}, false},
		{TaskFilter{PIDs: []uint32{7}, Comms: []string{"curl"}}, true},
		{TaskFilter{PIDs: []uint32{7}, Comms: []string{"wget"}}, false},
		{TaskFilter{PIDs: []uint32{6}, Comms: []string{"curl"}}, false},
	} {
		if got := test.filter.MatchesProcess(7, "curl"); got != test.want {
			t.Errorf("%+v matches curl, process 7: %v", test.filter, got)
		}
	}
}
