// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"strings"

	"tracer/internal/caret"
)

// Error is an expression that can't be turned into a program.
type Error struct {
	// What is the sort of expression, as in "skb expression".
	What string
	// Expr is the whole expression.
	Expr string
	// Offset is the byte of Expr where the trouble is, len(Expr) when something is
	// missing at its end.
	Offset int
	// Msg is the reason in one clause.
	Msg string
	// Near are names that may have been meant instead.
	Near []string
}

// Error is one clause that quotes the expression.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %q: %s", e.What, e.Expr, e.Msg)
}

// Usage tells that the user's input is wrong, not the run.
func (e *Error) Usage() bool { return true }

// Hint shows the expression with a caret line under the place, and names that may
// have been meant.
func (e *Error) Hint() string {
	head := "the error is here:"
	if len(e.Near) > 0 {
		head = "did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return head + "\n" + caret.Under(e.Expr, e.Offset)
}

// fail ends the compilation with what is wrong at a place. compile turns it into
// the error that is returned; no panic leaves the package.
func fail(at int, format string, args ...any) {
	panic(&Error{Offset: at, Msg: fmt.Sprintf(format, args...)})
}

// failNear is fail with names that may have been meant.
func failNear(at int, near []string, format string, args ...any) {
	panic(&Error{Offset: at, Msg: fmt.Sprintf(format, args...), Near: near})
}

// caught makes an error of what fail ended the compilation with.
func caught(roots Roots, text string, err *error) {
	reason := recover()
	if reason == nil {
		return
	}
	failure, ok := reason.(error)
	if !ok {
		panic(reason)
	}
	var wrong *Error
	if !errors.As(failure, &wrong) {
		panic(reason)
	}
	wrong.What, wrong.Expr = roots.what(), text
	*err = wrong
}

// maxNear is how many names a hint shows.
const maxNear = 3
