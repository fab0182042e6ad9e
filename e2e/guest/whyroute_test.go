// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"net"
	"net/netip"

	"tracer/internal/ktest"
)

var whyRoute = []provocation{
	rpFilter, rpFilterNoRoute, rpFilterNoAddress, localSource, notUnicastSource,
	loopbackSource, multicastSource, zeroSource, loopbackDestination, zeroDestination,
	forwardingOff, forwardingOffNoRoute, noRoute, blackholeRoute, prohibitRoute, unreachableRoute,
	noRoute6, blackholeRoute6, prohibitRoute6, unreachableRoute6, outputNoRoute,
	unreachableRule, prohibitRule6, blackholeRule6,
	broadcastFrame, broadcastFrame6, forwardingOff6,
}

// arrives sends a datagram with these addresses from a to the router, over a wire of its own.
func (l *lab) arrives(cause string, w wire, from, to netip.Addr) scenario {
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(from, port), To: netip.AddrPortFrom(to, port), Size: 20}
	return scenario{
		cause: cause, values: map[string]any{"dev": w.farName}, rows: every(within(l.r), toPort(port)),
		send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// with adds values.
func (s scenario) with(values map[string]any) scenario {
	for key, value := range values {
		s.values[key] = value
	}
	return s
}

// checked returns a wire whose source addresses the router checks.
func (l *lab) checked(rpFilter string) wire {
	w := l.wire(l.a, l.r)
	l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/rp_filter", rpFilter)
	return w
}

// rpFilter sends from an address that is routed by another device.
func rpFilter(l *lab) scenario {
	w := l.checked("1")
	net, from := l.remote4()
	ktest.NewRoute(l.tb, l.r, net, l.rb.near4)
	s := l.arrives("rp-filter-strict", w, from, l.rb.near4).with(map[string]any{
		"rp_all": 0, "rp_dev": 1, "src": from, "way_back.dev": l.rb.farName, "way_back.table": 254,
	})
	s.needs, s.otherwise = needs{probes: true}, []string{"rp-filter"}
	return s
}

// rpFilterNoRoute sends from an address to which the router has no route, with a loose check.
func rpFilterNoRoute(l *lab) scenario {
	_, from := l.remote4()
	s := l.arrives("rp-filter-no-route", l.checked("2"), from, l.rb.near4).with(map[string]any{"rp_all": 0, "rp_dev": 2, "src": from})
	s.needs, s.otherwise = needs{probes: true}, []string{"rp-filter"}
	return s
}

// rpFilterNoAddress sends to a device without an address, from an address that is routed by another device.
func rpFilterNoAddress(l *lab) scenario {
	w := l.plan(l.a, l.r)
	w.far.Addresses = nil
	w = l.connect(w)
	l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/rp_filter", "2")
	net, from := l.remote4()
	ktest.NewRoute(l.tb, l.r, net, l.rb.near4)
	s := l.arrives("rp-filter-no-address", w, from, l.rb.near4).with(map[string]any{"rp_all": 0, "rp_dev": 2, "src": from})
	s.needs, s.otherwise = needs{probes: true}, []string{"rp-filter"}
	return s
}

// localSource sends from an address of the router.
func localSource(l *lab) scenario {
	s := l.arrives("local-source", l.wire(l.a, l.r), l.rb.far4, l.rb.near4).with(map[string]any{"src": l.rb.far4, "accept_local": 0})
	s.needs, s.otherwise = needs{reason: "IP_LOCAL_SOURCE"}, []string{"martian-source"}
	return s
}

// notUnicastSource sends from the broadcast address of another network of the router.
func notUnicastSource(l *lab) scenario {
	from := l.rb.broadcast()
	s := l.arrives("invalid-source", l.checked("1"), from, l.rb.near4).withoutDevice().with(map[string]any{"src": from})
	s.needs, s.otherwise = needs{reason: "IP_INVALID_SOURCE"}, []string{"martian-source"}
	return s
}

// martian sends a packet with an address that no packet from the network may have.
func (l *lab) martian(cause, from, to string, values map[string]any) scenario {
	return l.arrives(cause, l.wire(l.a, l.r), netip.MustParseAddr(from), netip.MustParseAddr(to)).with(values)
}

func loopbackSource(l *lab) scenario {
	return l.martian("martian-source-loopback", "127.0.0.9", l.rb.near4.String(), map[string]any{"src": "127.0.0.9", "route_localnet": 0})
}

func multicastSource(l *lab) scenario {
	s := l.martian("martian-source-multicast", "224.0.0.9", l.rb.near4.String(), map[string]any{"src": "224.0.0.9", "log_martians": 0})
	return s.withoutDevice()
}

func zeroSource(l *lab) scenario {
	return l.martian("martian-source-zero", "0.0.0.0", l.rb.near4.String(), map[string]any{"src": "0.0.0.0", "log_martians": 0}).withoutDevice()
}

func loopbackDestination(l *lab) scenario {
	return l.martian("martian-destination-loopback", l.ra.near4.String(), "127.0.0.9", map[string]any{"dst": "127.0.0.9", "route_localnet": 0})
}

func zeroDestination(l *lab) scenario {
	return l.martian("martian-destination-zero", l.ra.near4.String(), "0.0.0.0", map[string]any{"dst": "0.0.0.0"}).withoutDevice()
}

// withoutDevice is for a cause whose text does not name the device.
func (s scenario) withoutDevice() scenario {
	delete(s.values, "dev")
	return s
}

// forwardingOff sends to a device that does not forward.
func forwardingOff(l *lab) scenario {
	w := l.wire(l.a, l.r)
	l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/forwarding", "0")
	return l.arrives("ip-forward-off", w, w.near4, l.rb.near4).with(map[string]any{"dst": l.rb.near4, "forwarding": 0, "error": 113})
}

func forwardingOffNoRoute(l *lab) scenario {
	w := l.wire(l.a, l.r)
	l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/forwarding", "0")
	_, to := l.remote4()
	s := l.arrives("ip-forward-off-no-route", w, w.near4, to).with(map[string]any{"dst": to, "forwarding": 0, "error": 113, "way.error": 11})
	s.needs, s.otherwise = needs{probes: true}, []string{"ip-forward-off"}
	return s
}

// inBroadcast sends a packet to another host in a frame for all hosts. Its TTL has expired, which the router does not look at.
func (l *lab) inBroadcast(cause string, from, to netip.Addr) scenario {
	w, port := l.ra, l.port()
	p := ktest.UDP{From: netip.AddrPortFrom(from, port), To: netip.AddrPortFrom(to, port), Size: 20}.Packet()
	p.TTL = 1
	link := ktest.Link{Device: w.nearName, To: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	return scenario{
		cause: cause, values: map[string]any{"dev": w.farName, "type": 1}, rows: every(within(l.r), toPort(port)),
		send: l.transmits(l.a, link, p.Bytes()),
	}
}

func broadcastFrame(l *lab) scenario {
	return l.inBroadcast("forward-l2-broadcast", l.ra.near4, l.rb.near4).with(map[string]any{"dst": l.rb.near4})
}

func broadcastFrame6(l *lab) scenario {
	return l.inBroadcast("forward6-l2-broadcast", l.ra.near6, l.rb.near6).with(map[string]any{"dst6": l.rb.near6})
}

// forwardingOff6 sends to a host that does not forward IPv6 packets.
func forwardingOff6(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/conf/all/forwarding", "0")
	port, to := l.port(), w.far6.Next()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(to, port), Size: 20}
	return scenario{
		cause: "ipv6-forward-off", values: map[string]any{"dst6": to, "forwarding6": 0}, rows: every(within(n), toPort(port)),
		send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

func noRoute(l *lab) scenario {
	_, to := l.remote4()
	return l.arrives("no-route", l.ra, l.ra.near4, to).with(map[string]any{"dst": to, "error": 101, "mark": 0})
}

// discarded sends to a network whose route discards packets.
func (l *lab) discarded(cause string, kind ktest.RouteType, error int) scenario {
	net, to := l.remote4()
	ktest.NewDiscardingRoute(l.tb, l.r, net, kind)
	return l.arrives(cause, l.ra, l.ra.near4, to).withoutDevice().with(map[string]any{"dst": to, "error": error})
}

func blackholeRoute(l *lab) scenario { return l.discarded("route-blackhole", ktest.Blackhole, 22) }
func prohibitRoute(l *lab) scenario  { return l.discarded("route-prohibit", ktest.Prohibit, 13) }
func unreachableRoute(l *lab) scenario {
	return l.discarded("route-unreachable", ktest.Unreachable, 113).with(map[string]any{"forwarding": 1})
}

// discards are the names of the types of routes and rules.
var discards = map[ktest.RouteType]string{ktest.Unreachable: "unreachable", ktest.Prohibit: "prohibit", ktest.Blackhole: "blackhole"}

// byRule sends to a network whose route is usable, but a rule refuses the packets.
func (l *lab) byRule(cause string, kind ktest.RouteType, error, priority int, otherwise string) scenario {
	n, w := l.host()
	ktest.MakeRouter(l.tb, n)
	net, to := l.remote4()
	from, decision := w.near4, "route_rule."
	if cause != "rule-refuses" {
		net, to = l.remote6()
		from, decision = w.near6, "route_rule6."
	}
	ktest.NewRoute(l.tb, n, net, from)
	ktest.NewRefusingRule(l.tb, n, net, kind, priority)
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(from, port), To: netip.AddrPortFrom(to, port), Size: 20}
	return scenario{
		cause: cause, values: map[string]any{decision + "priority": priority, decision + "type": discards[kind], decision + "error": error},
		needs: needs{probes: true}, otherwise: []string{otherwise}, rows: every(within(n), toPort(port)),
		send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

func unreachableRule(l *lab) scenario {
	return l.byRule("rule-refuses", ktest.Unreachable, 101, 77, "no-route")
}

func prohibitRule6(l *lab) scenario {
	return l.byRule("ipv6-rule-refuses", ktest.Prohibit, 13, 78, "ipv6-route-prohibit")
}

func blackholeRule6(l *lab) scenario {
	return l.byRule("ipv6-rule-blackhole", ktest.Blackhole, 22, 79, "ipv6-route-blackhole")
}

func noRoute6(l *lab) scenario {
	_, to := l.remote6()
	return l.arrives("ipv6-no-route", l.ra, l.ra.near6, to).with(map[string]any{"dst": to, "error": 101})
}

func (l *lab) discarded6(cause string, kind ktest.RouteType, error int) scenario {
	net, to := l.remote6()
	ktest.NewDiscardingRoute(l.tb, l.r, net, kind)
	return l.arrives(cause, l.ra, l.ra.near6, to).withoutDevice().with(map[string]any{"error": error})
}

func blackholeRoute6(l *lab) scenario {
	return l.discarded6("ipv6-route-blackhole", ktest.Blackhole, 22)
}
func prohibitRoute6(l *lab) scenario { return l.discarded6("ipv6-route-prohibit", ktest.Prohibit, 13) }
func unreachableRoute6(l *lab) scenario {
	return l.discarded6("ipv6-route-unreachable", ktest.Unreachable, 113)
}

// outputNoRoute removes the route of a connection.
func outputNoRoute(l *lab) scenario {
	net4, to := l.remote4()
	ktest.AddAddress(l.tb, l.b, "lo", netip.PrefixFrom(to, 32))
	ktest.NewRoute(l.tb, l.r, net4, l.rb.near4)
	ktest.NewRoute(l.tb, l.a, net4, l.ra.far4)
	conn, _ := l.connection(netip.AddrPortFrom(l.ra.near4, l.port()), netip.AddrPortFrom(to, l.port()))
	from := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	return scenario{
		cause:  "output-no-route",
		values: map[string]any{"dst": to, "dport": conn.RemoteAddr().(*net.TCPAddr).Port, "lport": from.Port(), "bound": 0, "mark": 0},
		rows: func(r *record) bool {
			return r.Why != nil && string(r.Why.Values["lport"]) == jsonOf(from.Port()) && forReason("IP_OUTNOROUTES", "")(r)
		},
		send: func() {
			ktest.NewDiscardingRoute(l.tb, l.a, netip.PrefixFrom(to, 32), ktest.Unreachable)
			conn.Write([]byte(get))
			conn.SetLinger(0)
			conn.Close()
		},
	}
}

// connection opens a TCP connection from a to b. Both ends are closed at the end of the test.
func (l *lab) connection(client, server netip.AddrPort) (near, far *net.TCPConn) {
	l.t.Helper()
	return l.connectionWith(client, server, func(*net.TCPListener) error { return nil })
}

// connectionWith changes the listener before.
func (l *lab) connectionWith(client, server netip.AddrPort, change func(*net.TCPListener) error) (near, far *net.TCPConn) {
	l.t.Helper()
	var listener net.Listener
	l.do(l.b, func() (err error) {
		if listener, err = ktest.ListenBacklog(server, 100); err != nil {
			return err
		}
		return change(listener.(*net.TCPListener))
	})
	defer listener.Close()
	l.do(l.a, func() error {
		c, err := ktest.TCP{Client: client, Server: server}.Connect()
		if err != nil {
			return err
		}
		near = c.(*net.TCPConn)
		accepted, err := listener.Accept()
		if err != nil {
			return errors.Join(err, c.Close())
		}
		far = accepted.(*net.TCPConn)
		return nil
	})
	l.t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}
