// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// runs reports whether a backend works.
func (f *Findings) runs(b kernel.Backend) bool {
	p, known := f.Plans[b]
	return known && p.Reason == nil
}

// best returns the backend that tracing would use; empty if none works.
func (f *Findings) best() kernel.Backend {
	i := slices.IndexFunc(kernel.Backends, f.runs)
	if i < 0 || f.NoRing != nil {
		return ""
	}
	return kernel.Backends[i]
}

func (f *Findings) backend(b kernel.Backend) outcome {
	if f.runs(b) {
		return fine("attaches to " + f.Plans[b].String())
	}
	reason := f.Plans[b].Reason
	if reason == nil {
		reason = cmp.Or(f.NoTypes, kernel.ErrNotAsked)
	}
	o := outcome{Limited, reason.Error(), f.costOf(b), f.remedy(reason, "see the other rows")}
	if f.best() == "" {
		o.state = Missing
	}
	return o
}

func (p Planned) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
	}{{p.Functions, "function"}, {p.Tracepoints, "tracepoint"}} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.noun)
		case part.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", part.n, part.noun))
		}
	}
	return strings.Join(parts, " and ")
}

// costOf returns what is lost if backend b does not work. That depends on the backend that is used instead.
func (f *Findings) costOf(b kernel.Backend) string {
	switch best := f.best(); {
	case best == "":
		return "nothing can be traced"
	case slices.Index(kernel.Backends, best) < slices.Index(kernel.Backends, b):
		return fmt.Sprintf("none: %s works and is better", best)
	default:
		return best.Describe().Cost
	}
}

func askReturns(f *Findings) outcome {
	if f.Returns == "" {
		return outcome{
			Limited, "can't be traced", "no --output-return, no --output-lookups, and replies created while handling a packet are not followed", "see the rows above for a backend that traces functions",
		}
	}
	way := f.Returns.Describe()
	if way.Cost == "" {
		return fine("by " + string(f.Returns))
	}
	return outcome{Limited, "by " + string(f.Returns) + fewerBecause(f.facts().NoSession), way.Cost, way.Remedy}
}

func fewerBecause(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func askDrops(f *Findings) outcome {
	facts := f.facts()
	point := slices.ContainsFunc(facts.Tracepoints, func(t kernel.Tracepoint) bool { return t.Name == "kfree_skb" })
	switch {
	case !point:
		return outcome{Limited, "the kernel has no tracepoint kfree_skb", "drops are not shown (--drop)", "boot a kernel with CONFIG_TRACEPOINTS=y"}
	case len(facts.Reasons) == 0:
		return outcome{Limited, "shown with their location, without a reason", "fewer causes of drops are known (--drop, --why)", "boot a kernel of 5.17 or newer"}
	}
	return fine(fmt.Sprintf("shown with their location and one of %d reasons", len(facts.Reasons)))
}

func askDirect(f *Findings) outcome {
	err := f.facts().NoDirect
	if err == nil {
		return fine("BPF programs load kernel memory directly (bpf_rdonly_cast)")
	}
	return outcome{
		Limited, err.Error(), "packets that do not match the filter cost about three times as much", f.remedy(err, "boot a kernel of 6.2 or newer"),
	}
}

func askPrograms(f *Findings) outcome {
	err := f.facts().Untraceable
	if err == nil {
		return fine("can be traced (fentry, fexit)")
	}
	o := outcome{Limited, err.Error(), "no --filter-trace-tc, --filter-trace-xdp and --filter-trace-bpf", hint(err)}
	if !f.Capabilities.Has(unix.CAP_SYS_ADMIN) {
		o.remedy = f.grant("CAP_SYS_ADMIN")
	}
	o.remedy = cmp.Or(o.remedy, "boot a kernel with BPF trampolines: amd64 5.5, arm64 6.0")
	return o
}

func askTailCalls(f *Findings) outcome {
	facts := f.facts()
	if facts.Untraceable != nil {
		return outcome{Limited, "BPF programs can't be traced", "the entry of tail-called BPF programs is not shown", "see the row BPF programs"}
	}
	if facts.NoBreakpoints == nil {
		return fine("can be traced")
	}
	return outcome{Limited, facts.NoBreakpoints.Error(), "the entry of tail-called BPF programs is not shown", "boot a kernel of 6.10 or newer"}
}

func askRing(f *Findings) outcome {
	if f.NoRing == nil {
		return fine("available for events")
	}
	return outcome{Missing, f.NoRing.Error(), "nothing can be traced", f.remedy(f.NoRing, "boot a kernel of 5.8 or newer")}
}

func askTables(f *Findings) outcome {
	switch {
	case f.Kernel == nil:
		return fine("not known without the kernel's types")
	case f.Tables.BuiltIn:
		return fine("nf_tables is built in: tables and chains can be shown (--output-netfilter)")
	case !f.Tables.Loaded:
		return fine("nf_tables is not loaded")
	case f.Tables.Described:
		return fine("tables and chains can be shown (--output-netfilter --kmods nf_tables)")
	}
	return outcome{
		Limited, "nf_tables has no BTF", "no nftables rules (--drop), no tables and chains (--output-netfilter)",
		"boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y",
	}
}

func askConntrack(f *Findings) outcome {
	switch {
	case f.Kernel == nil:
		return fine("not known without the kernel's types")
	case f.Conntrack:
		return fine("connections can be shown (--output-conntrack)")
	case !f.ConntrackLoaded:
		return fine("nf_conntrack is not loaded")
	}
	return outcome{
		Limited, kernel.ErrNotDescribed("nf_conn", "nf_conntrack").Error(),
		"--output-conntrack shows only the state of a packet's connection", "boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y",
	}
}
