// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"slices"
	"strings"

	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

// allKinds is the word for all kinds of BPF programs.
const allKinds = "all"

func (o *options) programFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.tracesTC, "filter-trace-tc", false, "trace BPF programs of traffic control (tc): entry and verdict")
	fs.BoolVar(&o.tracesXDP, "filter-trace-xdp", false, "trace XDP programs: entry and verdict")
	fs.Var(kindsValue{&o.config.Plan.Programs.Kinds}, "filter-trace-bpf", "trace BPF programs of these `KINDS`, a list of "+strings.Join(plan.ProgramKindNames(), ", ")+" or "+allKinds)
	fs.BoolVar(&o.config.Plan.Programs.Only, "only-bpf", false, "trace only BPF programs (all kinds if none is named), no functions")
}

var programOffers = offers{"filter-trace-bpf": listOf(oneOf(append(plan.ProgramKindNames(), allKinds)...))}

// settlePrograms collects the kinds of BPF programs to trace, and rejects flags that contradict
// --only-bpf.
func (o *options) settlePrograms(*pflag.FlagSet) error {
	c := &o.config
	if o.tracesTC {
		c.Plan.Programs.Kinds = addKinds(c.Plan.Programs.Kinds, "tc")
	}
	if o.tracesXDP {
		c.Plan.Programs.Kinds = addKinds(c.Plan.Programs.Kinds, xdpKind)
	}
	if c.Plan.Programs.Only && len(c.Plan.Programs.Kinds) == 0 {
		c.Plan.Programs.Kinds = plan.ProgramKindNames()
	}
	c.Output.Columns.Program = len(c.Plan.Programs.Kinds) > 0
	if !c.Plan.Programs.Only {
		return nil
	}
	return o.checkOnly()
}

// checkOnly rejects flags about functions and tracepoints.
func (o *options) checkOnly() error {
	c := &o.config
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"filter-func", c.Plan.Func != ""},
		{"filter-func-exclude", c.Plan.FuncExclude != ""},
		{"filter-non-skb-funcs", len(c.NoSkbFuncs) > 0},
		{"filter-track-bpf-helpers", c.Plan.Helpers},
		{"output-bpfmap", c.Output.Columns.BPFMap},
		{"filter-drop-reason", len(c.Drops.Reasons) > 0},
		{"drop", c.Drops.Only},
		{whyFlag, len(o.why) > 0 && !o.explainsNone()},
		{outputWhyFlag, o.outputWhy},
		{"output-return", c.Output.Columns.Return},
		{"output-lookups", len(c.Plan.Lookups) > 0},
		{"output-netfilter", c.Output.Columns.Netfilter},
	} {
		if flag.given {
			return &usageError{
				text: "--" + flag.name + ": cannot be combined with --only-bpf, which traces BPF programs only",
				hint: "use --filter-trace-bpf " + strings.Join(c.Plan.Programs.Kinds, ",") + " instead of --only-bpf to trace functions too",
			}
		}
	}
	return nil
}

// kindsValue is a list of kinds of BPF programs.
type kindsValue struct{ to *[]string }

// Set implements pflag.Value.
func (v kindsValue) Set(s string) error {
	for _, word := range strings.Split(s, ",") {
		switch {
		case word == allKinds:
			*v.to = addKinds(*v.to, plan.ProgramKindNames()...)
		case slices.Contains(plan.ProgramKindNames(), word):
			*v.to = addKinds(*v.to, word)
		default:
			return errors.New("not one of " + strings.Join(plan.ProgramKindNames(), ", ") + ", " + allKinds)
		}
	}
	return nil
}

func (kindsValue) String() string { return "" }

func (kindsValue) Type() string { return "kinds" }

func addKinds(kinds []string, more ...string) []string {
	for _, k := range more {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
