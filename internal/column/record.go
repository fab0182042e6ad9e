// SPDX-License-Identifier: Apache-2.0

package column

import (
	"cmp"

	"tracer/internal/event"
)

// Lost returns the members of the JSON record that marks missing events in the stream.
func Lost() []Column {
	return []Column{
		{Name: "cpu", Key: "cpu", Type: Number, Help: "CPU that lost the events", JSON: cpu},
		{Name: "count", Key: "count", Type: Number, Help: "how many events are missing here", JSON: lossCount},
		{Name: "cause", Key: "cause", Type: String, Help: "why they were lost", JSON: lossCause},
	}
}

// Summary returns the members of the last JSON record of a run.
func Summary() []Column {
	return []Column{
		total("made", "events that matched in the kernel", func(t *event.Totals) uint64 { return t.Matched }),
		total("printed", "events that were printed", func(t *event.Totals) uint64 { return t.Printed }),
		total("withheld", "events withheld by a limit", func(t *event.Totals) uint64 { return t.Suppressed }),
		total("packets", "distinct packets among the printed events (sk_buffs if packets are not followed)", func(t *event.Totals) uint64 { return t.Packets }),
		total("drops", "printed events that dropped a packet, without benign drops", func(t *event.Totals) uint64 { return t.Dropped }),
		byReason("drops_by_reason", "drops that the kernel reports, by reason, most frequent first", func(t *event.Totals) []event.ReasonCount { return t.DropReasons }),
		{Name: "causes", Key: "causes", Type: Array, Help: "drops by cause, most frequent first, see below; empty with --why none", JSON: causes},
		byReason("benign_by_reason", "printed benign drops by reason", func(t *event.Totals) []event.ReasonCount { return t.BenignReasons }),
		byReason("hidden_by_reason", "drops hidden by --drop-hide-benign, by reason", func(t *event.Totals) []event.ReasonCount { return t.HiddenReasons }),
		total("lost", "events that matched but could not be delivered", lostTotal),
		{Name: "lost_by_cause", Key: "lost_by_cause", Type: Object, Help: "lost events by cause", JSON: lostByCause},
		total("evicted", "followed sk_buffs that were evicted from the full table", func(t *event.Totals) uint64 { return t.Evicted }),
		total("dropped_fragments", "dropped fragments without a transport header that the filter did not match (--drop)", func(t *event.Totals) uint64 { return t.Headless }),
		total("missed", "probe hits for which the kernel ran no program, as far as it counts them", func(t *event.Totals) uint64 { return t.Missed }),
		total("unreturned", "printed function calls whose return was not seen", func(t *event.Totals) uint64 { return t.Unreturned }),
		total("without_netns", "events that --filter-netns hid because the packet's namespace was unknown", func(t *event.Totals) uint64 { return t.WithoutNetns }),
		total("without_ifname", "events that --filter-ifname hid because the packet's interface was unknown", func(t *event.Totals) uint64 { return t.WithoutIfname }),
		{Name: "unseen", Key: "unseen", Type: Array, Help: "what a run without events did not look at, see below", JSON: unseen},
		total("duration_ns", "duration of the trace in ns", func(t *event.Totals) uint64 { return t.Duration }),
	}
}

func total(key, help string, of func(*event.Totals) uint64) Column {
	return Column{
		Name: key, Key: key, Type: Number, Help: help,
		JSON: func(dst []byte, e *event.Event) []byte { return appendUint(dst, of(e.Totals)) },
	}
}

func lostTotal(t *event.Totals) uint64 {
	var sum uint64
	for _, n := range t.Lost {
		sum += n
	}
	return sum
}

func byReason(key, help string, of func(*event.Totals) []event.ReasonCount) Column {
	return Column{
		Name: key, Key: key, Type: Object, Help: help,
		JSON: func(dst []byte, e *event.Event) []byte { return appendReasons(dst, of(e.Totals)) },
	}
}

// appendReasons appends an object with the counts by reason; a reason without a name is unknown.
func appendReasons(dst []byte, counts []event.ReasonCount) []byte {
	dst = append(dst, '{')
	for i, r := range counts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, cmp.Or(r.Name, "unknown"))
		dst = appendUint(append(dst, ':'), r.Count)
	}
	return append(dst, '}')
}

func unseen(dst []byte, e *event.Event) []byte {
	dst = append(dst, '[')
	for i, u := range e.Totals.Unseen {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, u.Key)
	}
	return append(dst, ']')
}

func lostByCause(dst []byte, e *event.Event) []byte {
	dst = append(dst, '{')
	for i, n := range e.Totals.Lost {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, event.LossCause(i).Key())
		dst = appendUint(append(dst, ':'), n)
	}
	return append(dst, '}')
}

func lossCount(dst []byte, e *event.Event) []byte { return appendUint(dst, e.Loss.Count) }

func lossCause(dst []byte, e *event.Event) []byte {
	return appendJSONString(dst, e.Loss.Cause.Key())
}
