// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// TestMasqueradeAll checks that a client reaches a server without a route back only if the router masquerades.
func TestMasqueradeAll(t *testing.T) {
	client, router, server := NewNetns(t, "client"), NewNetns(t, "router"), NewNetns(t, "server")
	NewVeth(t, end(client, "c0", "10.7.0.1/24"), end(router, "r0", "10.7.0.2/24"))
	NewVeth(t, end(router, "r1", "10.7.1.1/24"), end(server, "s0", "10.7.1.2/24"))
	NewRoute(t, client, netip.MustParsePrefix("10.7.1.0/24"), netip.MustParseAddr("10.7.0.2"))
	MakeRouter(t, router)
	talk := TCP{Client: at("10.7.0.1", 0), Server: at("10.7.1.2", 8080), Payload: []byte("hello")}
	if err := (TCP{Client: talk.Client, Server: talk.Server}).Exchange(client, server); err == nil {
		t.Error("a server without a route back answers")
	}
	MasqueradeAll(t, router)
	AddChains(t, router, Chain{"through", nftables.ChainHookForward, -5})
	if err := talk.Exchange(client, server); err != nil {
		t.Error(err)
	}
}

func TestFlowtableCarriesTCP(t *testing.T) {
	n, other := NewNetns(t, "ktest"), NewNetns(t, "other")
	NewVeth(t, end(n, "c0", "10.7.0.1/24"), end(other, "r0", "10.7.0.2/24"))
	NewFlowtable(t, n, "c0", 5)
	if err := (TCP{Client: at("10.7.0.2", 0), Server: at("10.7.0.1", 8080), Payload: []byte("hello")}).Exchange(other, n); err != nil {
		t.Error(err)
	}
}

func TestIptables(t *testing.T) {
	n := NewNetns(t, "ktest")
	AddIptables(t, n, "filter")
	if err := n.Do(func() error { return getTableInfo(unix.AF_INET, unix.IPPROTO_IP, "nosuchtable") }); err == nil {
		t.Error("a table that does not exist was found")
	}
}

func end(n *Netns, name, address string) End {
	return End{Netns: n, Name: name, Addresses: []netip.Prefix{netip.MustParsePrefix(address)}}
}
