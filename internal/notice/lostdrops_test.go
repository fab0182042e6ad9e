// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// TestLostDrops checks what the warnings at the end say about drops and causes.
func TestLostDrops(t *testing.T) {
	for name, test := range map[string]struct {
		plan   *plan.Plan
		totals event.Totals
		want   string
	}{
		"no plan":   {nil, event.Totals{Evicted: 3, Missed: 2}, ""},
		"all rows":  {&plan.Plan{Backend: kernel.Kprobe}, event.Totals{Evicted: 3, Missed: 2}, ""},
		"no losses": {dropPlan(9, true), event.Totals{}, ""},
		"followed": {
			dropPlan(9, true), event.Totals{Evicted: 3, Missed: 1},
			"warning: 3 sk_buffs could not be followed to the end (--track-entries): their drops are missing unless they match the filter there, and causes may be unknown\n" +
				"warning: the kernel did not run a program for 1 probe hit: drops, also of followed packets, may be missing, and causes may be unknown\n",
		},
		"without causes": {
			dropPlan(0, true), event.Totals{Evicted: 1, Missed: 2},
			"warning: 1 sk_buff could not be followed to the end (--track-entries): their drops are missing unless they match the filter there\n" +
				"warning: the kernel did not run a program for 2 probe hits: drops, also of followed packets, may be missing\n",
		},
		"not followed": {
			dropPlan(9, false), event.Totals{Missed: 2},
			"warning: the kernel did not run a program for 2 probe hits: drops may be missing, and causes may be unknown\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := lines(false, func(n *Notifier) { n.plan = test.plan; n.lostDrops(test.totals) })
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// dropPlan is a plan of --drop that keeps the values of so many decisions, and with --filter-track-skb if follows is set.
func dropPlan(decisions uint32, follows bool) *plan.Plan {
	p := &plan.Plan{Backend: kernel.Kprobe, Asked: plan.Options{Drop: plan.Drop{Only: true}}}
	p.BPF.Config = bpf.Config{FollowMatched: follows, Decisions: decisions}
	return p
}

// TestUnfollowedDrops checks that the warning at the start says what it means for drops.
func TestUnfollowedDrops(t *testing.T) {
	for want, p := range map[string]*plan.Plan{
		"": {},
		". Drops after them are shown only if the packet matches the filter there":                                  dropPlan(0, true),
		". Drops after them are shown only if the packet matches the filter there, and their causes may be unknown": dropPlan(9, true),
	} {
		if got := unfollowedDrops(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
