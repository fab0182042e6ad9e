// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"
)

func TestEncryptedPings(t *testing.T) {
	a, b := pair(t)
	e := ESP{}.Between(netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2"))
	NewESP(t, a, e)
	NewESP(t, b, e.Reverse())
	pings(t, a, "10.9.0.2")
}

func TestEncryptedPingsInATunnel(t *testing.T) {
	a, b := pair(t)
	e := ESP{From: netip.MustParsePrefix("10.8.1.0/24"), To: netip.MustParsePrefix("10.8.2.0/24")}
	e = e.Between(netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2"))
	NewESP(t, a, e)
	NewESP(t, b, e.Reverse())
	AddAddress(t, a, "lo", subnets("10.8.1.1")[0])
	AddAddress(t, b, "lo", subnets("10.8.2.1")[0])
	NewRoute(t, a, e.To, e.Remote)
	NewRoute(t, b, e.From, e.Local)
	receives(t, a, b, UDP{From: at("10.8.1.1", 5001), To: at("10.8.2.1", 7000), Size: 9}, at("10.8.2.1", 7000), 1)
}
