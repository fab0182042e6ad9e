// SPDX-License-Identifier: Apache-2.0

package column

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tracer/internal/event"
)

// Timestamp is the form in which the time of an event is printed. All forms show the
// kernel time of the event, not the time of printing.
type Timestamp uint8

const (
	// None prints no time.
	None Timestamp = iota
	// Current is the kernel's monotonic clock in nanoseconds.
	Current
	// Relative is the nanoseconds since the previous event of the same packet.
	Relative
	// Absolute is the local wall clock in microseconds, and the monotonic clock in nanoseconds.
	Absolute
)

var timestampNames = []string{None: "none", Current: "current", Relative: "relative", Absolute: "absolute"}

// String returns the name of the form on the command line.
func (t Timestamp) String() string { return timestampNames[t] }

// Timestamps returns the names that ParseTimestamp accepts.
func Timestamps() []string { return slices.Clone(timestampNames) }

// ParseTimestamp parses the name of a form.
func ParseTimestamp(name string) (Timestamp, error) {
	i := slices.Index(timestampNames, name)
	if i < 0 {
		return None, fmt.Errorf("not one of %s", strings.Join(timestampNames, ", "))
	}
	return Timestamp(i), nil
}

func wallColumns() []Column {
	return []Column{{
		Name: "time", Header: "TIME", Key: "time", Type: String, Width: 26,
		Screen: Screen{Text: clockText, Steps: []Step{{5, 15}}},
		Help:   "wall clock of the event (--timestamp absolute)",
		Group:  Time, timestamp: Absolute, Text: wallText, JSON: wallJSON,
	}}
}

func tickColumns() []Column {
	return []Column{
		{
			Name: "current", Header: "TIMESTAMP", Key: "time", Type: Number, Width: 18, Screen: steps(Step{5, 18}),
			Help:  "monotonic clock of the kernel in ns (--timestamp current)",
			Group: Time, timestamp: Current, Text: monotonic, JSON: monotonic,
		},
		{
			Name: "relative", Header: "TIMESTAMP", Key: "time", Type: Number, Width: 18,
			Screen: Screen{Header: "SINCE-LAST", Text: passedText, Steps: []Step{{5, 10}}},
			Help:   "ns since the packet's previous event, 0 if none (--timestamp relative)",
			Group:  Time, timestamp: Relative, Text: sinceLast, JSON: sinceLast,
		},
		{
			Name: "monotonic", Header: "TIMESTAMP", Key: "monotonic", Type: Number, Width: 18, Screen: steps(Step{62, 18}),
			Help:  "monotonic clock of the kernel in ns (--timestamp absolute)",
			Group: Time, timestamp: Absolute, Text: monotonic, JSON: monotonic,
		},
	}
}

func monotonic(dst []byte, e *event.Event) []byte { return appendUint(dst, e.Time) }

func sinceLast(dst []byte, e *event.Event) []byte { return appendUint(dst, e.Names.SinceLast) }

// passedText appends text like `+59.0ms`, or - for the first event of a packet.
func passedText(dst []byte, e *event.Event) []byte {
	if e.Names.SinceLast == 0 {
		return append(dst, '-')
	}
	return appendDuration(append(dst, '+'), e.Names.SinceLast)
}

// clockText appends the time of day.
func clockText(dst []byte, e *event.Event) []byte {
	return time.Unix(0, e.Names.WallTime).AppendFormat(dst, "15:04:05.000000")
}

func wallText(dst []byte, e *event.Event) []byte {
	return time.Unix(0, e.Names.WallTime).AppendFormat(dst, "2006-01-02T15:04:05.000000")
}

// wallJSON appends the time with the offset from UTC, as RFC 3339 requires, so that it is unambiguous
// in other time zones.
func wallJSON(dst []byte, e *event.Event) []byte {
	return time.Unix(0, e.Names.WallTime).AppendFormat(dst, `"2006-01-02T15:04:05.000000Z07:00"`)
}
