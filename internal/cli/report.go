// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tracer/internal/printable"
)

const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

// usageError is a mistake on the command line.
type usageError struct {
	text, hint string
	cause      error
}

func (e *usageError) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

func (e *usageError) Unwrap() error { return e.cause }

// Hint returns the hint of the error itself. Its cause may have another.
func (e *usageError) Hint() string { return e.hint }

// Usage reports that the user made the mistake: the exit code is 2.
func (e *usageError) Usage() bool { return true }

// report prints the error with its hint, and returns the exit code for it.
func report(stderr io.Writer, err error, debug bool) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return exitDone
	}
	stderr = printable.LineWriter(stderr)
	fmt.Fprintf(stderr, "tracer: %v\n", err)
	if debug {
		reportDetail(stderr, err)
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(stderr, "%s%s\n", hintMark, hint)
	}
	return exitCode(err)
}

// hintMark is in front of a hint.
const hintMark = "hint: "

// joinHints joins hints, each on a line of its own.
func joinHints(hints []string) string { return strings.Join(hints, "\n"+hintMark) }

// reportDetail prints the long form of an error that has one, such as the verifier's log.
func reportDetail(stderr io.Writer, err error) {
	var long interface {
		error
		fmt.Formatter
	}
	if errors.As(err, &long) {
		fmt.Fprintf(stderr, "%+v\n", long)
	}
}

// hintOf returns the outermost hint that is not empty.
func hintOf(err error) string {
	var hinted interface {
		error
		Hint() string
	}
	for errors.As(err, &hinted) {
		if hint := hinted.Hint(); hint != "" {
			return hint
		}
		if err = errors.Unwrap(hinted); err == nil {
			break
		}
	}
	return ""
}

func exitCode(err error) int {
	var usage interface{ Usage() bool }
	if errors.As(err, &usage) && usage.Usage() {
		return exitUsage
	}
	return exitError
}
