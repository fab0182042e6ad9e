// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyDevice = []provocation{
	wrongMAC, vlanWithoutDevice, ipv6Disabled, unknownEtherType, deviceDown, vethRingFull,
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
	w, port, down := l.wire(l.a, l.r), l.port(), l.unused()
	ktest.NewRedirect(l.tb, l.r, ktest.Redirect{From: w.farName, To: down, Program: true})
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(l.rb.near4, port), Size: 20}
	return scenario{
		cause: "qdisc-inactive", values: map[string]any{"enqueue.to": down}, needs: needs{probes: true, reason: "QDISC_DROP", symbols: []string{"noop_enqueue"}},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// vethRing is the number of packets that wait for a veth device with NAPI (VETH_RING_SIZE).
const vethRing = 256

// freedBy matches drops by the function that freed the packet.
func freedBy(functions ...string) func(*record) bool {
	return func(r *record) bool {
		name, _, _ := strings.Cut(r.Location, "+")
		return slices.Contains(functions, name)
	}
}

// vethRingFull sends more segments at once than the ring of the peer holds, which empties it only afterwards.
func vethRingFull(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	ktest.SetOffload(l.tb, l.a, w.nearName, ktest.TSO, false)
	l.attachXDP(w.farName, "why_ring", ktest.Returns(xdpDrop), link.XDPDriverMode)
	const size = 100
	s := ktest.Segment{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Flags: flagACK, Payload: make([]byte, (vethRing+10)*size)}
	return scenario{
		cause: "veth-ring-full", values: map[string]any{"veth_send.dev": w.nearName, "veth_send.size": vethRing, "veth_send.polled": 1},
		needs: needs{probes: true, module: "veth"}, rows: every(on(w.farName), toPort(port), freedBy("veth_xmit", "__dev_kfree_skb_any", "dev_kfree_skb_any_reason")),
		send: func() { l.do(l.a, func() error { return w.toFar.SendGSO(s, size) }) },
	}
}
