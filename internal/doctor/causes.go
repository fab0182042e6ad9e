// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"

	"tracer/internal/explain"
	"tracer/internal/plan"
)

// lacking says for each kind of what a machine lacks for causes what that is, and how to get it. Without a remedy, the
// kernel does not have it, or it appears when a module is loaded.
var lacking = [explain.Lacks]struct{ what, remedy string }{
	explain.LacksFunctions:   {"need values of calls, and no function can be probed", "see the rows of the backends"},
	explain.LacksPrograms:    {"need traced BPF programs", "see the row BPF programs"},
	explain.LacksModuleTypes: {"need types of modules that have no BTF", "boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y"},
	explain.LacksVariables:   {"need variables, such as per-CPU counters, whose addresses /proc/kallsyms does not show", "boot a kernel with CONFIG_KALLSYMS_ALL=y, and see the row addresses"},
	explain.LacksAllReasons:  {"need drop reasons, which the kernel does not have", "boot a kernel of 5.17 or newer"},
	explain.LacksReason:      {"have a drop reason that the kernel does not have", ""},
	explain.LacksModule:      {"are in modules that are not loaded", ""},
	explain.LacksCode:        {"are at functions or need types that the kernel does not have, or can't probe", ""},
}

// askCauses tells how many causes of drops can be told.
func askCauses(f *Findings) outcome {
	switch {
	case f.Kernel == nil:
		return outcome{Limited, "not known without the kernel's types", "no causes of drops (--drop, --why)", "see the row kernel types"}
	case f.NoCauses != nil:
		return outcome{Limited, f.NoCauses.Error(), "no causes of drops (--drop, --why)", f.remedy(f.NoCauses, "see the other rows")}
	}
	o := fine(causesFound(f.Causes))
	var costs, remedies []string
	for lack, n := range f.Causes.Lacking {
		if n == 0 || lacking[lack].remedy == "" {
			continue
		}
		costs = append(costs, fmt.Sprintf("%d %s", n, lacking[lack].what))
		remedies = append(remedies, lacking[lack].remedy)
	}
	if costs != nil {
		o.state, o.cost, o.remedy = Limited, "unknown causes of drops: "+strings.Join(costs, "; "), strings.Join(remedies, "; ")
	}
	return o
}

// causesFound is like `190 of 246 causes of drops can be told, those that need calls by kprobe-multi; 12 are in modules
// that are not loaded`.
func causesFound(c plan.CauseCounts) string {
	found := fmt.Sprintf("%d of %d causes of drops can be told", c.Told, c.All)
	if c.By.Describe().Functions {
		found += fmt.Sprintf(", with probes of calls by %s", c.By)
	}
	for lack, n := range c.Lacking {
		if n > 0 && lacking[lack].remedy == "" {
			found += fmt.Sprintf("; %d %s", n, lacking[lack].what)
		}
	}
	return found
}
