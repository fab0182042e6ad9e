// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"

	"tracer/internal/ktest"
)

var whyMTU = []provocation{
	forwardMTUDevice, forwardMTURoute, forwardMTULearned, forward6MTUDevice, forward6MTURoute, forwardMTUGSO, output6MTURoute,
	peerMTU, bridgePortMTU, timeToLive, hopLimit,
}

const (
	dontFragment = 0x4000
	narrowMTU    = 1300
	large        = 1400 // bytes of a packet, which fit through other devices
)

// narrow returns a wire between b and the router, whose device there has an MTU of 1300.
func (l *lab) narrow() wire {
	w := l.wire(l.b, l.r)
	ktest.SetMTU(l.tb, l.r, w.farName, narrowMTU)
	return w
}

// tooLarge sends a packet of 1400 bytes from a.
func (l *lab) tooLarge(cause string, to netip.Addr, values map[string]any) scenario {
	port := l.port()
	from := l.ra.near4
	header := 28
	if to.Is6() {
		from, header = l.ra.near6, 48
	}
	p := ktest.UDP{From: netip.AddrPortFrom(from, port), To: netip.AddrPortFrom(to, port), Size: large - header}.Packet()
	p.Fragment = dontFragment
	values["len"] = large
	return scenario{cause: cause, values: values, rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, l.ra.toFar, p.Bytes())}
}

func forwardMTUDevice(l *lab) scenario {
	w := l.narrow()
	return l.tooLarge("forward-mtu-device", w.near4, map[string]any{"out": w.farName, "dev_mtu": narrowMTU, "route_mtu": 0, "src": l.ra.near4})
}

func forwardMTURoute(l *lab) scenario {
	net, to := l.remote4()
	ktest.NewNarrowRoute(l.tb, l.r, net, l.rb.near4, narrowMTU, false)
	return l.tooLarge("forward-mtu-route", to, map[string]any{"out": l.rb.farName, "dev_mtu": 1500, "route_mtu": narrowMTU, "dst": to, "src": l.ra.near4})
}

// forwardMTULearned reports a path MTU to the router, which uses it also for packets that it forwards.
func forwardMTULearned(l *lab) scenario {
	net, to := l.remote4()
	ktest.NewRoute(l.tb, l.r, net, l.rb.near4)
	l.r.SetSysctl(l.tb, "ipv4/ip_forward_use_pmtu", "1")
	sent := ktest.UDP{From: netip.AddrPortFrom(l.rb.far4, l.port()), To: netip.AddrPortFrom(to, l.port())}
	socket := listenAt(l.t, l.r, sent.From.String())
	l.t.Cleanup(func() { socket.Close() })
	quoted := append([]byte{0, 0, narrowMTU >> 8, narrowMTU & 0xff}, sent.Packet().Bytes()...)
	l.transmits(l.b, l.rb.toFar, ktest.ICMP(l.rb.near4, l.rb.far4, 3, 4, quoted).Bytes())()
	s := l.tooLarge("forward-mtu-learned", to, map[string]any{"pmtu": narrowMTU, "use_pmtu": 1, "dst": to, "src": l.ra.near4})
	s.needs = needs{symbols: []string{"jiffies"}} // the expiry is read with it
	return s
}

func forward6MTUDevice(l *lab) scenario {
	w := l.narrow()
	return l.tooLarge("forward6-mtu-device", w.near6, map[string]any{"out": w.farName, "dev_mtu6": narrowMTU, "src": l.ra.near6})
}

func forward6MTURoute(l *lab) scenario {
	net, to := l.remote6()
	ktest.NewNarrowRoute(l.tb, l.r, net, l.rb.near6, narrowMTU, true)
	return l.tooLarge("forward6-mtu-route", to, map[string]any{"out": l.rb.farName, "route_mtu": narrowMTU, "dst": to, "src": l.ra.near6})
}

// output6MTURoute has a route whose MTU is not locked, which routers respect only after they have decided to forward.
func output6MTURoute(l *lab) scenario {
	net, to := l.remote6()
	ktest.NewNarrowRoute(l.tb, l.r, net, l.rb.near6, narrowMTU, false)
	return l.tooLarge("output6-mtu-route", to, map[string]any{"out": l.rb.farName, "route_mtu": narrowMTU, "dst": to})
}

// forwardMTUGSO sends a GSO packet whose segments are larger than the MTU: the peer's device, whose MTU is 1500,
// announces a larger MSS.
func forwardMTUGSO(l *lab) scenario {
	w := l.narrow()
	conn, _ := l.connection(netip.AddrPortFrom(l.ra.near4, l.port()), netip.AddrPortFrom(w.near4, l.port()))
	port := netip.MustParseAddrPort(conn.RemoteAddr().String()).Port()
	return scenario{
		cause: "forward-mtu-gso", values: map[string]any{"out": w.farName, "dev_mtu": narrowMTU, "gso_size": 1448},
		rows: every(within(l.r), toPort(port), func(r *record) bool { return r.Len > 1500 }),
		send: func() { conn.Write(make([]byte, 4*1448)) },
	}
}

// peerMTU sends a frame to a device whose MTU is smaller.
func peerMTU(l *lab) scenario {
	w := l.wire(l.a, l.b)
	ktest.SetMTU(l.tb, l.b, w.farName, 1000)
	port := l.port()
	p := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 1300}.Packet()
	return scenario{
		cause:  "peer-mtu",
		values: map[string]any{"handover.dev": w.farName, "handover.mtu": 1000, "handover.len": 14 + 28 + 1300},
		needs:  needs{probes: true, symbols: []string{"__dev_forward_skb"}}, rows: toPort(port),
		send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}

// bridgePortMTU sends a frame through a bridge to a port whose MTU is smaller. It has no IP packet, which the bridge
// might fragment (br_netfilter).
func bridgePortMTU(l *lab) scenario {
	br := l.bridge()
	ktest.SetMTU(l.tb, l.r, br.out.farName, 1000)
	return scenario{
		cause: "bridge-port-mtu", needs: needs{module: "bridge"}, values: map[string]any{"dev": br.out.farName, "dev_mtu": 1000, "len": 1300 + 14},
		rows: every(on(br.out.farName), etherType(localExperiment)),
		send: func() {
			l.do(l.a, func() error { return br.to(br.outMAC).Send(localExperiment, make([]byte, 1300)) })
		},
	}
}

// expiring sends a packet from a to b whose TTL or hop limit expires at the router.
func (l *lab) expiring(cause string, u ktest.UDP, values map[string]any) scenario {
	p := u.Packet()
	p.TTL = 1
	return scenario{cause: cause, values: values, rows: every(within(l.r), toPort(u.To.Port())), send: l.transmits(l.a, l.ra.toFar, p.Bytes())}
}

func timeToLive(l *lab) scenario {
	return l.expiring("ttl", l.toB(l.port()), map[string]any{"src": l.ra.near4, "dst": l.rb.near4, "ttl": 1})
}

func hopLimit(l *lab) scenario {
	return l.expiring("hop-limit", l.toB6(l.port()), map[string]any{"src6": l.ra.near6, "dst6": l.rb.near6, "hop_limit": 1})
}
