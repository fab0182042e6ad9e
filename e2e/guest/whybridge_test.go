// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyBridge = []provocation{
	bridgeListening, bridgeLearning, bridgeInvalidSource, bridgeMACControl, bridgeLocked, bridgeNoTarget,
	bridgeSamePort, bridgeIsolated, bridgeOutState, bridgeVLAN, bridgeUntagged,
}

// switched is a bridge of the router with a port to a and one to b.
type switched struct {
	l       *lab
	name    string
	in, out wire
	// inMAC and outMAC are the addresses of the hosts.
	inMAC, outMAC net.HardwareAddr
}

// bridge creates a bridge whose ports know the hosts' addresses.
func (l *lab) bridge() *switched {
	l.t.Helper()
	br := &switched{l: l, in: l.plan(l.a, l.r), out: l.plan(l.b, l.r)}
	br.in.far.Addresses, br.out.far.Addresses = nil, nil
	br.in, br.out = l.connect(br.in), l.connect(br.out)
	br.name = "br" + br.in.farName
	ktest.NewBridge(l.tb, ktest.End{Netns: l.r, Name: br.name}, br.in.farName, br.out.farName)
	br.inMAC, br.outMAC = br.in.toNear.To, br.out.toNear.To
	ktest.AddForwarding(l.tb, l.r, br.in.farName, br.inMAC)
	ktest.AddForwarding(l.tb, l.r, br.out.farName, br.outMAC)
	return br
}

// to returns a link from a through the bridge to an address.
func (br *switched) to(addr net.HardwareAddr) ktest.Link {
	return ktest.Link{Device: br.in.nearName, To: addr}
}

// crosses sends a datagram from a to b.
func (br *switched) crosses(cause string, link ktest.Link, values map[string]any) scenario {
	l, port := br.l, br.l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(br.in.near4, port), To: netip.AddrPortFrom(br.out.near4, port), Size: 20}
	return scenario{cause: cause, values: values, needs: needs{module: "bridge"}, rows: toPort(port), send: l.transmits(l.a, link, u.Packet().Bytes())}
}

// withState sends to a port in another state.
func withState(l *lab, cause string, state ktest.PortState, name string) scenario {
	br := l.bridge()
	return br.crosses(cause, br.to(br.outMAC), map[string]any{"dev": br.in.farName, "bridge": br.name, "state": name}).
		after(func() { ktest.SetPort(l.tb, l.r, br.in.farName, ktest.Port{State: &state}) })
}

func bridgeListening(l *lab) scenario {
	return withState(l, "bridge-stp-state", ktest.PortListening, "LISTENING")
}

func bridgeLearning(l *lab) scenario {
	return withState(l, "bridge-learning", ktest.PortLearning, "LEARNING")
}

// bridgeInvalidSource sends from a multicast address.
func bridgeInvalidSource(l *lab) scenario {
	br := l.bridge()
	link := br.to(br.outMAC)
	link.From = net.HardwareAddr{3, 0, 0, 0, 0, 5}
	return br.crosses("bridge-invalid-source", link, map[string]any{"from": "03:00:00:00:00:05"})
}

// bridgeMACControl sends to the address of pause frames.
func bridgeMACControl(l *lab) scenario {
	br := l.bridge()
	return br.crosses("bridge-mac-control", br.to(net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 1}), map[string]any{"to": "01:80:c2:00:00:01"})
}

// bridgeLocked sends from an address that the locked port does not know.
func bridgeLocked(l *lab) scenario {
	l.since("5.18", "locked ports", "SOCKET_RCVBUFF")
	br := l.bridge()
	ktest.SetPort(l.tb, l.r, br.in.farName, ktest.Port{Locked: true})
	link := br.to(br.outMAC)
	link.From = net.HardwareAddr{2, 0, 0, 0, 0, 6}
	s := br.crosses("bridge-locked", link, map[string]any{"dev": br.in.farName, "from": "02:00:00:00:00:06", "bridge": br.name})
	return s
}

// bridgeNoTarget sends to an unknown address, and no port floods.
func bridgeNoTarget(l *lab) scenario {
	br := l.bridge()
	ktest.SetPort(l.tb, l.r, br.out.farName, ktest.Port{NoFlood: true})
	return br.crosses("bridge-no-target", br.to(hardware), map[string]any{"dev": br.in.farName, "bridge": br.name, "to": hardware.String()})
}

// bridgeSamePort sends to an address behind the same port.
func bridgeSamePort(l *lab) scenario {
	br := l.bridge()
	other := net.HardwareAddr{2, 0, 0, 0, 0, 7}
	ktest.AddForwarding(l.tb, l.r, br.in.farName, other)
	s := br.crosses("bridge-same-port", br.to(other), map[string]any{"to": other.String(), "deliver.dev": br.in.farName})
	return s.probed("br_forward")
}

func bridgeIsolated(l *lab) scenario {
	br := l.bridge()
	for _, port := range []string{br.in.farName, br.out.farName} {
		ktest.SetPort(l.tb, l.r, port, ktest.Port{Isolated: true})
	}
	s := br.crosses("bridge-isolated", br.to(br.outMAC), map[string]any{"dev": br.in.farName, "deliver.dev": br.out.farName})
	return s.probed("br_forward")
}

func bridgeOutState(l *lab) scenario {
	br := l.bridge()
	state := ktest.PortListening
	s := br.crosses("bridge-out-state", br.to(br.outMAC), map[string]any{"deliver.dev": br.out.farName, "deliver.state": "LISTENING"}).after(func() {
		ktest.SetPort(l.tb, l.r, br.out.farName, ktest.Port{State: &state})
		ktest.AddForwarding(l.tb, l.r, br.out.farName, br.outMAC)
	})
	return s.probed("br_forward")
}

// filtering returns a bridge that filters VLANs.
func (l *lab) filtering() *switched {
	br := l.bridge()
	ktest.FilterVLANs(l.tb, l.r, br.name)
	return br
}

// bridgeVLAN sends with the tag of a VLAN that the port does not have.
func bridgeVLAN(l *lab) scenario {
	br, port := l.filtering(), l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(br.in.near4, port), To: netip.AddrPortFrom(br.out.near4, port)}
	return scenario{
		cause:  "bridge-vlan",
		values: map[string]any{"vlan_check.vlan": 20, "vlan_check.dev": br.in.farName, "vlan_check.bridge": br.name, "vlan_check.pvid": 1},
		needs:  needs{probes: true, module: "bridge", symbols: []string{"br_allowed_ingress"}}, rows: toPort(port),
		send: func() {
			l.do(l.a, func() error {
				return br.to(br.outMAC).Send(unix.ETH_P_8021Q, append([]byte{0, 20, 8, 0}, u.Packet().Bytes()...))
			})
		},
	}
}

// bridgeUntagged sends without a tag to a port without a PVID.
func bridgeUntagged(l *lab) scenario {
	br := l.filtering()
	ktest.RemoveVLAN(l.tb, l.r, br.in.farName, 1)
	s := br.crosses("bridge-vlan-untagged", br.to(br.outMAC), map[string]any{"vlan_check.dev": br.in.farName, "vlan_check.bridge": br.name})
	return s.probed("br_allowed_ingress")
}
