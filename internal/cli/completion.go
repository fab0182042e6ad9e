// SPDX-License-Identifier: Apache-2.0

package cli

import (
	_ "embed" // the scripts
	"fmt"
	"io"
	"strings"
)

// The scripts know nothing of flags: they ask `tracer complete`.
var (
	//go:embed completion.bash
	bashScript string
	//go:embed completion.zsh
	zshScript string
	//go:embed completion.fish
	fishScript string
)

// shell is one that completion can be had for.
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
		name: "completion", args: strings.Join(shellNames(), "|"), help: "print a script that completes what is typed in a shell",
		words: oneOf(shellNames()...), run: runCompletion,
	}
}

func runCompletion(args []string, stdout, _ io.Writer) error {
	switch {
	case len(args) == 0:
		return &usageError{text: "completion: the shell is missing: " + strings.Join(shellNames(), ", ")}
	case len(args) > 1:
		return &usageError{text: fmt.Sprintf("completion %q: one shell at a time", args[1])}
	}
	for _, s := range shells {
		if s.name == args[0] {
			return say(stdout, s.script)
		}
	}
	return &usageError{text: fmt.Sprintf("completion %q: not one of %s", args[0], strings.Join(shellNames(), ", "))}
}
