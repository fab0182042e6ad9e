// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"io"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// looksForHolders is how many ticks there are from one look for programs that nobody else
// holds to the next.
const looksForHolders = 20

// holders tells how many hold each program; without an iterator over programs (5.9) it does
// not know.
type holders struct {
	program *ebpf.Program
	iter    *link.Iter
	ticks   int
}

// openHolders is not needed to trace: without it programs are held for as long as they are
// traced.
func openHolders(tracers *bpf.Tracers, o ebpf.ProgramOptions) (h holders) {
	spec, err := tracers.For(bpf.HoldersProgram, bpf.Traced{})
	if err != nil {
		return h
	}
	if h.program, err = ebpf.NewProgramWithOptions(spec, o); err != nil {
		return holders{}
	}
	if h.iter, err = link.AttachIter(link.IterOptions{Program: h.program}); err != nil {
		h.close()
		return holders{}
	}
	return h
}

func (h *holders) close() {
	if h.iter != nil {
		h.iter.Close()
	}
	if h.program != nil {
		h.program.Close()
	}
}

// list is how many hold each program, by id; nil where that is not known.
func (h *holders) list() map[uint32]int64 {
	r, err := h.iter.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	const size = int(unsafe.Sizeof(bpf.Holders{}))
	counts := map[uint32]int64{}
	for ; len(raw) >= size; raw = raw[size:] {
		entry := (*bpf.Holders)(unsafe.Pointer(&raw[0]))
		counts[entry.Id] = entry.Count
	}
	return counts
}

// isDue says whether to look at this tick.
func (h *holders) isDue() bool {
	h.ticks++
	return h.iter != nil && h.ticks%looksForHolders == 0
}

// letGo lets go of the programs that nobody else holds, so that the kernel frees them.
func (p *programs) letGo() (gone []kernel.Program) {
	if len(p.traced)+len(p.breakpoints) == 0 || !p.holders.isDue() {
		return nil
	}
	counts := p.holders.list()
	for id, t := range p.traced {
		if n := counts[id]; n > 0 && n <= p.ours(id) {
			gone = append(gone, t.Program)
		}
	}
	for _, program := range gone {
		p.release(program.ID)
	}
	p.forgetWaiting(counts)
	return gone
}

// ours is how many of those who hold a program are ourselves: each of the programs that
// trace it, and what keeps the place of its breakpoints.
func (p *programs) ours(id uint32) int64 {
	n := int64(len(p.traced[id].tracers))
	if p.breakpoints[id] != nil {
		n++
	}
	return n
}

// release takes away what is on a program. What went wrong with that is of no use to anybody.
func (p *programs) release(id uint32) {
	p.mu.Lock()
	t, l := p.traced[id], p.breakpoints[id]
	delete(p.traced, id)
	delete(p.breakpoints, id)
	p.missed += t.misses()
	p.mu.Unlock()
	_ = t.close()
	if l != nil {
		_ = l.close()
	}
}

// forgetWaiting forgets programs that are not there any more.
func (p *programs) forgetWaiting(counts map[uint32]int64) {
	for id := range p.waiting {
		if counts != nil && counts[id] == 0 {
			delete(p.waiting, id)
		}
	}
}
