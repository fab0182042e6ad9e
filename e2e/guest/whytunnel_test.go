// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyTunnel = []provocation{vxlanVNI, vxlanHeader, vxlanOwnMAC, vxlanEntry, vxlanNoEntry, greUnknown, ipipUnknown}

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
