// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
)

// capturedSpecially are the decisions with Special whose values are read by BPF code of their own.
var capturedSpecially = []string{"nft_rule", "xt_rule", "ebt_rule", xdpProgram, xdpRedirect}

// withoutPacket are decisions of calls that have no packet, so no event can have their values.
var withoutPacket = []string{"send_route"}

// isCaptured reports whether BPF programs read the values of a decision.
func (d *Decision) isCaptured() bool {
	switch {
	case slices.Contains(withoutPacket, d.Name):
		return false
	case d.Special != "":
		return slices.Contains(capturedSpecially, d.Name)
	}
	return true
}

// isTold reports whether BPF programs read all values that a cause needs. The table also has causes for which they do
// not, with the reason in Untold.
func (t *Table) isTold(c *compiled) bool {
	if c.Silent != "" && !(t.Decision(c.Silent).isCaptured() && t.Decision(c.Silent).Dies) {
		return false
	}
	return !slices.ContainsFunc(c.needed(), func(key string) bool {
		name, _, isDecision := strings.Cut(key, ".")
		return isDecision && !t.Decision(name).isCaptured()
	})
}
