// SPDX-License-Identifier: Apache-2.0

package cli

import "slices"

// commands is the table of all commands, in the order of the help. No command is named like a word
// that begins a pcap filter. To filter for a host that is named like a command, write `host NAME`.
func commands() []command {
	return []command{
		traceCommand(),
		readCommand(),
		helpCommand(),
		doctorCommand(),
		manCommand(),
		completionCommand(),
		versionCommand(),
		completeCommand(),
	}
}

// defaultCommand is the command if the first argument names none.
func defaultCommand() *command { return commandNamed(traceName) }

// commandNamed returns nil if there is no such command.
func commandNamed(name string) *command {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// shownCommands returns the commands that are not hidden.
func shownCommands() []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.hidden })
}

// commandNames returns the names of the commands that are not hidden.
func commandNames() []string {
	var names []string
	for _, c := range shownCommands() {
		names = append(names, c.name)
	}
	return names
}

// choose returns the command that the arguments call, and its own arguments.
func choose(args []string) (c *command, rest []string, err error) {
	c, rest = defaultCommand(), args
	if len(args) > 0 {
		if named := commandNamed(args[0]); named != nil {
			c, rest = named, args[1:]
		}
	}
	if c.name == traceName {
		err = checkProgramWord(rest)
	}
	return c, rest, err
}
