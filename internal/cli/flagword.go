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
// without their dashes, or a misspelt command.
func withFlagWords(err error, args []string) error {
	var refused interface {
		error
		Expression() string
	}
	if !errors.As(err, &refused) {
		return err
	}
	if near := nearest.Word(refused.Expression(), commandNames()); near != "" {
		return &usageError{text: err.Error(), hint: fmt.Sprintf("did you mean `tracer %s`?", near)}
	}
	dashed := withDashes(args, refused.Expression())
	if slices.Equal(dashed, args) {
		return err
	}
	return &usageError{text: err.Error(), hint: "flags begin with two dashes: tracer " + shellLine(dashed...)}
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
