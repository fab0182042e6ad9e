// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Print tells the plan: backend, what is attached, and the filter as classic
// BPF and as eBPF.
func (p *Plan) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "backend      %s\n", p.Backend)
	for _, line := range p.Reasons() {
		fmt.Fprintf(b, "             %s\n", line)
	}
	fmt.Fprintf(b, "functions    %d\n", len(p.Functions))
	fmt.Fprintf(b, "tracepoints  %d", len(p.Tracepoints))
	if len(p.Tracepoints) > 0 {
		fmt.Fprintf(b, " (%s)", strings.Join(p.tracepointNames(), " "))
	}
	fmt.Fprintf(b, "\nprograms     %d\n", len(p.BPF.Programs))
	fmt.Fprintf(b, "ring buffer  %d bytes\n", p.BPF.RingSize)
	p.printFilter(b)
	return b.Flush()
}

func (p *Plan) printFilter(w io.Writer) {
	if p.Filter == nil {
		fmt.Fprintln(w, "filter       none: every skb")
		return
	}
	fmt.Fprintf(w, "filter       %s\n", p.Filter.Expr)
	fmt.Fprintf(w, "classic BPF\n%s", indent(p.Filter.ClassicText()))
	fmt.Fprintf(w, "eBPF\n%s", indent(p.Filter.EBPFText()))
}

// Reasons says of each better backend why it does not run, a line each.
func (p *Plan) Reasons() []string {
	var lines []string
	for _, passed := range p.Passed {
		lines = append(lines, fmt.Sprintf("not %s: %v", passed.Backend, passed.Reason))
	}
	return lines
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

// PrintUnprivileged tells as much of a plan as can be known without privileges:
// the filter, and what is lacking for the rest.
func PrintUnprivileged(w io.Writer, o Options, lacking error) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "backend      not known: %v\n", lacking)
	(&Plan{Filter: o.Filter}).printFilter(b)
	return b.Flush()
}
