// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"tracer/internal/app"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// traceName is the command that runs if the first argument names no command.
const traceName = "trace"

// traceCommand traces packets. Its help is the complete help of tracer.
func traceCommand() command {
	return command{
		name: traceName, args: "[flags] [filter]", help: "trace packets; this is the default command",
		interruptible: true, page: completeHelp, screen: screenHelp,
		call: func() *call { return newTrace(&options{}) },
	}
}

// options are the settings of one call of trace. Its flags write to them.
type options struct {
	config    app.Config
	columns   []string // of --output-columns, as written
	tracesTC  bool     // --filter-trace-tc
	tracesXDP bool     // --filter-trace-xdp
	why       []string // of --why, as written
	outputWhy bool     // --output-why
	version   bool     // --version
	// notes are printed to standard error before the run.
	notes []string
	// typed are the arguments before parsing.
	typed []string
}

func newTrace(o *options) *call {
	c := &call{
		arguments: everywhere(filterOffer),
		settle:    o.settle,
		unknown:   unknownToTrace,
		debug:     &o.config.Debug,
		run:       o.run,
	}
	c.topics = traceTopics(o, c)
	return c
}

// traceTopics is the table of the flags of trace, in the order of the help.
func traceTopics(o *options, c *call) []topic {
	return []topic{
		{"Which packets", o.filterFlags, o.filterOffers()},
		{"Which functions", o.funcFlags, funcOffers},
		{"Drops", o.dropFlags, dropOffers},
		{"Limits", o.limitFlags, limitOffers},
		{"Follow packets", o.followFlags, followOffers},
		{"BPF programs", o.programFlags, programOffers},
		{"Output", o.outputFlags, o.outputOffers()},
		{"Output file", o.fileFlags, fileOffers},
		{"Recording", o.writeFlags, writeOffers},
		{"Attach", o.attachFlags, attachOffers},
		{"Other", func(fs *pflag.FlagSet) { o.miscFlags(fs, c) }, miscOffers},
		{"Accepted for compatibility with pwru", o.pwruFlags, pwruOffers},
	}
}

// beginTrace returns a call of trace whose settings are o.
func beginTrace(o *options) *call {
	c := defaultCommand()
	c.call = func() *call { return newTrace(o) }
	return c.begin()
}

// traceFlags returns all flags of trace, for questions about the flags themselves.
func traceFlags() *pflag.FlagSet { return beginTrace(&options{}).flags }

// parseTrace reads arguments of trace. The options are never nil.
func parseTrace(args []string) (*options, error) {
	o := &options{}
	return o, beginTrace(o).parse(args)
}

func (o *options) run(ctx context.Context, args []string, to streams) error {
	if o.version {
		return printVersion(args, to)
	}
	for _, note := range o.notes {
		fmt.Fprintf(printable.LineWriter(to.err), "note: %s\n", note)
	}
	o.config.Stdout, o.config.Stderr = to.out, to.err
	o.config.Version, o.config.Command = versionName(), o.typed
	return withFlagWords(app.Run(ctx, o.config), o.typed)
}

// printVersion is --version. As the command version does, it rejects arguments.
func printVersion(args []string, to streams) error {
	if len(args) > 0 {
		return &usageError{text: fmt.Sprintf("--version %s: takes no arguments", printable.Quote(args[0])), hint: "see `tracer help version`"}
	}
	return say(to.out, versionLine())
}

// settle completes the settings. The arguments that are not flags are the filter.
func (o *options) settle(fs *pflag.FlagSet, typed []string) error {
	o.typed = typed
	o.config.Expr = strings.Join(fs.Args(), " ")
	for _, step := range []func(*pflag.FlagSet) error{o.check, o.settleFollow, o.settlePrograms, o.settleXDP, o.settleOutput, o.settleWhy} {
		if err := step(fs); err != nil {
			return err
		}
	}
	return nil
}
