// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"strings"

	"tracer/internal/printable"
)

// The scripts contain no flags. They call `tracer complete`.
var (
	//go:embed completion.bash
	bashScript string
	//go:embed completion.zsh
	zshScript string
	//go:embed completion.fish
	fishScript string
)

// shell is a shell that has a completion script.
type shell struct{ name, script string }

var shells = []shell{{"bash", bashScript}, {"zsh", zshScript}, {"fish", fishScript}}

func shellNames() []string {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

func completionCommand() command {
	return command{
		name: "completion", args: strings.Join(shellNames(), "|"), help: "print a completion script for a shell",
		details: "Load it with `source <(tracer completion bash)`; docs/completion.md says how to install it.",
		call:    func() *call { return &call{arguments: inOrder(oneOf(shellNames()...)), run: runCompletion} },
	}
}

func runCompletion(_ context.Context, args []string, to streams) error {
	switch {
	case len(args) == 0:
		return &usageError{text: "completion: shell missing", hint: shellsHint()}
	case len(args) > 1:
		return &usageError{text: fmt.Sprintf("completion %s: more than one shell", printable.Quote(args[1])), hint: shellsHint()}
	}
	for _, s := range shells {
		if s.name == args[0] {
			return say(to.out, s.script)
		}
	}
	return &usageError{text: fmt.Sprintf("completion %s: not one of %s", printable.Quote(args[0]), strings.Join(shellNames(), ", ")), hint: shellsHint()}
}

func shellsHint() string { return "type tracer completion " + strings.Join(shellNames(), "|") }
