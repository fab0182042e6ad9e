// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyTunnel = []provocation{vxlanVNI, vxlanHeader, vxlanOwnMAC, vxlanEntry, vxlanNoEntry, greUnknown, ipipUnknown, tunnelNoRoute, tunnelNoRemote, tunnelLoop, tunnelCachedLoop, vxlanNoRoute, vxlanLoop}

// vxlan creates a VXLAN device with VNI 41 on a port of b, and returns its name and the datagram with which a would
// send to it.
func (l *lab) vxlan() (string, ktest.UDP) {
	l.t.Helper()
	u := l.toB(l.port())
	name := "vx" + l.plan(l.b, l.r).nearName
	ktest.NewTunnel(l.tb, ktest.End{Netns: l.b, Name: name}, ktest.Tunnel{Kind: "vxlan", ID: 41, Port: u.To.Port(), Local: l.rb.near4})
	return name, u
}

// encapsulated returns a VXLAN header and an empty frame from a MAC address.
func encapsulated(flags byte, vni uint32, from net.HardwareAddr) []byte {
	b := endian.BigEndian.AppendUint32([]byte{flags, 0, 0, 0}, vni<<8)
	b = append(append(append(b, hardware...), from...), 0x88, 0xb5)
	return append(b, make([]byte, 46)...)
}

func vxlanVNI(l *lab) scenario {
	_, u := l.vxlan()
	u.Payload = encapsulated(8, 42, hardware)
	return scenario{
		cause: "vxlan-vni", values: map[string]any{"vxlan_receive.vni": 42, "vxlan_receive.port": u.To.Port(), "vxlan_receive.src": u.From.Addr()},
		needs: needs{probes: true, reason: "VXLAN_VNI_NOT_FOUND", module: "vxlan", symbols: []string{"vxlan_rcv"}},
		rows:  every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}

func vxlanHeader(l *lab) scenario {
	_, u := l.vxlan()
	u.Payload = encapsulated(0, 41, hardware)
	return scenario{
		cause: "vxlan-header", needs: needs{reason: "VXLAN_INVALID_HDR"}, rows: every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}

// vxlanOwnMAC sends from the address of the VXLAN device.
func vxlanOwnMAC(l *lab) scenario {
	name, u := l.vxlan()
	u.Payload = encapsulated(8, 41, ktest.HardwareAddr(l.tb, l.b, name))
	return scenario{
		cause: "vxlan-own-mac", needs: needs{reason: "LOCAL_MAC"}, rows: every(within(l.b), func(r *record) bool { return r.Reason == "SKB_DROP_REASON_LOCAL_MAC" && r.Ifname == name }),
		send: l.sends(u),
	}
}

// vxlanEntry sends from an address that has a static entry for another host.
func vxlanEntry(l *lab) scenario {
	name, u := l.vxlan()
	u.Payload = encapsulated(8, 41, hardware)
	_, elsewhere := l.remote4()
	ktest.AddRemote(l.tb, l.b, name, hardware, elsewhere)
	return scenario{
		cause: "vxlan-entry", needs: needs{reason: "VXLAN_ENTRY_EXISTS"},
		rows: every(within(l.b), func(r *record) bool { return r.Reason == "SKB_DROP_REASON_VXLAN_ENTRY_EXISTS" && r.Ifname == name }),
		send: l.sends(u),
	}
}

// vxlanNoEntry sends to an address that the VXLAN device does not know.
func vxlanNoEntry(l *lab) scenario {
	name, _ := l.vxlan()
	return scenario{
		cause: "vxlan-no-entry", values: map[string]any{"vxlan_send.dev": name, "vxlan_send.vni": 41, "vxlan_send.to": hardware.String()},
		needs: needs{probes: true, reason: "NO_TX_TARGET", module: "vxlan", symbols: []string{"vxlan_xmit"}},
		rows:  every(on(name), etherType(localExperiment)),
		send: func() {
			l.do(l.b, func() error { return ktest.Link{Device: name, To: hardware}.Send(localExperiment, make([]byte, 50)) })
		},
	}
}

// tunnelled sends a packet of a tunnel for which b has no device, from an address that identifies the packet.
func (l *lab) tunnelled(cause, kind string, protocol byte, payload []byte) scenario {
	_, from := l.remote4()
	other := l.plan(l.b, l.r)
	ktest.NewTunnel(l.tb, ktest.End{Netns: l.b, Name: kind + other.nearName}, ktest.Tunnel{Kind: kind, ID: 1, Local: l.rb.near4, Remote: other.far4})
	p := ktest.Packet{From: from, To: l.rb.near4, Protocol: protocol, Payload: payload}
	return scenario{
		cause: cause, values: map[string]any{"src": from, "dst": l.rb.near4}, rows: every(within(l.b), fromAddr(from)),
		send: l.transmits(l.a, l.ra.toFar, p.Bytes()),
	}
}

func greUnknown(l *lab) scenario {
	return l.tunnelled("gre-unknown", "gre", unix.IPPROTO_GRE, append([]byte{0, 0, 8, 0}, l.toB(l.port()).Packet().Bytes()...))
}

func ipipUnknown(l *lab) scenario {
	inner := ktest.UDP{From: netip.MustParseAddrPort("10.73.0.1:1"), To: netip.MustParseAddrPort("10.73.0.2:2"), Size: 20}
	return l.tunnelled("tunnel-unknown", "ipip", unix.IPPROTO_IPIP, inner.Packet().Bytes())
}

// ipip creates an IP in IP device in a host of its own, and returns its name. The device may have no remote.
func (l *lab) ipip(remote netip.Addr) (*ktest.Netns, string) {
	l.t.Helper()
	n, w := l.host()
	name := "t" + w.farName
	ktest.NewTunnel(l.tb, ktest.End{Netns: n, Name: name}, ktest.Tunnel{Kind: "ipip", Local: w.far4, Remote: remote})
	return n, name
}

// intoTunnel sends datagrams to an address by a tunnel, which drops them.
func (l *lab) intoTunnel(cause string, n *ktest.Netns, device string, to netip.Addr, times int, values map[string]any) scenario {
	port := l.port()
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, module: "ip_tunnel", symbols: []string{"ip_tunnel_xmit"}},
		rows: every(within(n), on(device), toPort(port)),
		send: func() {
			l.do(n, func() error {
				return ktest.UDP{From: netip.AddrPortFrom(netip.IPv4Unspecified(), port), To: netip.AddrPortFrom(to, port), Size: 20}.Send(times)
			})
		},
	}
}

