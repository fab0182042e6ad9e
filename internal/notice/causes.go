// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"slices"

	"tracer/internal/column"
	"tracer/internal/event"
	"tracer/internal/printable"
)

// drops reports the printed drops by cause, or by reason if no cause is known.
func (n *Notifier) drops(totals event.Totals) {
	if totals.Dropped == 0 {
		return
	}
	if !slices.ContainsFunc(totals.Causes, isKnown) {
		n.info("drops", "%s: %s", count(int(totals.Dropped), "drop"), reasonCounts(totals.Dropped, unexplained(totals)))
		return
	}
	n.info("drops", "%s:", count(int(totals.Dropped), "drop"))
	for i := range totals.Causes {
		if c := &totals.Causes[i]; isKnown(*c) {
			n.send(Notice{Key: "drop_cause", Text: causeLine(c), Fields: []Field{{"cause", *c}}})
		}
	}
	if unknown := unexplained(totals); len(unknown) > 0 {
		total := sumOf(unknown)
		n.info("drop_cause_unknown", "  %d × unknown cause: %s", total, reasonCounts(total, unknown))
	}
}

func isKnown(c event.CauseCount) bool { return c.Cause != event.UnknownCause }

// causeLine returns a line like `  2 × no-route: no route to 10.9.0.2  (first: 10.1.0.2:4000->10.9.0.2:53(udp))`.
func causeLine(c *event.CauseCount) string {
	if c.Cause == event.OtherCauses {
		return fmt.Sprintf("  and %s: %s", moreCauses(c.Groups), count(int(c.Count), "drop"))
	}
	line := fmt.Sprintf("  %d × %s%s", c.Count, printable.Text(c.Cause), groupsNote(c.Groups))
	if c.Text != "" {
		line += ": " + printable.Text(c.Text)
	}
	if tuple := column.TupleText(&c.Tuple); tuple != "" {
		title := "first"
		if c.Groups != 1 {
			title = "for example"
		}
		line += "  (" + title + ": " + tuple + ")"
	}
	return line
}

func moreCauses(groups uint64) string {
	switch groups {
	case 0:
		return "many more causes"
	case 1:
		return "1 more cause"
	}
	return fmt.Sprintf("%d more causes", groups)
}

// groupsNote says that the line is about several rules, sockets or devices.
func groupsNote(groups uint64) string {
	switch groups {
	case 0:
		return " (many different)"
	case 1:
		return ""
	}
	return fmt.Sprintf(" (%d different)", groups)
}

// unexplained returns the counts by reason of the drops whose cause is unknown. Without counts by cause, these are all drops.
func unexplained(totals event.Totals) []event.ReasonCount {
	if len(totals.Causes) == 0 {
		return totals.DropReasons
	}
	var list []event.ReasonCount
	for _, c := range totals.Causes {
		if c.Cause == event.UnknownCause {
			list = append(list, event.ReasonCount{Name: c.Reason, Count: c.Count})
		}
	}
	return list
}

func sumOf(counts []event.ReasonCount) (sum uint64) {
	for _, r := range counts {
		sum += r.Count
	}
	return sum
}
