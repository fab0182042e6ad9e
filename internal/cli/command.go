// SPDX-License-Identifier: Apache-2.0

package cli

import "io"

// command is something other than tracing, asked for by the first word. A host of such a
// name is filtered for by `host NAME`.
type command struct {
	// name is the first word, args are those that may follow, as help shows them.
	name, args string
	help       string
	// run writes its result to stdout, and what is beside it to stderr.
	run func(args []string, stdout, stderr io.Writer) error
}

// commands are all of them, in the order of the help text.
func commands() []command {
	return []command{}
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
