// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

// TestBridgeCarriesPings checks that two hosts reach each other, and the bridge itself, over a bridge.
func TestBridgeCarriesPings(t *testing.T) {
	a, b, hub := NewNetns(t, "a"), NewNetns(t, "b"), NewNetns(t, "hub")
	NewVeth(t, End{a, "va", subnets("10.9.0.1")}, End{hub, "pa", nil})
	NewVeth(t, End{b, "vb", subnets("10.9.0.2")}, End{hub, "pb", nil})
	NewBridge(t, End{hub, "br", subnets("10.9.0.3")}, "pa", "pb")
	pings(t, a, "10.9.0.2")
	pings(t, a, "10.9.0.3")
}
