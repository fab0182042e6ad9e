// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
)

// command is an entry of the command table: the texts for help, manual page and completion, and the function
// that makes a call.
type command struct {
	// name is the first argument; args shows the other arguments in help.
	name, args string
	// help is one line; details follow it in the command's own help.
	help, details string
	// hidden commands are for other programs: no help, manual page or completion shows them.
	hidden bool
	// interruptible commands get a context that signals cancel, and stop then. For the others a signal
	// ends the process at once.
	interruptible bool
	// verbatim commands get all arguments, including those that look like flags.
	verbatim bool
	// page and screen are the texts for --help and -h; nil for the text that the fields above make.
	page, screen func() string
	// call returns a new call with default settings.
	call func() *call
}

// begin returns a new call with its flags.
func (c *command) begin() *call {
	call := c.call()
	call.command = c
	call.flags = call.newFlags()
	return call
}

// usage is the command line, without the program's name.
func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

// longHelp is the text for --help.
func (c *command) longHelp() string {
	if c.page != nil {
		return c.page()
	}
	return c.defaultHelp()
}

// shortHelp is the text for -h.
func (c *command) shortHelp() string {
	if c.screen != nil {
		return c.screen()
	}
	return c.longHelp()
}

func (c *command) defaultHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: tracer %s\n\n%s\n", c.usage(), sentence(c.help))
	if c.details != "" {
		b.WriteString(fill(c.details, "") + "\n")
	}
	for _, t := range c.begin().topics {
		fmt.Fprintf(&b, "\n%s:\n%s", t.name, usagesOf(t.flags(), shortWidth))
	}
	return b.String()
}
