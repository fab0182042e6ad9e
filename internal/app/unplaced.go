// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"tracer/internal/event"
)

// unplacedLines say how many events --filter-netns and --filter-ifname hid because the namespace
// or the interface of the packet was unknown.
func unplacedLines(totals event.Totals) []string {
	var lines []string
	for _, hidden := range []struct {
		count         uint64
		unknown, flag string
	}{
		{totals.WithoutNetns, "network namespace", "--filter-netns"},
		{totals.WithoutIfname, "interface", "--filter-ifname"},
	} {
		if hidden.count > 0 {
			lines = append(lines, fmt.Sprintf("not shown: %s whose %s is unknown (%s)", count(int(hidden.count), "event"), hidden.unknown, hidden.flag))
		}
	}
	return lines
}
