// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strings"
	"testing"
	"time"

	"tracer/internal/event"
)

func TestParseTimestamp(t *testing.T) {
	for _, name := range Timestamps() {
		stamp, err := ParseTimestamp(name)
		if err != nil || stamp.String() != name {
			t.Errorf("%q is read as %v, %v", name, stamp, err)
		}
	}
	for _, name := range []string{"", "foo", "None"} {
		if _, err := ParseTimestamp(name); err == nil || !strings.Contains(err.Error(), "none, current, relative, absolute") {
			t.Errorf("%q: error %v, want one that lists the forms", name, err)
		}
	}
}

func TestTimes(t *testing.T) {
	e := event.Event{Time: 123456789, Names: event.Names{SinceLast: 41250, WallTime: 1767323045678900123}}
	checkCell(t, "current", e, "123456789", "123456789")
	checkCell(t, "monotonic", e, "123456789", "123456789")
	checkCell(t, "relative", e, "41250", "41250")
}

func TestWallClockOfTheEvent(t *testing.T) {
	old := time.Local
	t.Cleanup(func() { time.Local = old })
	e := event.Event{Names: event.Names{WallTime: 1767323045678900123}}
	time.Local = time.FixedZone("", 2*60*60)
	checkCell(t, "time", e, "2026-01-02T05:04:05.678900", `"2026-01-02T05:04:05.678900+02:00"`)
	time.Local = time.UTC
	checkCell(t, "time", e, "2026-01-02T03:04:05.678900", `"2026-01-02T03:04:05.678900Z"`)
}

func TestShows(t *testing.T) {
	for _, asked := range []Timestamp{None, Current, Relative, Absolute} {
		for _, form := range []Timestamp{Current, Relative, Absolute} {
			if got := Shows(Options{Timestamp: asked}, form); got != (asked == form) {
				t.Errorf("asked for %v, shows %v: %t", asked, form, got)
			}
		}
	}
}
