// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"tracer/internal/column"
)

// helpWidth is the width of the complete help.
const helpWidth = 100

// completeHelp is the help for `tracer --help`: everything about trace, and a list of the other commands.
func completeHelp() string {
	var b strings.Builder
	b.WriteString(usageLines)
	fmt.Fprintf(&b, "\n%s\n%s\n", sentence(gist), filterWords)
	helpCommands(&b)
	for _, t := range beginTrace(&options{}).topics {
		fmt.Fprintf(&b, "\n%s:\n%s", t.name, usagesOf(t.flags(), helpWidth))
	}
	helpExamples(&b, examples)
	helpColumns(&b)
	helpExits(&b)
	return b.String()
}

const usageLines = `Usage: tracer [flags] [pcap filter]
       tracer COMMAND
`

func helpCommands(b *strings.Builder) {
	b.WriteString("\nCommands (a command is the first argument):\n")
	for _, c := range shownCommands() {
		fmt.Fprintf(b, "  tracer %-25s %s\n", c.usage(), c.help)
	}
}

func helpExamples(b *strings.Builder, list []example) {
	b.WriteString("\nExamples:\n")
	for _, e := range list {
		fmt.Fprintf(b, "  %s\n        %s\n", e.line, e.what)
	}
}

// helpColumns lists the output columns.
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

// sentence turns a clause into a sentence.
func sentence(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] + "." }
