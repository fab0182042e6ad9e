// SPDX-License-Identifier: Apache-2.0

// Package input resolves what the user typed: namespaces, interfaces, processes and control groups.
package input

import (
	"errors"
	"fmt"
	"io/fs"

	"tracer/internal/printable"
)

// Error is about a namespace, an interface, a process or a control group that the user named.
type Error struct {
	// What is the kind of thing, as in "netns" or "interface", and Value what the user wrote.
	What, Value string
	// Cause is what is wrong with it.
	Cause error

	hint string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %v", e.What, printable.Quote(e.Value), e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Hint returns what to try, or an empty string.
func (e *Error) Hint() string { return e.hint }

// Usage reports whether other input would help. It would not if a permission is missing.
func (e *Error) Usage() bool { return !errors.Is(e.Cause, fs.ErrPermission) }
