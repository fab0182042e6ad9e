// SPDX-License-Identifier: Apache-2.0

package enrich

const (
	// recentBits and recentWays size the table of sk_buffs seen lately: 512 KiB
	// for 32768 of them.
	recentBits = 13
	recentWays = 4
)

// recent remembers when an sk_buff was seen last. Its memory is fixed: where
// many share a set, the one not seen for longest is forgotten.
type recent struct{ sets []recentSet }

type recentSet [recentWays]sighting

type sighting struct{ skb, time uint64 }

func newRecent() *recent { return &recent{make([]recentSet, 1<<recentBits)} }

// since is the ns from the previous sighting of skb to time, 0 for the first.
func (r *recent) since(skb, time uint64) uint64 {
	set := &r.sets[hash(skb)>>(64-recentBits)]
	oldest := &set[0]
	for i := range set {
		if set[i].skb == skb {
			return set[i].advance(time)
		}
		if set[i].time < oldest.time {
			oldest = &set[i]
		}
	}
	*oldest = sighting{skb, time}
	return 0
}

// advance keeps the later time, as events of two CPUs can change places.
func (s *sighting) advance(time uint64) uint64 {
	if time <= s.time {
		return 0
	}
	passed := time - s.time
	s.time = time
	return passed
}

// hash spreads addresses, whose low bits are all the same, over the upper bits.
func hash(addr uint64) uint64 { return addr * 0x9e3779b97f4a7c15 }
