// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// call is one call of a command. Its flags write to settings that belong to this call.
type call struct {
	// topics declare the flags, in the order of the help.
	topics []topic
	// arguments completes the argument at a position, 0 for the first; nil if there are none.
	arguments func(position int) offer
	// settle checks the settings, and completes them, after the flags have been parsed; nil for
	// nothing to do. typed are the arguments before parsing.
	settle func(flags *pflag.FlagSet, typed []string) error
	// unknown returns the hints for a flag that does not exist; nil for those of [call.nearHint].
	unknown func(c *call, typed []string, dash, name string) []string
	// debug is set by --debug, which prints the long form of errors; nil without that flag.
	debug *bool
	// run executes the command.
	run func(ctx context.Context, args []string, to streams) error

	command *command
	// flags are those of all topics, and --help.
	flags *pflag.FlagSet
	// args are the arguments without the flags.
	args []string
	// help is set by --help, shortHelp by -h.
	help, shortHelp bool
}

// start executes the call, or prints help if the arguments ask for it.
func (c *call) start(typed []string, to streams) error {
	if err := c.parse(typed); err != nil {
		return err
	}
	switch {
	case c.shortHelp:
		return say(to.out, c.command.shortHelp())
	case c.help:
		return say(to.out, c.command.longHelp())
	case !c.command.interruptible:
		return c.run(context.Background(), c.args, to)
	}
	ctx, stop := interruptible()
	defer stop()
	return c.run(ctx, c.args, to)
}

// parse reads the arguments. After an error or -h the settings are incomplete.
func (c *call) parse(typed []string) error {
	if len(c.topics) == 0 {
		return c.parseWithoutFlags(typed)
	}
	err := c.flags.Parse(typed)
	switch {
	case errors.Is(err, pflag.ErrHelp): // for -h, which is not in the flag set
		c.shortHelp = true
		return nil
	case err != nil:
		return c.flagError(typed, err)
	}
	c.args = c.flags.Args()
	if c.settle == nil {
		return nil
	}
	return c.settle(c.flags, typed)
}

// parseWithoutFlags reads the arguments of a command that has no flags besides -h and --help.
func (c *call) parseWithoutFlags(typed []string) error {
	c.args = typed
	if c.command.verbatim {
		return nil
	}
	if c.help = asksForHelp(typed); c.help {
		return nil
	}
	return c.rejectFlag(typed)
}

// rejectFlag returns an error that names the first flag.
func (c *call) rejectFlag(typed []string) error {
	i := slices.IndexFunc(typed, func(arg string) bool { return strings.HasPrefix(arg, "-") && strings.Trim(arg, "-") != "" })
	if i < 0 {
		return nil
	}
	name := c.command.name
	return &usageError{
		text: fmt.Sprintf("%s %s: takes no flags", name, printable.Quote(typed[i])), hint: fmt.Sprintf("see `tracer help %s`", name),
	}
}

// asksForHelp reports whether the arguments of a command without flags contain -h or --help.
func asksForHelp(args []string) bool {
	return slices.Contains(args, shortHelpFlag) || slices.Contains(args, longHelpFlag)
}

func (c *call) debugs() bool { return c.debug != nil && *c.debug }

// newFlags returns the flags of all topics, and --help if no topic declares it.
func (c *call) newFlags() *pflag.FlagSet {
	all := newFlagSet()
	for _, t := range c.topics {
		all.AddFlagSet(t.flags())
	}
	if len(c.topics) > 0 && all.Lookup("help") == nil {
		helpFlag(all, &c.help, "print this help")
	}
	rejectEmpty(all)
	return all
}

// valueOffer returns the completion of the flag's value.
func (c *call) valueOffer(f *pflag.Flag) offer {
	if f.Value.Type() == "bool" {
		return oneOf("true", "false")
	}
	for _, t := range c.topics {
		if o := t.offers[f.Name]; o != nil {
			return o
		}
	}
	return anything
}

// topicOf returns the name of the topic that declares the flag, or an empty string.
func (c *call) topicOf(flag string) string {
	for _, t := range c.topics {
		if t.flags().Lookup(flag) != nil {
			return t.name
		}
	}
	return ""
}
