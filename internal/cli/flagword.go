// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/nearest"
)

// dashes may stand in front of a flag that was copied from a formatted text.
const dashes = "‐‑‒–—―−"

// withFlagWords answers a filter that libpcap refuses because it contains flags without their
// dashes.
func withFlagWords(err error, args []string) error {
	var refused interface {
		error
		Expression() string
	}
	if !errors.As(err, &refused) {
		return err
	}
	if near := nearest.Word(refused.Expression(), commandNamesOnly()); near != "" {
		return &usageError{text: err.Error(), hint: fmt.Sprintf("did you mean `tracer %s`?", near)}
	}
	dashed := withDashes(args, refused.Expression())
	if slices.Equal(dashed, args) {
		return err
	}
	return &usageError{text: err.Error(), hint: "flags begin with two dashes: tracer " + shellLine(dashed...)}
}

// withDashes are the arguments with two dashes in front of flags that became a part of the filter.
func withDashes(args []string, filter string) []string {
	flags := names(allFlags(&options{}))
	dashed := slices.Clone(args)
	for i, arg := range args {
		if name := strings.TrimLeft(arg, dashes); slices.Contains(flags, name) && strings.Contains(filter, arg) {
			dashed[i] = "--" + name
		}
	}
	return dashed
}
