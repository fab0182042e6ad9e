// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"
)

func TestWireGuardCarriesPings(t *testing.T) {
	for name, outer := range map[string][2]string{
		"IPv4": {"10.9.0.1:51820", "10.9.0.2:51821"},
		"IPv6": {"[fd09::1]:51820", "[fd09::2]:51821"},
	} {
		t.Run("over "+name, func(t *testing.T) {
			a, b := pair(t)
			local, remote := netip.MustParseAddrPort(outer[0]), netip.MustParseAddrPort(outer[1])
			NewWireGuard(t, End{a, "wa", subnets("10.8.0.1")}, WireGuard{local, remote, prefixes("10.8.0.2/32")})
			NewWireGuard(t, End{b, "wb", subnets("10.8.0.2")}, WireGuard{remote, local, prefixes("10.8.0.1/32")})
			pings(t, a, "10.8.0.2")
		})
	}
}
