// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"fmt"

	"tracer/internal/caret"
)

// SyntaxError is an expression that can't be turned into a filter.
type SyntaxError struct {
	// Expr is the whole expression.
	Expr string
	// Offset is the byte of Expr where the trouble is, len(Expr) when something is
	// missing at its end, -1 when the place isn't known.
	Offset int
	// Msg is the reason in one clause.
	Msg string
	// Advice is what to write instead; if it is empty, the hint shows the place.
	Advice string
}

// Error is one clause that quotes the expression; of more than 240 characters only the beginning.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter expression %q: %s", caret.Beginning(e.Expr), e.Msg)
}

// Expression is the whole expression.
func (e *SyntaxError) Expression() string { return e.Expr }

// Usage tells that the user's input is wrong, not the run.
func (e *SyntaxError) Usage() bool { return true }

// Hint shows the expression with a caret line under the place.
func (e *SyntaxError) Hint() string {
	switch {
	case e.Advice != "":
		return e.Advice
	case e.Offset < 0 || e.Offset > len(e.Expr):
		return "pcap-filter(7) describes the filter language"
	}
	return "the error is here:\n" + caret.Under(e.Expr, e.Offset)
}
