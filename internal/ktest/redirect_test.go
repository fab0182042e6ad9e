// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

// wired returns two hosts, each connected to a hub by a veth pair. The test makes the hub forward between them.
func wired(t *testing.T) (a, b, hub *Netns) {
	t.Helper()
	a, b, hub = NewNetns(t, "a"), NewNetns(t, "b"), NewNetns(t, "hub")
	NewVeth(t, End{a, "va", subnets("10.9.0.1")}, End{hub, "pa", nil})
	NewVeth(t, End{b, "vb", subnets("10.9.0.2")}, End{hub, "pb", nil})
	return a, b, hub
}

func TestRedirectsCarryPings(t *testing.T) {
	for name, r := range map[string]Redirect{"action": {}, "program": {Program: true}} {
		t.Run(name, func(t *testing.T) {
			a, _, hub := wired(t)
			for _, way := range [][2]string{{"pa", "pb"}, {"pb", "pa"}} {
				r.From, r.To = way[0], way[1]
				NewRedirect(t, hub, r)
			}
			pings(t, a, "10.9.0.2")
		})
	}
}

// TestMirrors checks that a mirrored packet also continues: both hosts get the request, and the one that has
// the address answers.
func TestMirrors(t *testing.T) {
	for name, r := range map[string]Redirect{"action": {Mirror: true}, "program": {Mirror: true, Program: true}} {
		t.Run(name, func(t *testing.T) {
			a, _, hub := wired(t)
			AddAddress(t, hub, "pa", subnets("10.9.0.9")[0])
			for _, way := range [][2]string{{"pa", "pb"}, {"pb", "pa"}} {
				r.From, r.To = way[0], way[1]
				NewRedirect(t, hub, r)
			}
			pings(t, a, "10.9.0.9")
			pings(t, a, "10.9.0.2")
		})
	}
}
