// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"

	"tracer/internal/explain"
)

// The reasons why packets that end without a drop event are not seen.
const (
	leftOutByWhy = "--why leaves them out"
	needsXDP     = "only with --filter-trace-xdp"
	noFunctions  = "no function can be probed: `tracer doctor`"
	noFunction   = "this kernel has no function for them that can be probed"
)

// silentDrops lists the causes by which packets may have ended unseen, since the kernel reports no drop for them, and why
// they were not looked for. It is empty if all were.
func (v *view) silentDrops() string {
	causes, err := explain.SilentCauses()
	if err != nil || !v.plan.Asked.Drop.Only {
		return ""
	}
	var parts []string
	for _, reason := range []string{leftOutByWhy, needsXDP, noFunctions, noFunction} {
		var ids []string
		for _, c := range causes {
			if v.whyUnseen(c) == reason {
				ids = append(ids, c.ID)
			}
		}
		if ids != nil {
			parts = append(parts, strings.Join(ids, ", ")+" ("+reason+")")
		}
	}
	return strings.Join(parts, "; ")
}

// whyUnseen returns why the run does not look for drops by a silent cause; empty if it does.
func (v *view) whyUnseen(c *explain.Cause) string {
	p := v.plan
	switch {
	case !slices.Contains(p.Asked.Why, c.Family):
		return leftOutByWhy
	case c.NeedsXDP() && p.BPF.Config.Xdp:
		return ""
	case c.NeedsXDP():
		return needsXDP
	case !p.ProbesFunctions():
		return noFunctions
	case p.Why == nil || !p.Why.Reads(c.Silent):
		return noFunction
	}
	return ""
}
