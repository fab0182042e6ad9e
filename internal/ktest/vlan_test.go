// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

func TestVLANsCarryPings(t *testing.T) {
	a, b := pair(t)
	NewVLAN(t, End{a, "va.5", subnets("10.5.0.1")}, VLAN{Lower: "va", ID: 5})
	NewVLAN(t, End{b, "vb.5", subnets("10.5.0.2")}, VLAN{Lower: "vb", ID: 5})
	pings(t, a, "10.5.0.2")
}

func TestVLANsInVLANsCarryPings(t *testing.T) {
	a, b := pair(t)
	for n, end := range map[*Netns]struct{ lower, addr string }{a: {"va", "10.7.0.1"}, b: {"vb", "10.7.0.2"}} {
		NewVLAN(t, End{n, "outer", nil}, VLAN{Lower: end.lower, ID: 100, Service: true})
		NewVLAN(t, End{n, "inner", subnets(end.addr)}, VLAN{Lower: "outer", ID: 7})
	}
	pings(t, a, "10.7.0.2")
}
