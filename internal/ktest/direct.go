// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"testing"

	"tracer/internal/kernel"
	"tracer/internal/rdonly"
)

// Direct returns how programs read memory without a helper. The test is skipped on kernels without
// bpf_rdonly_cast, and fails if the kernel has it but refuses our programs.
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
