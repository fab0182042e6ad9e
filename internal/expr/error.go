// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"strings"

	"tracer/internal/caret"
	"tracer/internal/printable"
)

// Error is the error for an expression that can't be compiled.
type Error struct {
	// What is the kind of expression, such as "skb expression".
	What string
	// Expr is the whole expression.
	Expr string
	// Offset is the byte offset of the error in Expr; len(Expr) if something is
	// missing at its end.
	Offset int
	// Msg is the reason in one clause.
	Msg string
	// Near are similar names that the user may have meant.
	Near []string
}

// Error returns one clause that quotes the expression.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s", e.What, printable.Quote(e.Expr), e.Msg)
}

// Usage marks the error as a usage error.
func (e *Error) Usage() bool { return true }

// Hint returns similar names, if any, and the expression with a caret under the
// error.
func (e *Error) Hint() string {
	head := "the error is here:"
	if len(e.Near) > 0 {
		head = "did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return head + "\n" + caret.Under(e.Expr, e.Offset)
}

// fail aborts the compilation with an error at a byte offset. It panics; the
// exported functions recover and return the error (see caught).
func fail(at int, format string, args ...any) {
	panic(&Error{Offset: at, Msg: fmt.Sprintf(format, args...)})
}

// failNear is fail with similar names that may have been meant.
func failNear(at int, near []string, format string, args ...any) {
	panic(&Error{Offset: at, Msg: fmt.Sprintf(format, args...), Near: near})
}

// caught recovers from a panic of fail, and sets *err. It has to be deferred.
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
