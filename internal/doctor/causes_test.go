// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"testing"

	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// counted are the counts of a machine that lacks something for some causes.
func counted(by kernel.Backend, lacking map[explain.Lack]int) plan.CauseCounts {
	c := plan.CauseCounts{All: 100, Told: 100, By: by}
	for lack, n := range lacking {
		c.Lacking[lack] = n
		c.Told -= n
	}
	return c
}

func TestCauses(t *testing.T) {
	types := errors.New("no types")
	for name, test := range map[string]struct {
		change              func(*Findings)
		state               State
		found, cost, remedy string
	}{
		"all": {func(*Findings) {}, OK, "100 of 100 causes of drops can be told, with probes of calls by kprobe-multi", "", ""},
		"some": {func(f *Findings) {
			f.Causes = counted(kernel.Kprobe, map[explain.Lack]int{explain.LacksReason: 3, explain.LacksModule: 4})
		}, OK, "93 of 100 causes of drops can be told, with probes of calls by kprobe; 3 have a drop reason that the kernel does not have; 4 are in modules that are not loaded", "", ""},
		"no functions": {
			func(f *Findings) {
				f.Causes = counted(kernel.TracepointBackend, map[explain.Lack]int{explain.LacksFunctions: 40, explain.LacksCode: 2})
			}, Limited,
			"58 of 100 causes of drops can be told; 2 are at functions or need types that the kernel does not have, or can't probe",
			"unknown causes of drops: 40 need values of calls, and no function can be probed", "see the rows of the backends",
		},
		"no module types, no variables": {
			func(f *Findings) {
				f.Causes = counted(kernel.Kprobe, map[explain.Lack]int{explain.LacksModuleTypes: 5, explain.LacksVariables: 6})
			}, Limited,
			"89 of 100 causes of drops can be told, with probes of calls by kprobe",
			"unknown causes of drops: 5 need types of modules that have no BTF; 6 need variables, such as per-CPU counters, whose addresses /proc/kallsyms does not show",
			"boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y; boot a kernel with CONFIG_KALLSYMS_ALL=y, and see the row addresses",
		},
		"no types": {func(f *Findings) { f.Kernel, f.NoTypes = nil, types }, Limited, "not known without the kernel's types", "no causes of drops (--drop, --why)", "see the row kernel types"},
		"no plan":  {func(f *Findings) { f.NoCauses = types }, Limited, "no types", "no causes of drops (--drop, --why)", "see the other rows"},
	} {
		f := healthy()
		test.change(f)
		if got, want := askCauses(f), (outcome{test.state, test.found, test.cost, test.remedy}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestEachLackHasItsText checks that each thing that a machine may lack is named.
func TestEachLackHasItsText(t *testing.T) {
	for lack := explain.NoLack + 1; lack < explain.Lacks; lack++ {
		if lacking[lack].what == "" {
			t.Errorf("%d has no text", lack)
		}
	}
}