// tunnelNoRoute sends by a tunnel to whose remote there is no route.
func tunnelNoRoute(l *lab) scenario {
	_, remote := l.remote4()
	inner, to := l.remote4()
	n, name := l.ipip(remote)
	ktest.NewDeviceRoute(l.tb, n, inner, name)
	return l.intoTunnel("tunnel-no-route", n, name, to, 1, map[string]any{"tunnel_route.remote": remote})
}

// tunnelNoRemote sends a packet without a route by a tunnel without a remote.
func tunnelNoRemote(l *lab) scenario {
	n, name := l.ipip(netip.Addr{})
	_, to := l.remote4()
	s := l.intoTunnel("tunnel-no-remote", n, name, to, 1, map[string]any{"tunnel_send.dev": name})
	u := l.toB(l.port())
	s.rows = every(within(n), on(name), toPort(u.To.Port()))
	s.send = func() { l.do(n, func() error { return ktest.SendBare(name, u.Packet().Bytes()) }) }
	return s
}

// tunnelLoop sends by a tunnel to whose remote the route leads into the tunnel.
func tunnelLoop(l *lab) scenario {
	n, name, remote := l.loopingTunnel()
	return l.intoTunnel("tunnel-loop", n, name, remote, 1, map[string]any{"tunnel_route.remote": remote, "tunnel_send.dev": name})
}

// tunnelCachedLoop does so when the tunnel has the route from an earlier packet on this CPU.
func tunnelCachedLoop(l *lab) scenario {
	n, name, remote := l.loopingTunnel()
	s := l.intoTunnel("tunnel-cached-loop", n, name, remote, 1, map[string]any{"tunnel_send.remote": remote, "tunnel_send.dev": name})
	datagram := func(port uint16) ktest.UDP {
		return ktest.UDP{From: netip.AddrPortFrom(netip.IPv4Unspecified(), port), To: netip.AddrPortFrom(remote, port), Size: 20}
	}
	first, second := datagram(l.port()), datagram(l.port())
	s.rows = every(within(n), on(name), toPort(second.To.Port()))
	s.send = func() {
		l.do(n, func() error {
			return onCPU(0, func() error { return errors.Join(first.Send(1), second.Send(1)) })
		})
	}
	return s
}

func (l *lab) loopingTunnel() (*ktest.Netns, string, netip.Addr) {
	l.t.Helper()
	net, remote := l.remote4()
	n, name := l.ipip(remote)
	ktest.NewDeviceRoute(l.tb, n, net, name)
	return n, name, remote
}

// vxlanTo creates a VXLAN device with a remote in a host of its own.
func (l *lab) vxlanTo(cause string, remote netip.Addr, values map[string]any) (scenario, *ktest.Netns, string) {
	l.t.Helper()
	n, w := l.host()
	name := "vx" + w.farName
	ktest.NewTunnel(l.tb, ktest.End{Netns: n, Name: name}, ktest.Tunnel{Kind: "vxlan", ID: 41, Port: l.port(), Local: w.far4, Remote: remote})
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, module: "vxlan", symbols: []string{"vxlan_xmit_one"}},
		rows: every(within(n), on(name), etherType(localExperiment)),
		send: func() {
			l.do(n, func() error { return ktest.Link{Device: name, To: hardware}.Send(localExperiment, make([]byte, 50)) })
		},
	}, n, name
}

func vxlanNoRoute(l *lab) scenario {
	_, remote := l.remote4()
	s, _, _ := l.vxlanTo("vxlan-no-route", remote, map[string]any{"tunnel_route.remote": remote})
	return s
}

func vxlanLoop(l *lab) scenario {
	net, remote := l.remote4()
	s, n, name := l.vxlanTo("vxlan-loop", remote, map[string]any{"tunnel_route.remote": remote})
	ktest.NewDeviceRoute(l.tb, n, net, name)
	ktest.SetNeighbour(l.tb, n, name, remote, hardware)
	return s
}
