// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"tracer/internal/complete"

	"github.com/spf13/pflag"
)

// completeCommand is called by the completion scripts; what they have in common is here.
func completeCommand() command {
	return command{name: "complete", args: "-- WORD...", hidden: true, run: runComplete}
}

// runComplete prints the candidates for the last word, one per line: the word, a tab and
// its description. A line without a word asks the shell for file names.
func runComplete(args []string, stdout, _ io.Writer) error {
	if len(args) == 0 || args[0] != "--" {
		return &usageError{text: "complete: the command line is missing after --", hint: "the scripts of `tracer completion` call it"}
	}
	var b strings.Builder
	for _, w := range candidates(args[1:]) {
		if isPrintable(w.Text) && isPrintable(w.Help) {
			fmt.Fprintf(&b, "%s\t%s\n", w.Text, w.Help)
		}
	}
	return say(stdout, b.String())
}

// isPrintable is false for names that would break the line or control the terminal.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// candidates complete the last of the words, which may be empty.
func candidates(words []string) []complete.Word {
	if len(words) == 0 {
		words = []string{""}
	}
	before, word := words[:len(words)-1], words[len(words)-1]
	if c := commandOf(before); c != nil {
		return beginning(word, c.candidates(before[1:], word))
	}
	return beginning(word, readLine(before).candidates(word))
}

// candidates complete the first argument of the command.
func (c *command) candidates(before []string, word string) []complete.Word {
	if c.words == nil || len(before) > 0 {
		return nil
	}
	return c.words(word, &options{})
}

// line is a command line that is being typed, up to the word at the cursor.
type line struct {
	flags *pflag.FlagSet
	// options are what the flags say so far; bad values are ignored.
	options options
	// waiting is the flag whose value comes next, nil for none.
	waiting *pflag.Flag
	// plain is set after a lone --, where there are no flags.
	plain, begun bool
}

func readLine(words []string) *line {
	l := &line{}
	l.flags = allFlags(&l.options)
	for _, word := range words {
		l.read(word)
		l.begun = true
	}
	return l
}

func (l *line) read(word string) {
	switch {
	case l.waiting != nil:
		_ = l.flags.Set(l.waiting.Name, word) // a bad value says nothing
		l.waiting = nil
	case word == "--":
		l.plain = true
	case !l.plain:
		l.readFlag(word)
	}
}

func (l *line) readFlag(word string) {
	f, value, given := l.flagOf(word)
	switch {
	case f == nil:
	case given:
		_ = l.flags.Set(f.Name, value) // a bad value says nothing
	case f.NoOptDefVal != "":
		_ = l.flags.Set(f.Name, f.NoOptDefVal) // what the flag means alone is good
	default:
		l.waiting = f
	}
}

// flagOf is the flag in a word, nil for none, and its value if the word has one.
func (l *line) flagOf(word string) (f *pflag.Flag, value string, given bool) {
	name, isFlag := strings.CutPrefix(word, "--")
	if !isFlag {
		return nil, "", false
	}
	name, value, given = strings.Cut(name, "=")
	return l.flags.Lookup(name), value, given
}

func (l *line) candidates(word string) []complete.Word {
	f, value, given := l.flagOf(word)
	switch {
	case l.waiting != nil:
		return valueOffer(l.waiting)(word, &l.options)
	case !l.plain && f != nil && given:
		return behind(strings.TrimSuffix(word, value), beginning(value, valueOffer(f)(value, &l.options)))
	case !l.plain && strings.HasPrefix(word, "-"):
		return l.flagNames()
	case !l.begun:
		return append(commandNames(), filterOffer(word, &l.options)...)
	}
	return filterOffer(word, &l.options)
}

// valueOffer completes the flag's value.
func valueOffer(f *pflag.Flag) offer {
	if f.Value.Type() == "bool" {
		return oneOf("true", "false")
	}
	for _, t := range topics() {
		if o := t.offers[f.Name]; o != nil {
			return o
		}
	}
	return anything
}

func (l *line) flagNames() []complete.Word {
	var words []complete.Word
	l.flags.VisitAll(func(f *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(f)
		words = append(words, complete.Word{Text: "--" + f.Name, Help: usage})
	})
	return append(words, complete.Word{Text: shortHelpFlag, Help: shortHelpUsage})
}

func commandNames() []complete.Word {
	var words []complete.Word
	for _, c := range shownCommands() {
		words = append(words, complete.Word{Text: c.name, Help: c.help})
	}
	return words
}
