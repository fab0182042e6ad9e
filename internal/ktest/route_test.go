// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// routed has two hosts with a router between them.
type routed struct{ a, router, b *Netns }

const (
	hostA, routerA = "10.9.1.1", "10.9.1.254"
	hostB, routerB = "10.9.2.1", "10.9.2.254"
)

func newRouted(t *testing.T) routed {
	t.Helper()
	r := routed{NewNetns(t, "a"), NewNetns(t, "router"), NewNetns(t, "b")}
	NewVeth(t, End{r.a, "va", subnets(hostA)}, End{r.router, "ra", subnets(routerA)})
	NewVeth(t, End{r.b, "vb", subnets(hostB)}, End{r.router, "rb", subnets(routerB)})
	NewRoute(t, r.a, netip.MustParsePrefix("10.9.2.0/24"), netip.MustParseAddr(routerA))
	NewRoute(t, r.b, netip.MustParsePrefix("10.9.1.0/24"), netip.MustParseAddr(routerB))
	MakeRouter(t, r.router)
	return r
}

func TestRouterCarriesPings(t *testing.T) {
	r := newRouted(t)
	pings(t, r.a, hostB)
}

func TestTrackedConnectionsCarryPings(t *testing.T) {
	r := newRouted(t)
	TrackConnections(t, r.router)
	pings(t, r.a, hostB)
}

// receives sends a datagram and checks that it is received the given number of times. It returns the source
// address.
func receives(t *testing.T, from, at *Netns, u UDP, on netip.AddrPort, times int) net.Addr {
	t.Helper()
	var server net.PacketConn
	must(t, at.Do(func() (err error) {
		server, err = ListenUDP(on)
		return err
	}))
	defer server.Close()
	must(t, from.Do(func() error { return u.Send(1) }))
	must(t, server.SetDeadline(time.Now().Add(answerTimeout)))
	var source net.Addr
	for range times {
		n, sender, err := server.ReadFrom(make([]byte, 1<<16))
		must(t, err)
		if n != u.Size {
			t.Errorf("got %d bytes, want %d", n, u.Size)
		}
		source = sender
	}
	return source
}

func TestMasquerade(t *testing.T) {
	r := newRouted(t)
	Masquerade(t, r.router, 7000)
	source := receives(t, r.a, r.b, UDP{From: at(hostA, 5001), To: at(hostB, 7000), Size: 9}, at(hostB, 7000), 1)
	if source.String() != routerB+":5001" {
		t.Errorf("it comes from %s, want %s", source, routerB)
	}
}

func TestDNAT(t *testing.T) {
	r := newRouted(t)
	DNAT(t, r.router, 7000, at(hostB, 9000))
	receives(t, r.a, r.b, UDP{From: at(hostA, 5001), To: at(routerA, 7000), Size: 9}, at(hostB, 9000), 1)
}

func TestDuplicate(t *testing.T) {
	r := newRouted(t)
	Duplicate(t, r.router, 7000, netip.MustParseAddr(hostB), "rb")
	receives(t, r.a, r.b, UDP{From: at(hostA, 5001), To: at(hostB, 7000), Size: 9}, at(hostB, 7000), 2)
}
