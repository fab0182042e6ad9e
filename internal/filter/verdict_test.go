// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// subject is one expression, compiled for libpcap's interpreter and for the kernel.
type subject struct {
	expectation
	classic []bpf.RawInstruction
	prog    *ebpf.Program
	matched int
}

func newSubject(tb testing.TB, l *lab, e expectation) *subject {
	tb.Helper()
	p, err := Compile(e.expr)
	if err != nil {
		tb.Fatal(err)
	}
	classic, err := bpf.Assemble(p.Classic)
	if err != nil {
		tb.Fatalf("%s: %v", e.expr, err)
	}
	return &subject{expectation: e, classic: classic, prog: l.load(tb, p.Body, p.Need)}
}

// compare compares the verdicts of kernel and libpcap on the frame that the lab
// shows.
func (s *subject) compare(tb testing.TB, frame []byte) {
	tb.Helper()
	want := libpcap.Match(s.classic, frame, len(frame))
	if want {
		s.matched++
	}
	if have := verdict(tb, s.prog); have != want {
		tb.Errorf("%s: the kernel says %v, libpcap %v, of %d bytes: % x", s.expr, have, want, len(frame), frame[:min(len(frame), 160)])
	}
}

// TestVerdict checks the translation: the kernel runs the bodies of all expressions
// on all frames and must agree with libpcap on each.
func TestVerdict(t *testing.T) {
	l := newLab(t)
	var subjects []*subject
	for _, e := range append(readExpectations(t), expectation{verdict: "ok", expr: longHosts(100)}) {
		if e.ok() {
			subjects = append(subjects, newSubject(t, l, e))
		}
	}
	frames := corpusFrames()
	for _, frame := range frames {
		l.show(t, frame)
		for _, s := range subjects {
			s.compare(t, frame)
		}
	}
	t.Logf("%d expressions on %d frames: %d pairs", len(subjects), len(frames), len(subjects)*len(frames))
	for _, s := range subjects {
		s.checkMatches(t, len(frames))
	}
}

// checkMatches reports expressions that match all frames or none, unless this is expected.
func (s *subject) checkMatches(t *testing.T, frames int) {
	t.Helper()
	have := "ok"
	switch s.matched {
	case 0:
		have = "never"
	case frames:
		have = "always"
	}
	if have != s.verdict {
		t.Errorf("%s: matches %d of %d frames, want %q", s.expr, s.matched, frames, s.verdict)
	}
}
