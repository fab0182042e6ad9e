// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/complete"
	"tracer/internal/nearest"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

const helpName = "help"

func helpCommand() command {
	return command{
		name: helpName, args: "[COMMAND|FLAG]", help: "print help on tracer, a command or a flag",
		details:  "Without an argument it prints one screen, as -h does; `tracer --help` prints everything.",
		verbatim: true,
		call:     func() *call { return &call{arguments: inOrder(helpOffer), run: runHelp} },
	}
}

// runHelp prints the help of a command or flag. A word that names both is the command; dashes in
// front of it make it the flag.
func runHelp(_ context.Context, args []string, to streams) error {
	if len(args) == 0 {
		return say(to.out, screenHelp())
	}
	if len(args) > 1 {
		return manyTopics(args[0], args[1])
	}
	text, err := helpOn(args[0])
	if err != nil {
		return err
	}
	return say(to.out, text)
}

// helpOn returns the help of one command or flag.
func helpOn(topic string) (string, error) {
	if slices.Contains(wholeHelp, topic) {
		return completeHelp(), nil
	}
	if c := commandNamed(topic); c != nil && !c.hidden {
		return c.longHelp(), nil
	}
	if c, f := flagNamed(topic); f != nil {
		return flagPage(c, f), nil
	}
	return "", unknownTopic(topic)
}

// wholeHelp are words for the complete help.
var wholeHelp = []string{"all", "columns", "commands", "examples", "flags", "options"}

// manyTopics is the error for two arguments of help. Either they are two topics, or help is the
// name of a host in a filter.
func manyTopics(first, second string) error {
	if _, err := helpOn(first); err != nil {
		return &usageError{text: err.Error(), hint: hostHint(helpName)}
	}
	return &usageError{
		text: fmt.Sprintf("help %s %s: more than one command or flag", printable.Quote(first), printable.Quote(second)),
		hint: fmt.Sprintf("ask for one at a time: `tracer help %s`", first),
	}
}

// flagNamed returns the flag of that name, with or without dashes and value, and a call of the first
// command in the table that has it; nil for none.
func flagNamed(topic string) (*call, *pflag.Flag) {
	if topic == shortHelpFlag {
		topic = longHelpFlag
	}
	name, _, _ := strings.Cut(strings.TrimLeft(topic, "-"), "=")
	for _, c := range shownCommands() {
		call := c.begin()
		if f := call.flags.Lookup(name); f != nil {
			return call, f
		}
	}
	return nil, nil
}

func unknownTopic(topic string) error {
	e := &usageError{text: fmt.Sprintf("help %s: no such command or flag", printable.Quote(topic)), hint: "`tracer --help` lists all flags and commands"}
	if hints := translate([]string{topic}).hints(); len(hints) > 0 {
		e.hint = joinHints(hints)
		return e
	}
	flags := names(allFlags())
	if begun := flagsWith(strings.TrimLeft(topic, "-"), flags); begun != "" {
		e.hint = begun
		return e
	}
	if near := nearest.Word(strings.TrimLeft(topic, "-"), append(commandNames(), flags...)); near != "" {
		e.hint = fmt.Sprintf("did you mean `tracer help %s`?", near)
	}
	return e
}

// hostHint is a hint for filters for a host that is named like a command.
func hostHint(name string) string {
	return fmt.Sprintf("see `tracer help %s`; to filter for a host of that name, write: host %s", name, name)
}

// allFlags returns the flags of all commands. If several commands have a flag, it is the one of the first.
func allFlags() *pflag.FlagSet {
	all := newFlagSet()
	for _, c := range shownCommands() {
		all.AddFlagSet(c.begin().flags)
	}
	return all
}

// helpOffer completes commands, and flags with or without dashes.
func helpOffer(word string) []complete.Word {
	flags := flagWords(allFlags())
	if word != "" && !strings.HasPrefix(word, "-") {
		for i := range flags {
			flags[i].Text = strings.TrimLeft(flags[i].Text, "-")
		}
	}
	return append(commandWords(), flags...)
}
