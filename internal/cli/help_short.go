// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// shortHelpFlag asks for the help that fits one screen. The flag set does not have it: in pflag a
// short form means the same as the long one.
const (
	shortHelpFlag  = "-h"
	shortHelpUsage = "print one screen of help"
)

// shortWidth is the width of the short help, and of the help of commands and flags.
const shortWidth = 80

// shortExamples is the number of examples in the short help.
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

// screenHelp is the help for `tracer -h`, which fits one screen.
func screenHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", usageLines, fill(sentence(gist)+" "+filterWords, ""))
	flags := traceFlags()
	for _, group := range essentials {
		fmt.Fprintf(&b, "\n%s:\n%s", group.heading, usagesOf(chosenFlags(flags, group.flags), shortWidth))
	}
	helpExamples(&b, examples[:shortExamples])
	fmt.Fprintf(&b, "\n%s\nSee `tracer help COMMAND`, `tracer help FLAG`; `tracer --help` is complete.\n", fill("Commands: "+strings.Join(commandNames(), ", ")+".", ""))
	return b.String()
}

// usagesOf lists flags without the columns that pflag reserves for one-letter flags.
func usagesOf(fs *pflag.FlagSet, width int) string {
	const letters = "    "
	usages := "\n" + fs.FlagUsagesWrapped(width+len(letters))
	return strings.ReplaceAll(usages, "\n"+letters, "\n")[1:]
}

// chosenFlags returns the named flags, in that order.
func chosenFlags(all *pflag.FlagSet, names []string) *pflag.FlagSet {
	fs := newFlagSet()
	for _, name := range names {
		fs.AddFlag(all.Lookup(name))
	}
	return fs
}
