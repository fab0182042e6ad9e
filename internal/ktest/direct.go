// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"testing"

	"tracer/internal/kernel"
	"tracer/internal/rdonly"
)

// Direct returns what programs need to read kernel memory with bpf_rdonly_cast instead of a helper. It skips the
// test on kernels without this kfunc, and fails it if the kernel has the kfunc but rejects our programs.
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
