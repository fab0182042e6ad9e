// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/nearest"
)

// dashes are the typographic characters that formatted text may have instead of the ASCII dashes of a flag.
const dashes = "‐‑‒–—―−"

// withFlagWords adds a hint to the error about a filter that libpcap rejects because it contains flags
// without their dashes, or a command that is misspelt or not the first argument.
func withFlagWords(err error, args []string) error {
	var refused interface {
		error
		Expression() string
	}
	if !errors.As(err, &refused) {
		return err
	}
	if hint := commandHint(refused.Expression()); hint != "" {
		return &usageError{text: err.Error(), hint: hint}
	}
	dashed := withDashes(args, refused.Expression())
	if slices.Equal(dashed, args) {
		return err
	}
	return &usageError{text: err.Error(), hint: "flags begin with two dashes: tracer " + shellLine(dashed...)}
}

// commandHint returns a hint for a filter that begins with a command, or is similar to one; otherwise it is empty.
func commandHint(filter string) string {
	first, _, _ := strings.Cut(filter, " ")
	if c := commandNamed(first); c != nil && !c.hidden {
		return "a command is the first argument: tracer " + c.usage()
	}
	if near := nearest.Word(filter, commandNames()); near != "" {
		return fmt.Sprintf("did you mean `tracer %s`?", near)
	}
	return ""
}

// withDashes returns the arguments with two dashes in front of the flags that became part of the filter.
func withDashes(args []string, filter string) []string {
	flags := names(traceFlags())
	dashed := slices.Clone(args)
	for i, arg := range args {
		if name := strings.TrimLeft(arg, dashes); slices.Contains(flags, name) && strings.Contains(filter, arg) {
			dashed[i] = "--" + name
		}
	}
	return dashed
}
