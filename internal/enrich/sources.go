// SPDX-License-Identifier: Apache-2.0

package enrich

// sources are what numbers packets in the kernel: each level of nesting on each CPU counts for
// itself, without a gap (next_packet in bpf/track.h). What it has counted and we have not seen
// was lost, if its CPU lost events meanwhile, or else had no event that is traced.
type sources struct {
	cpus uint64
	all  map[uint64]*idSource
	// lost is how many events each CPU has lost.
	lost map[uint64]uint64
}

// idSource is one of them.
type idSource struct {
	// next is the count after the highest that was seen, and lost what its CPU had lost then.
	next, lost uint64
	// gaps are where packets may still turn up, the last one last.
	gaps []gap
}

// gap has counts from begin up to end that were not seen, and the numbers that were left out
// for them, up to last.
type gap struct{ begin, end, number, last uint64 }

const (
	// mostGaps is how many are remembered of each source.
	mostGaps = 16
	// levelShift is LEVEL_SHIFT in bpf/track.h.
	levelShift = 48
)

func newSources(cpus uint32) sources {
	return sources{cpus: uint64(max(cpus, 1)), all: map[uint64]*idSource{}, lost: map[uint64]uint64{}}
}

// of takes a number of the kernel's apart: its source and CPU, and the count there from 0.
func (s *sources) of(id uint64) (from *idSource, cpu, count uint64) {
	level, n := id>>levelShift, id&(1<<levelShift-1)-1
	cpu, count = n%s.cpus, n/s.cpus
	from = s.all[level*s.cpus+cpu]
	if from == nil {
		from = &idSource{}
		s.all[level*s.cpus+cpu] = from
	}
	return from, cpu, count
}

// lose takes note of events that a CPU has lost.
func (s *sources) lose(cpu uint32, events uint64) { s.lost[uint64(cpu)] += events }

// notice leaves numbers out behind the last one given if the first events of packets were lost,
// and returns the last one that is taken then. There are no more such packets than lost events.
func (s *sources) notice(id, last uint64) uint64 {
	from, cpu, count := s.of(id)
	if count < from.next {
		return last
	}
	if missing := min(count-from.next, s.lost[cpu]-from.lost); missing > 0 {
		from.gaps = append(from.gaps[max(len(from.gaps)-mostGaps+1, 0):], gap{from.next, count, last + 1, last + missing})
		last += missing
	}
	from.next, from.lost = count+1, s.lost[cpu]
	return last
}

// reserved is the number that was left out for a packet, 0 for none.
func (s *sources) reserved(id uint64) uint64 {
	from, _, count := s.of(id)
	for i := range from.gaps {
		if g := &from.gaps[i]; g.begin <= count && count < g.end && g.number <= g.last {
			g.number++
			return g.number - 1
		}
	}
	return 0
}
