// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"tracer/internal/app"

	"github.com/spf13/pflag"
)

// options are what the command line asks for.
type options struct {
	config        app.Config
	columns       []string // of --output-columns, as written
	tracesTC      bool     // --filter-trace-tc
	tracesXDP     bool     // --filter-trace-xdp
	help, version bool
	// notes are said on standard error before the run.
	notes []string
}

// topic is a group of flags with a heading in the help text.
type topic struct {
	name    string
	declare func(*pflag.FlagSet, *options)
	// offers are what completion has for the values of these flags.
	offers offers
}

// topics are all flags, in the order of the help text.
func topics() []topic {
	return []topic{
		{"Filter", filterFlags, filterOffers},
		{"Follow", followFlags, followOffers},
		{"BPF programs", programFlags, programOffers},
		{"Noise", noiseFlags, noiseOffers},
		{"Output", outputFlags, outputOffers},
		{"Output file", fileFlags, fileOffers},
		{"Attach", attachFlags, attachOffers},
		{"Misc", miscFlags, miscOffers},
		{"Accepted for pwru's sake", pwruFlags, pwruOffers},
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
	return all
}

// defaultOf is nothing where the flag is off by itself.
func defaultOf(f *pflag.Flag) string {
	if slices.Contains([]string{"false", "[]", "0", "0s"}, f.DefValue) {
		return ""
	}
	return f.DefValue
}
