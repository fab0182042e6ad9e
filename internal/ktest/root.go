// SPDX-License-Identifier: Apache-2.0

// Package ktest provides what tests need to use a live kernel: skipping without root, namespaces and veth
// pairs, firewall rules, packets, and a check that nothing is left behind in the kernel. It is for tests only.
package ktest

import (
	"os"
	"testing"
)

// Root skips a test unless it runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// must fails a test that could not be set up.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
