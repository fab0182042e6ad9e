// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tracer/internal/complete"
	"tracer/internal/nearest"

	"github.com/spf13/pflag"
)

const helpName = "help"

func helpCommand() command {
	return command{
		name: helpName, args: "[COMMAND|FLAG]", help: "print help, or that of a command or flag",
		details: "Without an argument it prints one screen, as -h does; `tracer --help` prints everything.",
		words:   helpOffer, run: runHelp,
	}
}

// runHelp prints the help of what the argument names. A command goes before a flag of its name,
// which may be written with dashes.
func runHelp(args []string, stdout, _ io.Writer) error {
	if len(args) == 0 {
		return say(stdout, shortHelp())
	}
	topic := args[0]
	if len(args) > 1 {
		return manyTopics(topic, args[1])
	}
	if slices.Contains(wholeHelp, topic) {
		return say(stdout, help())
	}
	if c := commandOf([]string{topic}); c != nil && !c.hidden {
		return say(stdout, c.page())
	}
	if f := flagNamed(topic); f != nil {
		return say(stdout, flagPage(f))
	}
	return unknownTopic(topic)
}

// wholeHelp are the words of those who look for the complete help.
var wholeHelp = []string{"all", "columns", "commands", "examples", "flags", "options"}

// manyTopics is the error for two words after help. Either they are two topics, or help is the
// name of a host in a filter.
func manyTopics(first, second string) error {
	hint := hostHint(helpName)
	if commandOf([]string{first}) != nil || flagNamed(first) != nil {
		hint = fmt.Sprintf("ask for one at a time: `tracer help %s`", first)
	}
	return &usageError{text: fmt.Sprintf("help %q: more than one command or flag", second), hint: hint}
}

// flagNamed is the flag of that name, with or without dashes and value; nil for none.
func flagNamed(topic string) *pflag.Flag {
	if topic == shortHelpFlag {
		topic = "--help"
	}
	name, _, _ := strings.Cut(strings.TrimLeft(topic, "-"), "=")
	return allFlags(&options{}).Lookup(name)
}

func unknownTopic(topic string) error {
	e := &usageError{text: fmt.Sprintf("help %q: no such command or flag", topic), hint: "`tracer --help` lists all flags and commands"}
	if hints := translate([]string{topic}).hints(); len(hints) > 0 {
		e.hint = joinHints(hints)
		return e
	}
	if begun := flagsWith(strings.TrimLeft(topic, "-"), names(allFlags(&options{}))); begun != "" {
		e.hint = begun
		return e
	}
	known := append(commandNamesOnly(), names(allFlags(&options{}))...)
	if near := nearest.Word(strings.TrimLeft(topic, "-"), known); near != "" {
		e.hint = fmt.Sprintf("did you mean `tracer help %s`?", near)
	}
	return e
}

// hostHint is for those who filter for a host that is named like a command.
func hostHint(name string) string {
	return fmt.Sprintf("see `tracer help %s`; to filter for a host of that name, write: host %s", name, name)
}

// helpOffer completes commands, and flags with or without dashes.
func helpOffer(word string, _ *options) []complete.Word {
	flags := readLine(nil).flagNames()
	if word != "" && !strings.HasPrefix(word, "-") {
		for i := range flags {
			flags[i].Text = strings.TrimLeft(flags[i].Text, "-")
		}
	}
	return append(commandNames(), flags...)
}

// page is the help of the command.
func (c *command) page() string {
	page := fmt.Sprintf("Usage: tracer %s\n\n%s\n", c.usage(), sentence(c.help))
	if c.details != "" {
		page += c.details + "\n"
	}
	return page
}
