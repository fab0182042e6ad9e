// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyDevice = []provocation{
	wrongMAC, vlanWithoutDevice, ipv6Disabled, unknownEtherType, deviceDown,
}

// wrongMAC sends a frame for another host to a promiscuous device.
func wrongMAC(l *lab) scenario {
	w := l.wire(l.a, l.r)
	ktest.Sniffer{Promiscuous: true}.Open(l.tb, l.r, w.farName)
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause:  "wrong-mac",
		values: map[string]any{"dev": w.farName, "to": hardware.String(), "own": w.toFar.To.String(), "promiscuity": 1}, needs: needs{reason: "OTHERHOST"},
		rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, ktest.Link{Device: w.nearName, To: hardware}, u.Packet().Bytes()),
	}
}

// vlanWithoutDevice sends a frame with a tag for which there is no device.
func vlanWithoutDevice(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause: "vlan-without-device", values: map[string]any{"untagged.vlan": 7, "untagged.dev": w.farName},
		needs: needs{probes: true, reason: "OTHERHOST", symbols: []string{"vlan_do_receive"}}, otherwise: []string{"own-mac-otherhost"},
		rows: every(within(l.r), toPort(port)),
		send: func() {
			l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_8021Q, append([]byte{0, 7, 8, 0}, u.Packet().Bytes()...)) })
		},
	}
}

func ipv6Disabled(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	l.r.SetSysctl(l.tb, "ipv6/conf/"+w.farName+"/disable_ipv6", "1")
	u := ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(w.far6, port), Size: 20}
	return scenario{
		cause: "ipv6-disabled", values: map[string]any{"dev": w.farName, "disable_ipv6": 1}, needs: needs{reason: "IPV6DISABLED"},
		rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

func unknownEtherType(l *lab) scenario {
	w := l.wire(l.a, l.r)
	return scenario{
		cause: "unknown-ethertype", values: map[string]any{"dev": w.farName, "protocol": localExperiment}, needs: needs{reason: "UNHANDLED_PROTO"},
		rows: every(on(w.farName), etherType(localExperiment)),
		send: func() { l.do(l.a, func() error { return w.toFar.Send(localExperiment, make([]byte, 50)) }) },
	}
}

// deviceDown redirects packets with tc to a device that is down, which has the queueing discipline noop.
func deviceDown(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	down := l.plan(l.b, l.r)
	down.near.Addresses, down.far.Addresses = nil, nil
	ktest.NewVethNoWait(l.tb, down.near, down.far)
	ktest.NewRedirect(l.tb, l.r, ktest.Redirect{From: w.farName, To: down.farName, Program: true})
	ktest.SetDown(l.tb, l.r, down.farName)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(l.rb.near4, port), Size: 20}
	return scenario{
		cause: "qdisc-inactive", values: map[string]any{"enqueue.to": down.farName}, needs: needs{probes: true, reason: "QDISC_DROP", symbols: []string{"noop_enqueue"}},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}
