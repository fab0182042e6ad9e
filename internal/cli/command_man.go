// SPDX-License-Identifier: Apache-2.0

package cli

import "context"

func manCommand() command {
	return command{
		name: "man", help: "print the manual page tracer(8)", details: "Read it with `tracer man | man -l -`.",
		call: func() *call { return &call{run: runMan} },
	}
}

func runMan(_ context.Context, args []string, to streams) error {
	if len(args) > 0 {
		return takesNoArguments("man", args[0])
	}
	return say(to.out, manPage())
}
