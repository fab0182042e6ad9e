// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"slices"
	"strings"
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
	flags := names(allFlags(&options{}))
	line, found := []string{"tracer"}, false
	for _, arg := range args {
		if name := strings.TrimLeft(arg, dashes); slices.Contains(flags, name) && strings.Contains(refused.Expression(), arg) {
			found, arg = true, "--"+name
		}
		line = append(line, arg)
	}
	if !found {
		return err
	}
	return &usageError{text: err.Error(), hint: "flags begin with two dashes: " + shellLine(line...)}
}
