// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"slices"
	"strings"
)

// command is something other than tracing, named by the first argument. No word that begins a
// pcap filter is a command; a host of such a name is filtered for by `host NAME`.
type command struct {
	// name is the first argument, args are those that may follow, as help shows them.
	name, args string
	// help is a line, and details what `tracer help NAME` says besides.
	help, details string
	// words complete what may follow the name; nil for nothing.
	words offer
	// hidden commands are for other programs and in no help.
	hidden bool
	// run writes its result to stdout, and messages to stderr.
	run func(args []string, stdout, stderr io.Writer) error
}

// commands are all of them, in the order of the help text.
func commands() []command {
	return []command{
		helpCommand(),
		doctorCommand(),
		manCommand(),
		completionCommand(),
		versionCommand(),
		completeCommand(),
	}
}

// shownCommands are those that users may call.
func shownCommands() []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.hidden })
}

// commandOf is the command that the first argument names, nil for none.
func commandOf(args []string) *command {
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			return &c
		}
	}
	return nil
}

// start runs the command, or prints its help where the arguments ask for it.
func (c *command) start(args []string, stdout, stderr io.Writer) error {
	if !c.hidden && c.name != helpName && (slices.Contains(args, shortHelpFlag) || slices.Contains(args, "--help")) {
		return say(stdout, c.page())
	}
	return c.run(args, stdout, stderr)
}

// usage is how the command is called, without the program's name.
func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }
