// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"slices"
	"strings"
)

// command is something other than tracing, asked for by the first word. A host of such a
// name is filtered for by `host NAME`.
type command struct {
	// name is the first word, args are those that may follow, as help shows them.
	name, args string
	help       string
	// words are what may follow the name, for completion; nil for nothing.
	words offer
	// hidden commands are for other programs, and not told of.
	hidden bool
	// run writes its result to stdout, and what is beside it to stderr.
	run func(args []string, stdout, stderr io.Writer) error
}

// commands are all of them, in the order of the help text.
func commands() []command {
	return []command{
		doctorCommand(),
		manCommand(),
		completionCommand(),
		completeCommand(),
	}
}

// shownCommands are those that users are told of.
func shownCommands() []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.hidden })
}

// commandOf is the command that the arguments begin with, nil for none.
func commandOf(args []string) *command {
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			return &c
		}
	}
	return nil
}

// usage is how the command is called, behind the program's name.
func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }
