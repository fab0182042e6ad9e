// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"testing"

	"tracer/internal/kernel"
	"tracer/internal/rdonly"
)

// Direct is how programs read memory without a helper here; the test is skipped on kernels
// that have no such thing, and fails where one that has it does not let us.
func Direct(tb testing.TB) *rdonly.Cast {
	tb.Helper()
	Root(tb)
	facts, err := kernel.Gather(tb.Context(), kernel.Options{})
	if err != nil {
		tb.Skip(err)
	}
	switch {
	case errors.Is(facts.NoDirect, kernel.ErrNoCast):
		tb.Skip(facts.NoDirect)
	case facts.NoDirect != nil:
		tb.Fatal(facts.NoDirect)
	}
	return facts.Direct
}
