// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"path"
	"slices"

	"tracer/internal/printable"
)

// programWords are programs whose names users type or paste before the arguments.
var programWords = []string{"sudo", "doas", "tracer", "pwru", "tcpdump"}

// checkProgramWord rejects the name of a program as the first argument. To filter for a host of that
// name, write `host NAME`.
func checkProgramWord(args []string) error {
	if len(args) == 0 || !isProgramWord(args[0]) {
		return nil
	}
	return &usageError{
		text: fmt.Sprintf("%s: the name of a program, not a flag or a filter", printable.Quote(args[0])),
		hint: withoutProgram(args),
	}
}

func isProgramWord(arg string) bool { return slices.Contains(programWords, path.Base(arg)) }

// withoutProgram returns hints with the arguments to type: without programs and the flags of sudo.
func withoutProgram(args []string) string {
	rest := slices.Clone(args)
	for len(rest) > 0 && isProgramWord(rest[0]) {
		rest = rest[1:]
		if i := slices.IndexFunc(rest, isProgramWord); i > 0 && path.Base(args[0]) == "sudo" {
			rest = rest[i:]
		}
	}
	t := translate(rest)
	if len(t.found) == 0 {
		return "type " + shellLine(append([]string{"tracer"}, rest...)...)
	}
	hints := t.hints()
	if len(hints) == len(t.found) {
		hints = append(hints, t.typed()...)
	}
	return joinHints(hints)
}
