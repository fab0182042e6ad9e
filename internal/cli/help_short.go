// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// shortHelpFlag asks for the one-screen help. It is no flag of the set, which could not tell it
// from --help.
const (
	shortHelpFlag  = "-h"
	shortHelpUsage = "print one screen of help"
)

// shortWidth is the width of the screen that the short help fits.
const shortWidth = 80

// shortExamples is how many of the examples are in the short help.
const shortExamples = 5

// essentials are the flags of the short help, under headings.
var essentials = []struct {
	heading string
	flags   []string
}{
	{"What to trace", []string{"filter-func", "filter-netns", "filter-ifname", "filter-comm", "filter-track-skb", "drop", "all-kmods"}},
	{"When to stop", []string{"duration", "max-packets", "output-limit-lines"}},
	{"What to print", []string{"output-tcp-flags", "output-stack", "output-return", "timestamp", "output-json", "output-file"}},
}

// shortHelp is the help that fits one screen.
func shortHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", usageLines, fill(sentence(gist)+" "+filterWords, ""))
	flags := allFlags(&options{})
	for _, group := range essentials {
		fmt.Fprintf(&b, "\n%s:\n%s", group.heading, usagesOf(chosenFlags(flags, group.flags), shortWidth))
	}
	helpExamples(&b, examples[:shortExamples])
	fmt.Fprintf(&b, "\nCommands: %s.\nSee `tracer help COMMAND`, `tracer help FLAG`; `tracer --help` is complete.\n", strings.Join(commandNamesOnly(), ", "))
	return b.String()
}

// usagesOf lists flags without the columns that pflag reserves for one-letter names.
func usagesOf(fs *pflag.FlagSet, width int) string {
	const letters = "    "
	usages := "\n" + fs.FlagUsagesWrapped(width+len(letters))
	return strings.ReplaceAll(usages, "\n"+letters, "\n")[1:]
}

// chosenFlags are the named ones, in that order.
func chosenFlags(all *pflag.FlagSet, names []string) *pflag.FlagSet {
	fs := pflag.NewFlagSet("tracer", pflag.ContinueOnError)
	fs.SortFlags = false
	for _, name := range names {
		fs.AddFlag(all.Lookup(name))
	}
	return fs
}

func commandNamesOnly() []string {
	var all []string
	for _, c := range shownCommands() {
		all = append(all, c.name)
	}
	return all
}
