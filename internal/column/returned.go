// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"
	"time"

	"tracer/internal/event"
)

func returnColumns() []Column {
	return []Column{
		{
			Name: "return", Key: "return", Type: Object,
			Help:  "return value of the function: value and name; null at its entry",
			Group: Return, JSON: returned,
		},
		{
			Name: "duration_ns", Key: "duration_ns", Type: Number, Help: "time spent in the function or BPF program in ns, null at its entry",
			Group: Duration, JSON: duration,
		},
	}
}

func hasResult(e *event.Event) bool { return e.Kind.IsReturn() || e.Kind == event.Verdict }

// appendReturned appends text like `=0(NET_RX_SUCCESS) took=12.3us`.
func appendReturned(dst []byte, e *event.Event) []byte {
	if !hasResult(e) {
		return dst
	}
	dst = append(dst, '=')
	if r := &e.Names.Result; r.Class == event.NoResult {
		dst = append(dst, "void"...)
	} else if dst = appendResult(dst, r); r.Name != "" {
		dst = append(append(append(dst, '('), r.Name...), ')')
	}
	return appendDuration(append(dst, " took="...), e.Return.Duration)
}

func appendResult(dst []byte, r *event.Result) []byte {
	switch r.Class {
	case event.SignedResult:
		return strconv.AppendInt(dst, int64(r.Value), 10)
	case event.PointerResult:
		return appendHex(dst, r.Value)
	}
	return appendUint(dst, r.Value)
}

// units are the units of durations, the largest first.
var units = []struct {
	size time.Duration
	name string
}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}}

// appendDuration appends a duration with one decimal, in the largest unit in which it is at least 1.
func appendDuration(dst []byte, ns uint64) []byte {
	for _, unit := range units {
		if size := uint64(unit.size); ns >= size {
			dst = appendUint(dst, ns/size)
			dst = appendUint(append(dst, '.'), ns%size/(size/10))
			return append(dst, unit.name...)
		}
	}
	return append(appendUint(dst, ns), "ns"...)
}

func returned(dst []byte, e *event.Event) []byte {
	if !e.Kind.IsReturn() {
		return appendNull(dst)
	}
	return appendResultObject(dst, &e.Names.Result)
}

func appendResultObject(dst []byte, r *event.Result) []byte {
	dst = append(dst, `{"value":`...)
	switch r.Class {
	case event.NoResult:
		dst = appendNull(dst)
	case event.PointerResult:
		dst = appendHexString(dst, r.Value)
	default:
		dst = appendResult(dst, r)
	}
	dst = append(dst, `,"name":`...)
	return append(appendStringOrNull(dst, r.Name), '}')
}

func duration(dst []byte, e *event.Event) []byte {
	if !hasResult(e) {
		return appendNull(dst)
	}
	return appendUint(dst, e.Return.Duration)
}
