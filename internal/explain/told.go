// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
)

// capturedSpecially are the decisions whose values are read by code of their own in the kernel.
var capturedSpecially = []string{"nft_rule"}

// withoutPacket are decisions of calls that handle no packet, so that no event can have their values.
var withoutPacket = []string{"send_route"}

// isCaptured reports whether the values of a decision are read in the kernel.
func (d *Decision) isCaptured() bool {
	switch {
	case slices.Contains(withoutPacket, d.Name):
		return false
	case d.Special != "":
		return slices.Contains(capturedSpecially, d.Name)
	}
	return d.Counters == nil
}

// isTold reports whether a cause can be told: all values that it needs are read in the kernel. The table has others,
// for which this is still to be built.
func (t *Table) isTold(c *compiled) bool {
	if c.Silent != "" && !(t.Decision(c.Silent).isCaptured() && t.Decision(c.Silent).Dies) {
		return false
	}
	return !slices.ContainsFunc(c.needed(), func(key string) bool {
		name, _, isDecision := strings.Cut(key, ".")
		return isDecision && !t.Decision(name).isCaptured()
	})
}
