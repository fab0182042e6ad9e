// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"tracer/internal/complete"
	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func (o *options) funcFlags(fs *pflag.FlagSet) {
	c := &o.config
	fs.Var(checked(&c.Plan.Func, checkRegexp), "filter-func", "trace only functions whose whole name matches this RE2 `REGEXP`; presets: "+strings.Join(plan.PresetNames(), " "))
	fs.Var(checked(&c.Plan.FuncExclude, checkRegexp), "filter-func-exclude", "do not trace functions whose whole name matches this RE2 `REGEXP`")
	fs.Var(patterns(&c.NoSkbFuncs), "filter-non-skb-funcs", "also trace these functions without an skb argument while they run for a packet: a list of names or `REGEXPS`")
	fs.BoolVar(&c.Plan.Helpers, "filter-track-bpf-helpers", false, "also trace the helpers and kfuncs that BPF programs call for a packet")
	fs.StringSliceVar(&c.Kernel.Modules, "kmods", nil, "also trace functions of these kernel `MODULES`, a list")
	fs.BoolVar(&c.Kernel.AllModules, "all-kmods", false, "also trace functions of all modules that have BTF")
}

var funcOffers = offers{
	"filter-func":          functionsOffer,
	"filter-func-exclude":  functionsOffer,
	"filter-non-skb-funcs": inside(",|(", complete.AllFunctions),
	"kmods":                listOf(seen(complete.Modules)),
}

// functionsOffer completes the last name in a regular expression.
var functionsOffer = inside("|(", sum(oneOf(plan.PresetNames()...), seen(complete.Functions)))
