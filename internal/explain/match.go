// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
)

// Unspecified is the drop reason NOT_SPECIFIED. On kernels without drop reasons (before 5.17), every drop counts as one
// with this reason.
const Unspecified = "NOT_SPECIFIED"

// specified is a key that every drop has: 1 if the kernel gave a specific reason, else 0.
const specified = "reason.specified"

// bare returns the name of a function without its offset and the suffixes of compilers, such as .isra.0,
// .constprop.0, .part.0, .cold or .llvm.123.
func bare(symbol string) string {
	symbol, _, _ = strings.Cut(symbol, "+")
	symbol, _, _ = strings.Cut(symbol, ".")
	return symbol
}

// isAt reports whether a drop has one of the reasons and is in one of the functions. Empty lists are any, but a drop
// without a specific reason must be in a listed function.
func isAt(d *Drop, reasons, functions []string) bool {
	inFunction := slices.Contains(functions, bare(d.Location))
	isReason := len(reasons) == 0 || slices.Contains(reasons, d.reason())
	return isReason && (inFunction || len(functions) == 0 && d.reason() != Unspecified)
}

// reason returns the reason, Unspecified on kernels without reasons.
func (d *Drop) reason() string {
	if d.Reason == "" {
		return Unspecified
	}
	return d.Reason
}

// narrowed returns the narrower list unless it is empty.
func narrowed(wide, narrow []string) []string {
	if len(narrow) > 0 {
		return narrow
	}
	return wide
}

// at returns the reasons and functions of a cause; both are empty for a silent one.
func (c *compiled) at() (reasons, functions []string) {
	if c.site == nil {
		return nil, nil
	}
	return narrowed(c.site.Reasons, c.Reasons), narrowed(c.site.Functions, c.Functions)
}

// applies reports whether the cause is about drops like this one. A note is the cause of none.
func (c *compiled) applies(d *Drop) bool {
	if c.Note {
		return false
	}
	if c.Silent != "" || d.Silent != "" {
		return c.Silent == d.Silent
	}
	reasons, functions := c.at()
	return isAt(d, c.site.Reasons, c.site.Functions) && isAt(d, reasons, functions)
}
