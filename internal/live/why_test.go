// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"net"
	"testing"
	"time"

	"tracer/internal/event"
	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/plan"
	"tracer/internal/source"
)

// TestDropIsExplained checks the cause of the drop of a datagram to a closed port.
func TestDropIsExplained(t *testing.T) {
	ktest.Root(t)
	r, err := Resolve(Config{Plan: plan.Options{Backend: kernel.TracepointBackend}, Why: explain.Families(), Drops: Drops{Only: true}, Expr: "udp dst port 47141"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), r, Silent{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("udp", "127.0.0.1:47141")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	why := nextWhy(t, s)
	if why.Cause != "udp-no-listener" || why.Silent {
		t.Errorf("cause %+v, want udp-no-listener", why)
	}
	t.Logf("%+v", why)
}

// nextWhy returns the cause of the next drop, within three seconds.
func nextWhy(t *testing.T, s *Source) *event.Why {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		e, err := s.Next()
		if errors.Is(err, source.ErrIdle) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Enrich(e)
		s.Explain(e)
		if e.Why == nil {
			t.Fatalf("drop without a cause: %+v", e)
		}
		return e.Why
	}
	t.Fatal("no drop within three seconds")
	return nil
}
