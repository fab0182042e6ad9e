// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"tracer/internal/kernel"
)

// fewNames is the length up to which a list of names is always printed.
const fewNames = 64

// Print prints the plan: the backend, what is attached, and the filter as classic BPF and as eBPF. It
// prints more than fewNames functions only if all is true or if the user has a function filter.
func (p *Plan) Print(w io.Writer, all bool) error {
	b := bufio.NewWriter(w)
	all = all || p.Asked.Func != ""
	fmt.Fprintf(b, "backend      %s\n", p.Backend)
	for _, line := range p.Reasons() {
		fmt.Fprintf(b, "             %s\n", line)
	}
	printNames(b, "functions", p.functionNames(), all)
	if p.Returns != "" {
		fmt.Fprintf(b, "returns      %s\n", p.ReturnsBy())
	}
	for _, note := range p.Notes {
		fmt.Fprintf(b, "note         %s\n", note)
	}
	printNames(b, "tracepoints", p.tracepointNames(), all)
	if p.BPF.Config.OnlyDrops {
		printNames(b, "followed by", slices.Concat(namesOf(p.MatchFunctions), p.MatchTracepoints()), all)
	}
	printList(b, "BPF programs", p.programKinds())
	fmt.Fprintf(b, "own programs %d\n", len(p.BPF.Programs)+len(p.BPF.Tracers))
	fmt.Fprintf(b, "ring buffer  %dK\n", p.BPF.RingSize>>10)
	p.printOtherFilters(b)
	p.printDrop(b)
	if most := p.Asked.Settings.MaxPerSecond; most != 0 {
		fmt.Fprintf(b, "event limit  %d per second\n", most)
	}
	p.printFilter(b)
	return b.Flush()
}

// lineWidth is the width at which lists of names are wrapped.
const lineWidth = 100

// printNames prints the number of names, and the names below it.
func printNames(w io.Writer, what string, names []string, all bool) {
	fmt.Fprintf(w, "%-12s %d\n", what, len(names))
	if all || len(names) <= fewNames {
		printLines(w, names)
	}
}

func printLines(w io.Writer, names []string) {
	line := ""
	for _, name := range names {
		if line != "" && len(line)+1+len(name) > lineWidth {
			fmt.Fprintf(w, " %s\n", line)
			line = ""
		}
		line += " " + name
	}
	if line != "" {
		fmt.Fprintf(w, " %s\n", line)
	}
}

// printOtherFilters prints the filters by network namespace, interface, task, mark and expression on the sk_buff.
func (p *Plan) printOtherFilters(w io.Writer) {
	c := p.BPF.Config
	printList(w, "netns", c.NetnsIn[:c.NetnsInCount])
	printList(w, "not netns", c.NetnsOut[:c.NetnsOutCount])
	printList(w, "iface", p.Asked.Ifnames.In)
	printList(w, "not iface", p.Asked.Ifnames.Out)
	printList(w, "process", p.Asked.TaskFilter.PIDs)
	printList(w, "comm", p.Asked.TaskFilter.Comms)
	printList(w, "cgroup", p.Asked.TaskFilter.Cgroups)
	if c.MarkMask != 0 {
		fmt.Fprintf(w, "mark         %#x/%#x\n", c.Mark, c.MarkMask)
	}
	if p.Asked.SkbExpr != "" {
		fmt.Fprintf(w, "skb expr     %s\n", p.Asked.SkbExpr)
	}
}

// printDrop prints the filters on drop reasons.
func (p *Plan) printDrop(w io.Writer) {
	d := p.Asked.Drop
	printList(w, "reason", d.Reasons)
	printList(w, "not reason", d.NotReasons)
	if p.Asked.Settings.HideBenign {
		printList(w, "not benign", benignNames())
	}
}

func printList[T any](w io.Writer, what string, list []T) {
	if len(list) > 0 {
		fmt.Fprintf(w, "%-12s %v\n", what, strings.Trim(fmt.Sprint(list), "[]"))
	}
}

func (p *Plan) printFilter(w io.Writer) {
	if p.Asked.Filter == nil {
		fmt.Fprintln(w, "filter       none: every packet matches")
	}
	for _, f := range p.filters() {
		fmt.Fprintf(w, "%-12s %s\n", f.name, f.program.Expr)
		fmt.Fprintf(w, "classic BPF\n%s", indent(f.program.ClassicText()))
		fmt.Fprintf(w, "eBPF\n%s", indent(f.program.EBPFText()))
	}
}

// Reasons returns why each better backend does not run, one line each.
func (p *Plan) Reasons() []string {
	var lines []string
	for _, rejected := range p.Rejected {
		lines = append(lines, fmt.Sprintf("not %s: %v", rejected.Backend, rejected.Reason))
	}
	return lines
}

func (p *Plan) functionNames() []string { return namesOf(p.Functions) }

func namesOf(functions []kernel.Function) []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.Name
		if f.Module != "" {
			names[i] += "[" + f.Module + "]"
		}
	}
	return names
}

func (p *Plan) tracepointNames() []string {
	names := make([]string, len(p.Tracepoints))
	for i, t := range p.Tracepoints {
		names[i] = t.Name
	}
	return names
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// PrintUnprivileged prints the part of a plan that needs no privileges: the filter, and what is lacking
// for the rest.
func PrintUnprivileged(w io.Writer, o Options, lacking error) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "backend      unknown: %v\n", lacking)
	(&Plan{Asked: o}).printFilter(b)
	return b.Flush()
}
