// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"tracer/internal/event"
)

// failAt makes a function in the background fail, and waits for that.
func failAt(s *Source, err error) {
	s.background.run(func(context.Context) error { return err })
	<-s.background.ctx.Done()
}

// TestFailureInTheBackgroundIsReturnedOnce checks that Next returns it after the Summary, also if the source is
// stopped in between, and that Close does not return it again.
func TestFailureInTheBackgroundIsReturnedOnce(t *testing.T) {
	s, failure := quiet(t), errors.New("no more sockets")
	failAt(s, failure)
	if kind, err := next(s); err != nil || kind != event.Summary {
		t.Fatalf("event %v, error %v, want the Summary", kind, err)
	}
	stop(t, s)
	if kind, err := next(s); !errors.Is(err, failure) {
		t.Errorf("event %v, error %v, want %v", kind, err, failure)
	}
	if kind, err := next(s); err != io.EOF {
		t.Errorf("event %v, error %v, want io.EOF", kind, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close returns %v again", err)
	}
}

// TestCloseReturnsAFailureThatNextDidNot checks that a run that ends early does not lose the error.
func TestCloseReturnsAFailureThatNextDidNot(t *testing.T) {
	s, failure := quiet(t), errors.New("no more sockets")
	failAt(s, failure)
	err := s.Close()
	if !errors.Is(err, failure) || strings.Count(err.Error(), failure.Error()) != 1 {
		t.Errorf("error %v, want %v", err, failure)
	}
}
