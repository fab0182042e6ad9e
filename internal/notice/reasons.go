// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"strings"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/printable"
)

// namedReasons is the number of reasons in a line of drops.
const namedReasons = 5

// reasonLine is like `hidden: 3 × OTHERHOST, 1 × NO_SOCKET`.
func reasonLine(what string, counts []event.ReasonCount) string {
	var parts []string
	for _, r := range counts {
		parts = append(parts, reasonCount(r.Count, reasonName(r.Name)))
	}
	return what + ": " + strings.Join(parts, ", ")
}

// reasonCounts returns text like `2 × NETFILTER_DROP, 1 × NO_SOCKET`, which ends with those of drops that have other reasons.
func reasonCounts(drops uint64, reasons []event.ReasonCount) string {
	var parts []string
	rest := drops
	for _, r := range reasons[:min(len(reasons), namedReasons)] {
		parts = append(parts, reasonCount(r.Count, reasonName(r.Name)))
		rest -= r.Count
	}
	if rest > 0 {
		parts = append(parts, reasonCount(rest, journey.OtherReasons))
	}
	return strings.Join(parts, ", ")
}

func reasonCount(n uint64, name string) string { return fmt.Sprintf("%d × %s", n, name) }

// broadReasons explains reasons that the kernel also gives for drops that do not match their names (seen on
// 7.3).
var broadReasons = map[string]string{
	"SOCKET_FILTER":   "the kernel gives this reason also for drops by BPF programs of control groups (ingress)",
	"RECURSION_LIMIT": "the kernel gives this reason also if the transmit queue of a device without a queueing discipline is stopped",
}

// reasonNotes are the explanations of the broad reasons among the printed drops whose cause is unknown.
func reasonNotes(totals event.Totals) []string {
	var notes []string
	for _, r := range unexplained(totals) {
		name := reasonName(r.Name)
		if note := broadReasons[name]; note != "" {
			notes = append(notes, name+": "+note)
		}
	}
	return notes
}

func reasonName(name string) string {
	if name == "" {
		return "no reason given (kernel before 5.17)"
	}
	return printable.Text(strings.TrimPrefix(name, event.ReasonPrefix))
}
