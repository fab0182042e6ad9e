// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"tracer/internal/column"
	"tracer/internal/explain"
	"tracer/internal/plan"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// settleWhy selects the families of causes that are looked for: those of --why; without that flag all if the column why is
// printed, else none.
func (o *options) settleWhy(fs *pflag.FlagSet) error {
	if err := o.checkWhy(); err != nil {
		return err
	}
	shown := column.Needs(o.config.Output.Columns)[column.Why]
	switch {
	case o.explainsNone() && shown:
		return &usageError{text: o.whyTyped() + ": --output-columns names why, and no causes are looked for", hint: "leave out one of the two"}
	case o.explainsNone():
		return nil
	case fs.Changed(whyFlag) && !slices.Contains(o.why, allFamilies):
		o.config.Why = o.why
	case fs.Changed(whyFlag) || shown:
		o.config.Why = explain.Families()
	}
	return o.checkExplained(fs)
}

// checkExplained returns an error if causes are requested and no drops are traced.
func (o *options) checkExplained(fs *pflag.FlagSet) error {
	c := &o.config
	if c.Why == nil {
		return nil
	}
	if c.Plan.Programs.Only {
		return &usageError{text: o.whyAsked(fs) + ": --only-bpf traces BPF programs, no drops", hint: "leave out one of the two"}
	}
	if traced, err := plan.SelectsDrops(c.Plan.Func, ""); err != nil || !traced {
		return o.withoutDrops(fs, "filter-func", c.Plan.Func, "use --filter-func "+shellWord(c.Plan.Func+"|"+dropTracepoint), err)
	}
	if traced, err := plan.SelectsDrops("", c.Plan.FuncExclude); err != nil || !traced {
		return o.withoutDrops(fs, "filter-func-exclude", c.Plan.FuncExclude, "exclude less", err)
	}
	return nil
}

// withoutDrops returns err, or else the error for a choice of functions without the drop tracepoint.
func (o *options) withoutDrops(fs *pflag.FlagSet, flag, value, hint string, err error) error {
	if err != nil {
		return err
	}
	return &usageError{text: fmt.Sprintf("%s: --%s %s leaves out the drop tracepoint, %s", o.whyAsked(fs), flag, printable.Quote(value), dropTracepoint), hint: hint}
}

// whyAsked returns the flag that requests causes, as in error messages.
func (o *options) whyAsked(fs *pflag.FlagSet) string {
	switch {
	case fs.Changed(whyFlag):
		return o.whyTyped()
	case o.outputWhy:
		return "--" + outputWhyFlag
	}
	return `--output-columns "why"`
}
