// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"tracer/internal/app"

	"github.com/spf13/pflag"
)

// options are what the command line asks for.
type options struct {
	config    app.Config
	columns   []string // of --output-columns, as written
	tracesTC  bool     // --filter-trace-tc
	tracesXDP bool     // --filter-trace-xdp
	// help asks for the complete help, shortHelp for one screen.
	help, shortHelp, version bool
	// notes are printed to standard error before the run.
	notes []string
}

// topic is a group of flags with a heading in the help text.
type topic struct {
	name    string
	declare func(*pflag.FlagSet, *options)
	// offers complete the values of these flags.
	offers offers
}

// topics are all flags, in the order of the help text.
func topics() []topic {
	return []topic{
		{"Which packets", filterFlags, filterOffers},
		{"Which functions", funcFlags, funcOffers},
		{"Drops", dropFlags, dropOffers},
		{"Limits", limitFlags, limitOffers},
		{"Follow packets", followFlags, followOffers},
		{"BPF programs", programFlags, programOffers},
		{"Output", outputFlags, outputOffers},
		{"Output file", fileFlags, fileOffers},
		{"Attach", attachFlags, attachOffers},
		{"Other", miscFlags, miscOffers},
		{"Accepted for compatibility with pwru", pwruFlags, pwruOffers},
	}
}

// flagsOf is the flags of one topic, writing to o.
func (t topic) flagsOf(o *options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("tracer", pflag.ContinueOnError)
	fs.SortFlags = false
	t.declare(fs, o)
	return fs
}

// allFlags is the flags of all topics, writing to o.
func allFlags(o *options) *pflag.FlagSet {
	all := pflag.NewFlagSet("tracer", pflag.ContinueOnError)
	all.SortFlags = false
	all.Usage = func() {}
	for _, t := range topics() {
		all.AddFlagSet(t.flagsOf(o))
	}
	refuseEmpty(all)
	return all
}

// defaultOf is empty where the flag is off by default.
func defaultOf(f *pflag.Flag) string {
	if slices.Contains([]string{"false", "[]", "0", "0s"}, f.DefValue) {
		return ""
	}
	return f.DefValue
}
