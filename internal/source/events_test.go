// SPDX-License-Identifier: Apache-2.0

package source

import (
	"io"
	"testing"

	"tracer/internal/event"
)

func TestEventsComeInOrder(t *testing.T) {
	s := NewEvents([]*event.Event{{Time: 1}, {Time: 2}})
	for want := range uint64(2) {
		if e, err := s.Next(); err != nil || e.Time != want+1 {
			t.Fatalf("event %+v, error %v, want that at %d", e, err, want+1)
		}
	}
	for range 2 {
		if e, err := s.Next(); e != nil || err != io.EOF {
			t.Errorf("event %+v, error %v, want io.EOF", e, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
