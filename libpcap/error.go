// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"fmt"

	"tracer/internal/caret"
	"tracer/internal/printable"
)

// SyntaxError is the error for an expression that can't be compiled to a filter.
type SyntaxError struct {
	// Expr is the whole expression.
	Expr string
	// Offset is the byte offset of the error in Expr; len(Expr) if something is
	// missing at its end, -1 if the offset is not known.
	Offset int
	// Msg is the reason in one clause.
	Msg string
	// Advice is what to write instead; if it is empty, the hint shows the offset.
	Advice string
}

// Error returns one clause that quotes the expression. An expression of more than 240 characters is
// truncated.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter expression %s: %s", printable.Quote(caret.Beginning(e.Expr)), e.Msg)
}

// Expression returns the whole expression.
func (e *SyntaxError) Expression() string { return e.Expr }

// Usage marks the error as a usage error.
func (e *SyntaxError) Usage() bool { return true }

// Hint returns the advice, or the expression with a caret under the error.
func (e *SyntaxError) Hint() string {
	switch {
	case e.Advice != "":
		return e.Advice
	case e.Offset < 0 || e.Offset > len(e.Expr):
		return "pcap-filter(7) describes the filter language"
	}
	return "the error is here:\n" + caret.Under(e.Expr, e.Offset)
}
