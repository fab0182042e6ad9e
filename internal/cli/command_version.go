// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"tracer/internal/printable"
)

func versionCommand() command {
	return command{name: "version", help: "print the version, as --version does", call: func() *call { return &call{run: runVersion} }}
}

func runVersion(_ context.Context, args []string, to streams) error {
	if len(args) > 0 {
		return takesNoArguments("version", args[0])
	}
	return say(to.out, versionLine())
}

// takesNoArguments is the error for an argument of a command without arguments.
func takesNoArguments(name, arg string) error {
	return &usageError{text: fmt.Sprintf("%s %s: takes no arguments", name, printable.Quote(arg)), hint: hostHint(name)}
}
