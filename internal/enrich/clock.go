// SPDX-License-Identifier: Apache-2.0

package enrich

import "golang.org/x/sys/unix"

const (
	// measureEvery is the time in ns after which the offset is measured again: after a step of the wall
	// clock, times are wrong for at most this long.
	measureEvery = 1_000_000_000
	// measureTries is the number of measurements, so that one is likely not interrupted.
	measureTries = 3
)

// clock converts the kernel's monotonic time to wall-clock time.
type clock struct {
	// read reads the monotonic clock before and after the wall clock, all in ns.
	read   func() (before, wall, after int64)
	offset int64
	due    uint64
}

func newClock(read func() (before, wall, after int64)) *clock {
	c := &clock{read: read}
	c.measure()
	return c
}

// wall returns the nanoseconds since the Unix epoch at a monotonic time.
func (c *clock) wall(monotonic uint64) int64 {
	if monotonic >= c.due {
		c.measure()
	}
	return int64(monotonic) + c.offset
}

// measure keeps the offset of the measurement that took the shortest time.
func (c *clock) measure() {
	shortest := int64(-1)
	for range measureTries {
		before, wall, after := c.read()
		if took := after - before; shortest < 0 || took < shortest {
			shortest = took
			c.offset = wall - before - took/2
			c.due = uint64(after) + measureEvery
		}
	}
}

func readClocks() (before, wall, after int64) {
	return now(unix.CLOCK_MONOTONIC), now(unix.CLOCK_REALTIME), now(unix.CLOCK_MONOTONIC)
}

// now reads one of two clocks that every Linux has, so there is no error.
func now(id int32) int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(id, &t)
	return t.Nano()
}
