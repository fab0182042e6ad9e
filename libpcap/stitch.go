// SPDX-License-Identifier: Apache-2.0

package libpcap

import "golang.org/x/net/bpf"

// Instructions of classic BPF that end a program or jump on.
const (
	opReturn = 0x06
	opJump   = 0x05
)

// label is a place in a program that is put together.
type label int

const (
	accept label = iota
	reject
	ownLabels
)

// stitcher puts the programs of parts together: one goes on where another one ends.
type stitcher struct {
	snaplen uint32
	code    []RawInstruction
	places  []int         // of each label
	jumps   map[int]label // that are not filled in yet
}

func newStitcher(snaplen int) *stitcher {
	return &stitcher{snaplen: uint32(snaplen), places: make([]int, ownLabels), jumps: map[int]label{}}
}

func (s *stitcher) newLabel() label {
	s.places = append(s.places, 0)
	return label(len(s.places) - 1)
}

// append adds the program of a piece, which goes on to yes where it matches, else to no.
func (s *stitcher) append(program []RawInstruction, yes, no label) {
	for _, in := range program {
		if in.Op == opReturn {
			in = s.goOn(len(s.code), in.K != 0, yes, no)
		}
		s.code = append(s.code, in)
	}
}

func (s *stitcher) goOn(at int, matches bool, yes, no label) RawInstruction {
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

// begins says where a label is: here.
func (s *stitcher) begins(l label) { s.places[l] = len(s.code) }

// program is what was put together.
func (s *stitcher) program() []bpf.RawInstruction {
	for at, to := range s.jumps {
		s.code[at].K = uint32(s.places[to] - at - 1)
	}
	return s.code
}

// ways are where each part of a list goes on: where it matches at the next part that is joined
// by `and`, else at the next one that is joined by `or`.
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
