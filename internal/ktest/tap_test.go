// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

func TestTapLetsPacketsPass(t *testing.T) {
	a, b := pair(t)
	NewTap(t, a, "va")
	NewTap(t, b, "vb")
	pings(t, a, "10.9.0.2")
}
