// SPDX-License-Identifier: Apache-2.0

package value

import "slices"

// arrayIn identifies an array by the names of its struct and member.
type arrayIn struct{ structure, member string }

// counts lists arrays of which only the first elements are in use. It maps each to the member of
// the same struct that counts these elements. The others contain stale data.
var counts = map[arrayIn]string{
	{"skb_shared_info", "frags"}: "nr_frags",
}

// counter is the member of a structure with the number of used elements of an array.
type counter struct {
	number
	offset int
	stride int // of the array
}

// countElements sets the counters of the arrays of a structure with that name.
func (s *structure) countElements(name string) {
	for i := range s.members {
		a, ok := s.members[i].value.(*array)
		if !ok {
			continue
		}
		count := counts[arrayIn{name, s.members[i].name}]
		j := slices.IndexFunc(s.members, func(m member) bool { return m.name == count })
		if j < 0 {
			continue
		}
		if n, ok := s.members[j].value.(integer); ok {
			s.members[i].count = &counter{number: n.number, offset: s.members[j].offset, stride: a.stride}
		}
	}
}

// used returns how many bytes of the member are printed.
func (m *member) used(raw []byte) int {
	c := m.count
	if c == nil || len(raw) < c.offset+c.bytes {
		return m.size
	}
	n := c.load(raw[c.offset:])
	if n > uint64(m.size/c.stride) {
		return m.size
	}
	return int(n) * c.stride
}
