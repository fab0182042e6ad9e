// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/sink"
	"tracer/internal/source"
)

var errDiskFull, errRecord = errors.New("disk full"), errors.New("bad record")

// TestAFailedSinkDoesNotStopTheOthers checks that the other output gets all events and the Summary, and that Run
// returns the error at the end.
func TestAFailedSinkDoesNotStopTheOthers(t *testing.T) {
	for limit, printed := range map[int]uint64{1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 6: 3} {
		failed, other := &recorder{limit: limit, err: errDiskFull}, &recorder{}
		totals, err := Run(t.Context(), source.NewEvents(events("ab!cd")), nil, []Output{{Sink: failed}, {Sink: other}}, Options{})
		if !errors.Is(err, errDiskFull) || other.rows() != "a b lost c d summary" || len(failed.log) != limit {
			t.Errorf("failed at %d: the sinks got %s and %s, error %v", limit, failed.log, other.log, err)
			continue
		}
		if totals[0].Printed != printed || totals[1].Printed != 4 {
			t.Errorf("failed at %d: %d and %d printed, want %d and 4", limit, totals[0].Printed, totals[1].Printed, printed)
		}
		checkCounts(t, "failed", totals[0])
	}
}

// TestTheRunEndsWhenAllSinksHaveFailed checks that the run then ends, and returns all errors and the totals.
func TestTheRunEndsWhenAllSinksHaveFailed(t *testing.T) {
	errQuota := errors.New("quota exceeded")
	first, second := &recorder{limit: 2, err: errDiskFull}, &recorder{limit: 3, err: errQuota}
	src := &fake{script: events("abcd"), tail: append(events("c"), summary(event.Totals{Matched: 3, Missed: 5}))}
	totals, err := Run(t.Context(), src, nil, []Output{{Sink: first}, {Sink: second}}, Options{})
	if !errors.Is(err, errDiskFull) || !errors.Is(err, errQuota) || len(totals) != 2 {
		t.Fatalf("totals %+v, error %v", totals, err)
	}
	if !src.stopped || len(src.script) != 2 || len(first.log) != 2 || len(second.log) != 3 {
		t.Errorf("stopped %v, %d events left; the sinks got %s and %s", src.stopped, len(src.script), first.log, second.log)
	}
	for i, printed := range []uint64{0, 1} {
		if totals[i].Printed != printed || totals[i].Missed != 5 {
			t.Errorf("output %d: %+v, want %d printed", i, totals[i], printed)
		}
		checkCounts(t, "failed", totals[i])
	}
}

// TestTheOnlySinkFailsAtItsHeader checks that a run without rows has totals too, and that its start is not announced.
func TestTheOnlySinkFailsAtItsHeader(t *testing.T) {
	failed := &recorder{limit: 1, err: errDiskFull}
	src := &fake{script: events("ab"), tail: []*event.Event{summary(event.Totals{})}}
	started := func() error { t.Error("started"); return nil }
	totals, err := Run(t.Context(), src, nil, []Output{{Sink: failed}}, Options{Started: started})
	if !errors.Is(err, errDiskFull) || len(totals) != 1 || totals[0].Printed != 0 || len(src.script) != 2 {
		t.Errorf("totals %+v, error %v, %d events left", totals, err, len(src.script))
	}
}

// TestAFailedSinkAndAGoneReader checks that the totals of the output without a reader are still found out.
func TestAFailedSinkAndAGoneReader(t *testing.T) {
	failed, gone := &recorder{limit: 2, err: errDiskFull}, &recorder{limit: 3, err: sink.ErrReaderGone}
	src := &fake{script: events("ab"), tail: []*event.Event{summary(event.Totals{Matched: 2, Missed: 5})}}
	totals, err := Run(t.Context(), src, nil, []Output{{Sink: failed}, {Sink: gone}}, Options{})
	if !errors.Is(err, errDiskFull) || len(totals) != 2 || totals[1].Missed != 5 || totals[1].Printed != 2 {
		t.Errorf("totals %+v, error %v", totals, err)
	}
}

// broken is a source that fails after its events.
type broken struct{ *source.Events }

func (b broken) Next() (*event.Event, error) {
	e, err := b.Events.Next()
	if err != nil {
		return nil, errRecord
	}
	return e, nil
}

// TestAFailedSourceFlushes checks that the rows before the failure are written, and that there are no totals unless
// the source has returned its Summary.
func TestAFailedSourceFlushes(t *testing.T) {
	out := &recorder{}
	totals, err := Run(t.Context(), broken{source.NewEvents(events("ab"))}, nil, []Output{{Sink: out}}, Options{})
	if got := strings.Join(out.log, " "); !errors.Is(err, errRecord) || totals != nil || got != "flush a b flush" {
		t.Errorf("the sink got %s; totals %+v, error %v", got, totals, err)
	}
	out = &recorder{}
	totals, err = Run(t.Context(), broken{source.NewEvents(append(events("ab"), summary(event.Totals{Matched: 2})))}, nil, []Output{{Sink: out}}, Options{})
	if !errors.Is(err, errRecord) || len(totals) != 1 || totals[0].Printed != 2 || out.rows() != "a b summary" {
		t.Errorf("the sink got %s; totals %+v, error %v", out.log, totals, err)
	}
}

// TestBothErrorsOfSourceAndSink checks that neither error hides the other.
func TestBothErrorsOfSourceAndSink(t *testing.T) {
	failed, other := &recorder{limit: 2, err: errDiskFull}, &recorder{}
	_, err := Run(t.Context(), broken{source.NewEvents(events("ab"))}, nil, []Output{{Sink: failed}, {Sink: other}}, Options{})
	if got := strings.Join(other.log, " "); !errors.Is(err, errDiskFull) || !errors.Is(err, errRecord) || got != "flush a b flush" {
		t.Errorf("the other sink got %s; error %v", got, err)
	}
}

// unstoppable is a live source that can't be stopped.
type unstoppable struct{ *fake }

func (unstoppable) Stop() error { return errRecord }

func TestASourceThatCannotBeStopped(t *testing.T) {
	out := &recorder{}
	totals, err := Run(t.Context(), unstoppable{&fake{script: events("ab")}}, nil, []Output{{Sink: out}}, Options{Limits: Limits{Lines: 2}})
	if got := strings.Join(out.log, " "); !errors.Is(err, errRecord) || totals != nil || got != "flush a b flush" {
		t.Errorf("the sink got %.200s; totals %+v, error %v", got, totals, err)
	}
}

// unstartable is a live source that can't be started.
type unstartable struct{ *fake }

func (unstartable) Start() error { return errRecord }

// TestASourceThatCannotBeStarted checks that no header is printed.
func TestASourceThatCannotBeStarted(t *testing.T) {
	out := &recorder{}
	if totals, err := Run(t.Context(), unstartable{&fake{}}, nil, []Output{{Sink: out}}, Options{}); !errors.Is(err, errRecord) || totals != nil || len(out.log) > 0 {
		t.Errorf("the sink got %s; totals %+v, error %v", out.log, totals, err)
	}
}
