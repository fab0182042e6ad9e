// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/event"
	"tracer/internal/printable"
)

const (
	// mostReasons bounds the reasons that are counted separately. The kernel has about 120 and
	// subsystems add some; a number without a name can be any number.
	mostReasons = 1 << 10
	// otherReasons is the name for all others.
	otherReasons = "other"
	// namedReasons is the number of reasons in the last line.
	namedReasons = 5
)

// dropReasons counts drops by the names of their reasons.
type dropReasons map[string]uint64

func (r *dropReasons) count(e *event.Event) {
	if *r == nil {
		*r = dropReasons{}
	}
	name := e.Names.Reason
	if _, known := (*r)[name]; !known && len(*r) >= mostReasons {
		name = otherReasons
	}
	(*r)[name]++
}

// list has the most frequent first.
func (r dropReasons) list() []event.ReasonCount {
	var list []event.ReasonCount
	for name, n := range r {
		list = append(list, event.ReasonCount{Name: name, Count: n})
	}
	slices.SortFunc(list, func(a, b event.ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// dropLine is like `3 drops: 2 × NETFILTER_DROP, 1 × NO_SOCKET`.
func dropLine(totals event.Totals) string {
	var parts []string
	rest := totals.Dropped
	for _, r := range totals.DropReasons[:min(len(totals.DropReasons), namedReasons)] {
		parts = append(parts, fmt.Sprintf("%d × %s", r.Count, reasonName(r.Name)))
		rest -= r.Count
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d × %s", rest, otherReasons))
	}
	return count(int(totals.Dropped), "drop") + ": " + strings.Join(parts, ", ")
}

// broadReasons explains reasons that the kernel also gives for other drops than their names say
// (seen on 7.3).
var broadReasons = map[string]string{
	"SOCKET_FILTER":   "the kernel gives this reason also for drops by BPF programs of control groups (ingress)",
	"RECURSION_LIMIT": "the kernel gives this reason also if the transmit queue of a device without a queueing discipline is stopped",
}

// reasonNotes are the explanations of the broad reasons among the printed drops.
func reasonNotes(totals event.Totals) []string {
	var notes []string
	for _, r := range totals.DropReasons {
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
