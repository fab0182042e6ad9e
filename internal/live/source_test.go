// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"io"
	"testing"
	"time"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/plan"
	"tracer/internal/source"
)

// quiet starts a source of the tracepoint events of packets to a port that no packet has.
func quiet(t *testing.T) *Source {
	t.Helper()
	ktest.Root(t)
	r, err := Resolve(Config{Plan: plan.Options{Backend: kernel.TracepointBackend, Settings: bpf.Config{}}, Expr: "udp dst port 47139"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), r, Silent{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.session.Close() })
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// next returns the kind of the next event, or the error. It waits a second while the source is idle.
func next(s *Source) (kind event.Kind, err error) {
	for begun := time.Now(); time.Since(begun) < time.Second; {
		e, err := s.Next()
		if err == nil {
			return e.Kind, nil
		}
		if !errors.Is(err, source.ErrIdle) {
			return 0, err
		}
	}
	return 0, source.ErrIdle
}

func stop(t *testing.T, s *Source) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestStopTwice checks that a second Stop, at any time, neither delivers another Summary nor counts again.
func TestStopTwice(t *testing.T) {
	s := quiet(t)
	stop(t, s)
	stop(t, s)
	s.counts = []bpf.Counters{{Suppressed: 3}}
	if kind, err := next(s); err != nil || kind != event.Summary {
		t.Fatalf("event %v, error %v, want the Summary", kind, err)
	}
	duration := s.totals.Duration
	stop(t, s)
	if kind, err := next(s); err != io.EOF || s.totals.Suppressed != 3 || s.totals.Duration != duration {
		t.Errorf("event %v, error %v, totals %+v", kind, err, s.totals)
	}
	stop(t, s)
	if kind, err := next(s); err != io.EOF {
		t.Errorf("event %v, error %v after the end", kind, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
