// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"
	"time"
)

// fakeClocks are clocks set by a test. Reading them takes 100 ns, and 5 µs every third time.
type fakeClocks struct {
	monotonic, ahead int64
	reads            int
}

func (f *fakeClocks) read() (before, wall, after int64) {
	took := int64(100)
	if f.reads%3 == 0 {
		took = 5000
	}
	f.reads++
	return f.monotonic, f.monotonic + 50 + f.ahead, f.monotonic + took
}

func TestWallFollowsSteps(t *testing.T) {
	const start, second = 1_000_000_000_000, 1_000_000_000
	f := &fakeClocks{monotonic: start, ahead: 1_700_000_000_000_000_000}
	c := newClock(f.read)
	if got, want := c.wall(start+7), start+7+f.ahead; got != want {
		t.Errorf("wall clock %d, want %d", got, want)
	}
	before := f.ahead
	f.ahead -= 3600 * second
	if got, want := c.wall(start+second/2), start+second/2+before; got != want {
		t.Errorf("half a second after the measurement %d, want %d", got, want)
	}
	f.monotonic = start + 2*second
	if got, want := c.wall(start+2*second), start+2*second+f.ahead; got != want {
		t.Errorf("after a step %d, want %d", got, want)
	}
}

func TestClockIsReadRarely(t *testing.T) {
	f := &fakeClocks{monotonic: 1}
	c := newClock(f.read)
	for i := range uint64(1000) {
		c.wall(i)
	}
	if f.reads != measureTries {
		t.Errorf("clocks read %d times, want %d", f.reads, measureTries)
	}
}

func TestRealClocks(t *testing.T) {
	c := newClock(readClocks)
	before := time.Now().UnixNano()
	now, _, _ := readClocks()
	after := time.Now().UnixNano()
	const slack = int64(time.Millisecond)
	if got := c.wall(uint64(now)); got < before-slack || got > after+slack {
		t.Errorf("wall clock %d, want one between %d and %d", got, before, after)
	}
}
