// SPDX-License-Identifier: Apache-2.0

package journey

// numberWindow is how many numbers, up to the highest one, have a bit that records whether they were seen. Lower
// numbers count as seen.
const numberWindow = 1 << 20

// numberSet counts distinct packet numbers. Packets are numbered from 1 in the order of first appearance, so
// new numbers are near the highest one.
type numberSet struct {
	// seen has a bit for each number of the window, at the number modulo numberWindow.
	seen []uint64
	// next is the highest number plus 1, last the last one that was added.
	next, last uint64
	count      uint64
}

func (s *numberSet) add(n uint64) {
	if n == s.last {
		return
	}
	s.last = n
	if n >= s.next {
		s.advance(n)
	} else if s.next-n > numberWindow {
		return
	}
	word, bit := s.at(n)
	if *word&bit == 0 {
		*word |= bit
		s.count++
	}
}

// advance moves the window, so that n is the highest number in it.
func (s *numberSet) advance(n uint64) {
	if s.seen == nil {
		s.seen = make([]uint64, numberWindow/64)
	}
	if n-s.next >= numberWindow {
		clear(s.seen)
		s.next = n
	}
	for ; s.next <= n; s.next++ {
		word, bit := s.at(s.next)
		*word &^= bit
	}
}

func (s *numberSet) at(n uint64) (word *uint64, bit uint64) {
	n %= numberWindow
	return &s.seen[n/64], 1 << (n % 64)
}
