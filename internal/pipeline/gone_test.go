// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/sink"
)

// TestNothingForAReaderThatHasGone checks that the sink gets nothing any more: a new reader of the same FIFO would
// get loss markers and the Summary without the events.
func TestNothingForAReaderThatHasGone(t *testing.T) {
	gone, other := &recorder{limit: 2, err: sink.ErrReaderGone}, &recorder{}
	totals, err := Run(t.Context(), &fake{script: events("a!b"), tail: []*event.Event{summary(event.Totals{Matched: 4})}}, nil,
		[]Output{{Sink: gone}, {Sink: other}}, Options{Limits: Limits{Lines: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(gone.log, " "), "flush a"; got != want {
		t.Errorf("the sink got %s, want %s", got, want)
	}
	if totals[0].Printed != 1 || totals[0].Lost[event.RingFull] != 2 || other.rows() != "a lost b summary" {
		t.Errorf("%+v, other output %s", totals[0], other.rows())
	}
	checkCounts(t, "gone", totals[0])
}

// TestNothingForTheOnlyReaderThatHasGone checks the end of a run whose last reader has gone.
func TestNothingForTheOnlyReaderThatHasGone(t *testing.T) {
	out := &recorder{limit: 2, err: sink.ErrReaderGone}
	src := &fake{script: events("a"), tail: append(events("!"), summary(event.Totals{Matched: 3, Missed: 5}))}
	totals, err := Run(t.Context(), src, nil, []Output{{Sink: out}}, Options{})
	if err != nil || strings.Join(out.log, " ") != "flush a" || totals[0].Missed != 5 {
		t.Fatalf("the sink got %s; totals %+v, error %v", out.log, totals, err)
	}
	checkCounts(t, "gone", totals[0])
}
