// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"tracer/internal/complete"
)

// completeCommand is for the completion scripts, which call it for the candidates.
func completeCommand() command {
	return command{
		name: "complete", args: "-- WORD...", hidden: true, verbatim: true,
		call: func() *call { return &call{run: runComplete} },
	}
}

// runComplete prints the candidates for the last word, one per line: the word, a tab and
// its description. A line without a word asks the shell for file names.
func runComplete(_ context.Context, args []string, to streams) error {
	if len(args) == 0 || args[0] != "--" {
		return &usageError{text: "complete: the command line is missing after --", hint: "the scripts of `tracer completion` call it"}
	}
	var b strings.Builder
	for _, w := range candidates(args[1:]) {
		if isPrintable(w.Text) && isPrintable(w.Help) {
			fmt.Fprintf(&b, "%s\t%s\n", w.Text, w.Help)
		}
	}
	return say(to.out, b.String())
}

// isPrintable reports whether all characters are printable. Others could break the line or control the terminal.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// candidates completes the last word, which may be empty.
func candidates(words []string) []complete.Word {
	if len(words) == 0 {
		words = []string{""}
	}
	before, word := words[:len(words)-1], words[len(words)-1]
	all := readLine(before).candidates(word)
	if len(before) == 0 && !strings.HasPrefix(word, "-") {
		all = append(commandWords(), all...)
	}
	return beginning(word, all)
}

// commandWords are the commands with their descriptions.
func commandWords() []complete.Word {
	var words []complete.Word
	for _, c := range shownCommands() {
		words = append(words, complete.Word{Text: c.name, Help: c.help})
	}
	return words
}
