// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// valuesMost is the greatest number of values that the help of a flag lists.
const valuesMost = 12

// flagPage is the help of a flag of the call.
func flagPage(c *call, f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", strings.TrimSpace("--"+f.Name+" "+value), fill(sentence(usage), "  "))
	for _, field := range []struct{ name, text string }{
		{"Default", defaultText(f)},
		{"Values", valuesText(c, f)},
		{"Related", relatedText(f.Name)},
		{"Command", commandsText(c, f.Name)},
		{"Group", c.topicOf(f.Name)},
	} {
		if field.text != "" {
			fmt.Fprintf(&b, "  %-9s%s\n", field.name+":", strings.TrimSpace(fill(field.text, strings.Repeat(" ", 11))))
		}
	}
	flagExamples(&b, f.Name)
	return b.String()
}

// commandsText lists the commands that have the flag, unless the default command has it.
func commandsText(c *call, flag string) string {
	if c.command.name == traceName {
		return ""
	}
	var all []string
	for _, other := range shownCommands() {
		if other.begin().flags.Lookup(flag) != nil {
			all = append(all, "tracer "+other.name)
		}
	}
	return strings.Join(all, ", ")
}

func defaultText(f *pflag.Flag) string {
	switch preset := defaultOf(f); {
	case preset != "":
		return preset
	case f.Value.Type() == "bool":
		return "false"
	case strings.Contains(f.Usage, "(default "):
		_, rest, _ := strings.Cut(f.Usage, "(default ")
		preset, _, _ = strings.Cut(rest, ")")
		return preset
	}
	return "not set"
}

// valuesText lists the values that completion offers, without numbers and unprintable names.
func valuesText(c *call, f *pflag.Flag) string {
	var all []string
	for _, w := range c.valueOffer(f)("") {
		if _, err := strconv.Atoi(w.Text); err != nil && w.Text != "" && isPrintable(w.Text) {
			all = append(all, w.Text)
		}
	}
	if len(all) > valuesMost {
		all = append(all[:valuesMost], fmt.Sprintf("and %d more (see completion)", len(all)-valuesMost))
	}
	return strings.Join(all, ", ")
}

// flagExamples adds the examples that use the flag.
func flagExamples(b *strings.Builder, name string) {
	var uses []example
	for _, e := range examples {
		if slices.Contains(strings.Fields(e.line), "--"+name) {
			uses = append(uses, e)
		}
	}
	if len(uses) > 0 {
		helpExamples(b, uses)
	}
}

// fill breaks text into indented lines of at most shortWidth characters.
func fill(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && len([]rune(line))+1+len([]rune(word)) > shortWidth {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line
}
