// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"tracer/internal/column"
)

// help is the whole help text.
func help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: tracer [flags] [pcap filter]\n\n%s %s\n", sentence(gist), filterWords)
	helpCommands(&b)
	for _, t := range topics() {
		fmt.Fprintf(&b, "\n%s:\n%s", t.name, t.flagsOf(&options{}).FlagUsages())
	}
	helpExamples(&b)
	helpColumns(&b)
	helpExits(&b)
	return b.String()
}

func helpCommands(b *strings.Builder) {
	b.WriteString("\nCommands, as the first word:\n")
	for _, c := range shownCommands() {
		fmt.Fprintf(b, "  tracer %-25s %s\n", c.usage(), c.help)
	}
}

func helpExamples(b *strings.Builder) {
	b.WriteString("\nExamples:\n")
	for _, e := range examples {
		fmt.Fprintf(b, "  %s\n        %s\n", e.line, e.what)
	}
}

// helpColumns lists the output from the table that makes it.
func helpColumns(b *strings.Builder) {
	fmt.Fprintf(b, "\nOutput columns: %s\n", columnsNote)
	for _, c := range column.All() {
		fmt.Fprintf(b, "  %-10s %-15s %s\n", c.Header, c.Name, c.Help)
	}
}

func helpExits(b *strings.Builder) {
	var all []string
	for _, e := range exits {
		all = append(all, fmt.Sprintf("%d %s", e.code, e.meaning))
	}
	fmt.Fprintf(b, "\nExit codes: %s.\n", strings.Join(all, ", "))
}

// sentence makes one of a clause.
func sentence(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] + "." }
