// SPDX-License-Identifier: Apache-2.0

package libpcap

import "golang.org/x/net/bpf"

// Opcodes of classic BPF: return of a constant, and unconditional jump.
const (
	opReturn = 0x06
	opJump   = 0x05
)

// label is a position in the combined program. Jumps may refer to it before the position is known.
type label int

const (
	accept label = iota
	reject
	ownLabels
)

// stitcher combines the programs of pieces. A return becomes a jump to the piece that runs next, or
// stays a return if there is none.
type stitcher struct {
	snaplen uint32
	code    []RawInstruction
	places  []int         // the index of the instruction at each label
	jumps   map[int]label // the targets of the jumps, by their index
}

func newStitcher(snaplen int) *stitcher {
	return &stitcher{snaplen: uint32(snaplen), places: make([]int, ownLabels), jumps: map[int]label{}}
}

func (s *stitcher) newLabel() label {
	s.places = append(s.places, 0)
	return label(len(s.places) - 1)
}

// append appends the program of a piece, which jumps to yes if the packet matches, else to no.
func (s *stitcher) append(program []RawInstruction, yes, no label) {
	for _, in := range program {
		if in.Op == opReturn {
			in = s.exit(len(s.code), in.K != 0, yes, no)
		}
		s.code = append(s.code, in)
	}
}

// exit returns the instruction that replaces a return at an index: a jump, or a return for accept and reject.
func (s *stitcher) exit(at int, matches bool, yes, no label) RawInstruction {
	to := no
	if matches {
		to = yes
	}
	switch to {
	case accept:
		return RawInstruction{Op: opReturn, K: s.snaplen}
	case reject:
		return RawInstruction{Op: opReturn}
	}
	s.jumps[at] = to
	return RawInstruction{Op: opJump}
}

// setLabel sets a label to the next instruction.
func (s *stitcher) setLabel(l label) { s.places[l] = len(s.code) }

// program sets the jump offsets and returns the combined program.
func (s *stitcher) program() []bpf.RawInstruction {
	for at, to := range s.jumps {
		s.code[at].K = uint32(s.places[to] - at - 1)
	}
	return s.code
}

// ways returns where execution continues after part i of a list: if it matches, at the next part that is
// joined by `and`, else at the next one that is joined by `or`. Without such a part, it is yes or no.
func ways(parts []part, begin []label, i int, yes, no label) (ifYes, ifNo label) {
	for j := len(parts) - 1; j > i; j-- {
		if parts[j].and {
			yes = begin[j]
		} else {
			no = begin[j]
		}
	}
	return yes, no
}
