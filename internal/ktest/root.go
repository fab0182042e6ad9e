// SPDX-License-Identifier: Apache-2.0

// Package ktest is what tests need of a live kernel: to skip where they may not
// run, namespaces and veth pairs, firewall rules, packets to be seen, and a check
// that nothing stayed behind in the kernel. It is for tests only.
package ktest

import (
	"os"
	"testing"
)

// Root skips a test that can only be run as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// must ends a test that could not be set up.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
