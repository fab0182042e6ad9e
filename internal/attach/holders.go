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

// ticksPerCount is the number of ticks between two reads of the reference counts of programs.
const ticksPerCount = 20

// holders reads the reference counts of all BPF programs with an iterator over programs (5.9). Without
// one, the counts are unknown.
type holders struct {
	program *ebpf.Program
	iter    *link.Iter
	ticks   int
}

// openHolders loads and attaches the iterator. It is optional: without it, each traced program stays loaded
// until the end of the trace.
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

// list returns the reference count of each program, by id; nil if it is unknown.
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

// isDue counts a tick, and reports whether to read the reference counts now.
func (h *holders) isDue() bool {
	h.ticks++
	return h.iter != nil && h.ticks%ticksPerCount == 0
}

// releaseUnused releases the programs whose last references are ours, so that the kernel frees them. It returns
// these programs.
func (p *programs) releaseUnused() (gone []kernel.Program) {
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

// ours returns the number of our references to a program: one for each program that traces it, and one while
// breakpoints are set in it.
func (p *programs) ours(id uint32) int64 {
	n := int64(len(p.traced[id].tracers))
	if p.breakpoints[id] != nil {
		n++
	}
	return n
}

// release detaches our programs and breakpoints from a program. Errors are ignored, since the program is no
// longer in use.
func (p *programs) release(id uint32) {
	p.mu.Lock()
	t, target := p.traced[id], p.breakpoints[id]
	delete(p.traced, id)
	delete(p.breakpoints, id)
	p.missed += t.misses()
	p.mu.Unlock()
	_ = t.close()
	if target != nil {
		_ = target.close()
	}
}

// forgetWaiting removes programs that no longer exist from the map waiting.
func (p *programs) forgetWaiting(counts map[uint32]int64) {
	for id := range p.waiting {
		if counts != nil && counts[id] == 0 {
			delete(p.waiting, id)
		}
	}
}
