// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"

	"tracer/internal/ktest"
)

// notForwarding: the router has ip_forward=0.
func notForwarding(n *network3) situation {
	n.router.SetSysctl(n.t, "ipv4/ip_forward", "0")
	return situation{
		send: func() { n.query(client4+":4000", server4+":53") },
		cure: func() {
			n.router.SetSysctl(n.t, "ipv4/ip_forward", "1")
			n.pings(server4)
		},
	}
}

// reversePath: the router's route to the packet's source address uses another device than the one on which
// the packet is received.
func reversePath(n *network3) situation {
	const second = "10.99.0.1"
	ktest.AddAddress(n.t, n.client, "lo", netip.MustParsePrefix(second+"/32"))
	subnet := netip.MustParsePrefix("10.99.0.0/24")
	ktest.NewRoute(n.t, n.router, subnet, netip.MustParseAddr(server4))
	n.router.SetSysctl(n.t, "ipv4/conf/all/rp_filter", "1")
	return situation{
		send: func() { n.query(second+":4000", server4+":53") },
		cure: func() {
			ktest.ReplaceRoute(n.t, n.router, subnet, netip.MustParseAddr(client4))
			n.arrives(second+":4000", server4+":53")
		},
	}
}

// withoutRoute: the router has no route to 10.6.0.0/16 and no default route, and a blackhole route to 10.7.0.0/16.
func withoutRoute(n *network3) situation {
	ktest.NewBlackholeRoute(n.t, n.router, netip.MustParsePrefix("10.7.0.0/16"))
	return situation{
		send: func() {
			n.query(client4+":4000", "10.6.0.1:53")
			n.query(client4+":4000", "10.7.0.1:53")
		},
		cure: func() {
			for _, lost := range []string{"10.6.0.1", "10.7.0.1"} {
				ktest.AddAddress(n.t, n.server, "lo", netip.MustParsePrefix(lost+"/32"))
			}
			ktest.ReplaceRoute(n.t, n.router, netip.MustParsePrefix("10.6.0.0/16"), netip.MustParseAddr(server4))
			ktest.RemoveRoute(n.t, n.router, netip.MustParsePrefix("10.7.0.0/16"))
			ktest.NewRoute(n.t, n.router, netip.MustParsePrefix("10.7.0.0/16"), netip.MustParseAddr(server4))
			n.pings("10.6.0.1")
			n.pings("10.7.0.1")
		},
	}
}

// silentNeighbour: the destination is an address in the server's network that no host has. The router sends three ARP
// requests, with an interval of 100 ms instead of one second.
func silentNeighbour(n *network3) situation {
	const silent = "10.2.0.99"
	n.router.SetSysctl(n.t, "ipv4/neigh/wan/retrans_time_ms", "100")
	return situation{
		send: func() { n.query(client4+":4000", silent+":53") },
		cure: func() {
			ktest.AddAddress(n.t, n.server, "eth0", netip.MustParsePrefix(silent+"/24"))
			n.pings(silent)
		},
	}
}

// arrives checks that a socket on the server receives a datagram from the client.
func (n *network3) arrives(from, to string) {
	n.t.Helper()
	socket := listenAt(n.t, n.server, to)
	defer socket.Close()
	n.succeeds(func() error {
		n.query(from, to)
		return receive(socket)
	})
}
