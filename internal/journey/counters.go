// SPDX-License-Identifier: Apache-2.0

package journey

// kernelCounters are the counters that number packets in the kernel: one for each level of nesting on
// each CPU, without gaps (next_packet_id in bpf/follow/branch.h). A count that does not arrive belongs to a
// lost event if its CPU lost events meanwhile, and otherwise to a packet without a traced event.
type kernelCounters struct {
	cpus uint64
	all  map[uint64]*kernelCounter
	// lost counts the lost events of each CPU.
	lost map[uint64]uint64
}

// kernelCounter is one counter.
type kernelCounter struct {
	// next is the highest count that was seen, plus 1, and lost the CPU's lost events then.
	next, lost uint64
	// gaps are ranges of counts that may still appear, the latest at the end.
	gaps []gap
}

// gap is a range of counts, from begin to before end, that were not seen, and the packet numbers reserved for
// them: number is the next one to use, last the last one.
type gap struct{ begin, end, number, last uint64 }

const (
	// mostGaps is how many gaps each counter remembers.
	mostGaps = 16
	// levelShift is LEVEL_SHIFT in bpf/follow/branch.h.
	levelShift = 48
)

func newKernelCounters(cpus uint32) kernelCounters {
	return kernelCounters{cpus: uint64(max(cpus, 1)), all: map[uint64]*kernelCounter{}, lost: map[uint64]uint64{}}
}

// of splits a packet number of the kernel into its counter, CPU, and count from 0.
func (k *kernelCounters) of(id uint64) (from *kernelCounter, cpu, count uint64) {
	level, n := id>>levelShift, id&(1<<levelShift-1)-1
	cpu, count = n%k.cpus, n/k.cpus
	from = k.all[level*k.cpus+cpu]
	if from == nil {
		from = &kernelCounter{}
		k.all[level*k.cpus+cpu] = from
	}
	return from, cpu, count
}

// lose records lost events of a CPU.
func (k *kernelCounters) lose(cpu uint32, events uint64) { k.lost[uint64(cpu)] += events }

// notice skips numbers after last if the first events of packets were lost, and returns the last
// one skipped. It skips at most as many as there were lost events.
func (k *kernelCounters) notice(id, last uint64) uint64 {
	from, cpu, count := k.of(id)
	if count < from.next {
		return last
	}
	if missing := min(count-from.next, k.lost[cpu]-from.lost); missing > 0 {
		from.gaps = append(from.gaps[max(len(from.gaps)-mostGaps+1, 0):], gap{from.next, count, last + 1, last + missing})
		last += missing
	}
	from.next, from.lost = count+1, k.lost[cpu]
	return last
}

// reserved returns a number that was skipped for a packet, 0 if there is none.
func (k *kernelCounters) reserved(id uint64) uint64 {
	from, _, count := k.of(id)
	for i := range from.gaps {
		if g := &from.gaps[i]; g.begin <= count && count < g.end && g.number <= g.last {
			g.number++
			return g.number - 1
		}
	}
	return 0
}
